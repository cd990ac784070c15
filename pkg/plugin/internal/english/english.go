// Package english keeps kubectl's packages from loading the translations of kubectl's texts, which would take a third of the
// time in which the program starts. Import it for that alone: the texts of this program are English whatever the language of
// the terminal, and kubectl's in between stay so with it.
package english

import "k8s.io/kubectl/pkg/util/i18n"

//nolint:gochecknoinits // Packages are initialized in the order of their paths, so this comes before those that translate.
func init() {
	// The error says that translations are loaded already, which changes nothing.
	_ = i18n.SetLoadTranslationsFunc(func() error { return nil })
}
