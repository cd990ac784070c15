// Package source opens what commands take as PACK: a pack, or a Helm chart.
package source

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/chart"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// Source is a pack or a Helm chart.
type Source interface {
	// Pack is what was read: the files, and what they say of themselves. A chart is told of as a pack, whose templates and
	// values mean what Helm makes of them.
	Pack() *pack.Pack
	// Defaults are its own values, from the weakest layer to the strongest.
	Defaults() []pack.Layer
	// CheckDependencies refuses one that lacks dependencies it lists. The error is a *pack.InvalidError. Complete does so, too.
	CheckDependencies() error
	// Complete lays values over its own and checks all of them. Where they are wrong, the error joins a *pack.InvalidError for each
	// schema that they do not match.
	Complete(values render.Values) (render.Completed, error)
	// Templates are the names of its templates and of its definitions of custom resources, those of dependencies included.
	Templates() []string
	// IsChart reports whether it is Helm's.
	IsChart() bool
}

// Open reads the pack or chart in a folder or a .tgz archive. The errors are those of pack.Open.
func Open(name string) (Source, error) {
	files, err := pack.Read(name)
	if err != nil {
		return nil, err
	}
	return New(name, files)
}

// New is Open with the files of a pack or chart.
func New(name string, files []pack.File) (Source, error) {
	if pack.IsChart(files) {
		return openChart(name, files)
	}
	return openPack(name, files)
}

// openChart is chart.New, without a Source that is not nil and holds nothing.
func openChart(name string, files []pack.File) (Source, error) {
	opened, err := chart.New(name, files)
	if err != nil {
		return nil, err
	}
	return opened, nil
}
