package render_test

import (
	"testing"
)

func TestDefinitions(t *testing.T) {
	t.Parallel()
	t.Run("of one name, one counts, as in Helm", definitionsOfOneName)
	t.Run("what tpl defines is gone afterwards", whatTplDefinesIsGoneAfterwards)
}

func definitionsOfOneName(t *testing.T) {
	t.Parallel()
	got := renderAll(t, map[string]string{
		"templates/a.yaml":     `{{ include "x" . }}`,
		"templates/_b.tpl":     `{{ define "x" }}b{{ end }}`,
		"templates/_c.tpl":     `{{ define "x" }}c{{ end }}`,
		"templates/sub/_a.tpl": `{{ define "x" }}sub{{ end }}`,
		"templates/_a.tpl":     `{{ define "x" }} {{ end }}`,
	})
	if got["templates/a.yaml"] != "b" {
		t.Errorf("got %q", got["templates/a.yaml"])
	}
}

func whatTplDefinesIsGoneAfterwards(t *testing.T) {
	t.Parallel()
	got := renderAll(t, map[string]string{
		"templates/_n.tpl": `{{ define "x" }}own{{ end }}`,
		"templates/a.yaml": `{{ include "x" . }} {{ tpl "{{ define \"x\" }}new{{ end }}{{ include \"x\" . }} {{ tpl \"{{ include \\\"x\\\" . }}\" . }}" . }} {{ include "x" . }}`,
	})
	if got["templates/a.yaml"] != "own new new own" {
		t.Errorf("got %q", got["templates/a.yaml"])
	}
}
