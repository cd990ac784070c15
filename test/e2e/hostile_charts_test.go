//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//nolint:tparallel // Each may take a gigabyte.
func TestHostileChartsAreRefused(t *testing.T) {
	t.Parallel()
	// Helm's engine knows how often one template includes itself, and not how many do so in a circle.
	var circle strings.Builder
	for i := range 500 {
		fmt.Fprintf(&circle, "{{ define \"x%d\" }}{{ include \"x%d\" . }}{{ end }}", i, (i+1)%500)
	}
	large := "a: &a " + strings.Repeat("x", 100_000) + "\nb: [" + strings.Repeat("*a, ", 30_000) + "]\n"
	refuse(t, map[string]hostile{
		"templates in a circle":         chartOf(map[string]string{"templates/hostile.yaml": circle.String() + `{{ include "x0" . }}`}, 3, "for templates inside of each other"),
		"values that hold themselves":   chartOf(map[string]string{"templates/hostile.yaml": `{{ $_ := set .Values "a" .Values }}{{ .Values }}`}, 3, "for templates inside of each other"),
		"a text that doubles":           chartOf(map[string]string{"templates/hostile.yaml": `{{ $s := "ab" }}{{ range until 60 }}{{ $s = print $s $s }}{{ end }}`}, 3, "more than 1024 MiB of memory"),
		"repeat":                        chartOf(map[string]string{"templates/hostile.yaml": `{{ repeat 1000000000 "abc" }}`}, 3, "larger than 16 MiB"),
		"a text with many aliases":      chartOf(map[string]string{"values.yaml": large}, 4, "values.yaml: the aliases stand for more than 64 MiB"),
		"aliases in a file of metadata": chartOf(map[string]string{"requirements.yaml": large}, 4, "requirements.yaml: the aliases stand for more than 64 MiB"),
		"aliases in what is rendered":   chartOf(map[string]string{"templates/hostile.yaml": plainTemplate + large}, 3, "the aliases stand for more than 64 MiB"),
		"a schema from elsewhere":       chartOf(map[string]string{"values.schema.json": `{"$ref": "http://127.0.0.1:1/a.json"}`}, 2, "http://127.0.0.1:1/a.json"),
		"an archive that is none":       chartOf(map[string]string{"charts/a.tgz": "none"}, 4, "charts/a.tgz: neither a folder nor a .tgz archive"),
		"a pack of a text with aliases": {files: map[string]string{"values.yaml": large}, code: 2, says: "values.yaml: the aliases stand for more than 64 MiB"},
	})
}

// chartOf is a chart of these files that must be refused.
func chartOf(files map[string]string, code int, says string) hostile {
	files["Chart.yaml"] = "apiVersion: v2\nname: hostile\nversion: 1.0.0\n"
	return hostile{files: files, code: code, says: says, prepare: func(t *testing.T, folder string) string {
		t.Helper()
		if err := os.Remove(filepath.Join(folder, "Pack.yaml")); err != nil {
			t.Fatal(err)
		}
		return folder
	}}
}
