package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// renderAll renders templates and returns path: text of each file, and the notes.
func renderAll(t *testing.T, templates map[string]string) map[string]string {
	t.Helper()
	output, err := testEngine().Render(testPack(true, templates), testValues(), testRelease())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(output.Files, func(a, b render.File) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("the files are not sorted")
	}
	found := map[string]string{"notes": output.Notes}
	for _, file := range output.Files {
		found[file.Path] = string(file.Text)
	}
	return found
}

func TestWhichTemplatesMakeManifests(t *testing.T) {
	t.Parallel()
	got := renderAll(t, map[string]string{
		"templates/a.yaml":        "{{ include \"x\" . }}",
		"templates/b.yml":         "b",
		"templates/c.json":        "{}",
		"templates/d.tpl":         "d",
		"templates/_e.tpl":        "{{ define \"x\" }}x{{ end }}e",
		"templates/sub/_f.yaml":   "f",
		"templates/sub/g.yaml":    "g",
		"templates/text.txt":      "text",
		"templates/h.yaml":        "{{ include \"shop/templates/text.txt\" . }}",
		"templates/sub/NOTES.txt": "not these",
		"templates/NOTES.txt":     "notes\n",
		"templates/empty.yaml":    "{{ if false }}x{{ end }}\n \n",
	})
	want := map[string]string{
		"templates/a.yaml": "x", "templates/b.yml": "b", "templates/c.json": "{}", "templates/d.tpl": "d",
		"templates/h.yaml": "text", "templates/sub/g.yaml": "g", "notes": "notes\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDefinitionsOfTheSameName(t *testing.T) {
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

func TestWhatTplDefinesIsGoneAfterwards(t *testing.T) {
	t.Parallel()
	got := renderAll(t, map[string]string{
		"templates/_n.tpl": `{{ define "x" }}own{{ end }}`,
		"templates/a.yaml": `{{ include "x" . }} {{ tpl "{{ define \"x\" }}new{{ end }}{{ include \"x\" . }} {{ tpl \"{{ include \\\"x\\\" . }}\" . }}" . }} {{ include "x" . }}`,
	})
	if got["templates/a.yaml"] != "own new new own" {
		t.Errorf("got %q", got["templates/a.yaml"])
	}
}

func TestTemplatesCannotChangeTheValuesOfTheCaller(t *testing.T) {
	t.Parallel()
	values := testValues()
	p := testPack(true, map[string]string{"templates/a.yaml": `{{ $_ := set values.image "tag" "changed" }}{{ $_ := set .Values "new" 1 }}{{ values.image.tag }}{{ values.new }}`})
	for range 2 {
		output, err := testEngine().Render(p, values, testRelease())
		if err != nil || string(output.Files[0].Text) != "changed1" {
			t.Fatalf("got %v %v", output, err)
		}
	}
	if diff := cmp.Diff(testValues(), values); diff != "" {
		t.Error(diff)
	}
}

func TestRenderOfAnEmptyPack(t *testing.T) {
	t.Parallel()
	output, err := render.Engine{}.Render(&pack.Pack{}, nil, render.Release{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&render.Output{}, output); diff != "" {
		t.Error(diff)
	}
}

func TestRandomFunctionsAreTheOnlyOnesThatDiffer(t *testing.T) {
	t.Parallel()
	templates := map[string]string{"templates/a.yaml": `{{ keys values }} {{ values | toJson }} {{ values (pick values "big" "yes" "float") }} {{ range $k, $v := values }}{{ $k }}{{ end }} {{ values }}`}
	first := renderAll(t, templates)
	for range 20 {
		if diff := cmp.Diff(first, renderAll(t, templates)); diff != "" {
			t.Fatal(diff)
		}
	}
	random := map[string]string{"templates/a.yaml": `{{ randAlphaNum 32 }}`}
	if diff := cmp.Diff(renderAll(t, random), renderAll(t, random)); diff == "" {
		t.Error("random text is the same twice")
	}
}
