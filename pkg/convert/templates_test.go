package convert

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

func FuzzTemplate(f *testing.F) {
	f.Add(`{{ .Chart.Name }}{{ $.Chart }}{{ (.).Chart.Name }}{{ $x := . }}{{ $x.Release.Service }}`)
	f.Add("a\n  {{- with .Chart -}} {{ .Name }} {{- else }}{{ template \"x\" .a.Chart.Version }}{{ end }}\n\"helm.sh/hook\": x")
	f.Add("{{ define \"x\" }}{{ (index . 0).a.Chart.Name | printf \"%s\" .Release.Service.x }}{{ end }}{{/* .Chart */ -}} helm.sh/hook-weight :")
	f.Fuzz(func(t *testing.T, text string) {
		c := conversion{chart: &pack.Pack{Path: "web"}, converted: map[string][]byte{}}
		c.convertTemplate(pack.File{Path: "templates/a.yaml", Data: []byte(text)})
		converted, changed := c.converted["templates/a.yaml"]
		if !changed {
			return
		}
		if len(converted) == 0 {
			t.Errorf("%q becomes nothing", text)
		}
		again := conversion{chart: c.chart, converted: map[string][]byte{}}
		again.convertTemplate(pack.File{Path: "templates/a.yaml", Data: converted})
		if len(again.converted) > 0 {
			t.Errorf("%q becomes %q, and that %q", text, converted, again.converted)
		}
	})
}
