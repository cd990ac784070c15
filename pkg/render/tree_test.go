package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

func TestTree(t *testing.T) {
	t.Parallel()
	t.Run("packs share definitions, and see their own", packsShareDefinitions)
	t.Run("strictness is that of the file", strictnessIsThatOfTheFile)
	t.Run("errors name the file in the tree", errorsNameTheFileInTheTree)
}

// dependency is a pack that another calls by names.
func dependency(kind pack.Kind, strict bool, templates map[string]string, names ...string) pack.Scope {
	p := testPack(strict, templates)
	p.Metadata.Name, p.Kind = names[len(names)-1], kind
	return pack.Scope{Pack: p, Names: names, Values: map[string]any{"own": names[len(names)-1]}}
}

func renderTree(scopes ...pack.Scope) (string, error) {
	output, err := testEngine().Render(scopes, testRelease())
	if err != nil {
		return "", err
	}
	text := ""
	for _, file := range output.Files {
		text += file.Path + ": " + string(file.Text) + "\n"
	}
	return text + output.Notes, nil
}

func packsShareDefinitions(t *testing.T) {
	t.Parallel()
	top := pack.Scope{Pack: testPack(true, map[string]string{
		"templates/a.yaml": `{{ include "who" . }} {{ include "shared" . }} {{ .Template.Name }}`, "templates/_own.tpl": `{{ define "shared" }}top{{ end }}`,
		"templates/NOTES.txt": `notes of {{ include "who" . }}`,
	}), Values: map[string]any{"own": "top"}}
	got, err := renderTree(top,
		dependency(pack.Application, true, map[string]string{
			"templates/b.yaml":    `{{ include "who" . }} {{ include "shared" . }} {{ .Template.BasePath }} {{ tpl "{{ values.own }}" . }}`,
			"templates/_own.tpl":  `{{ define "shared" }}db{{ end }}`,
			"templates/NOTES.txt": `{{ fail "not rendered" }}`,
		}, "db"),
		dependency(pack.Library, true, map[string]string{
			"templates/_who.tpl": `{{ define "who" }}{{ pack.name }}={{ values.own }}={{ .Values.own }}={{ .Pack.Name }}{{ end }}`,
			"templates/c.yaml":   `{{ fail "not rendered" }}`,
		}, "db", "common"),
		pack.Scope{Names: []string{"off"}},
	)
	want := "packs/db/templates/b.yaml: db=db=db=db top shop/packs/db/templates db\n" +
		"templates/a.yaml: shop=top=top=shop top shop/templates/a.yaml\nnotes of shop=top=top=shop"
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func strictnessIsThatOfTheFile(t *testing.T) {
	t.Parallel()
	files := map[string]string{"templates/a.yaml": `[{{ values.none }}][{{ tpl "{{ values.none }}" . }}]`}
	top := pack.Scope{Pack: testPack(true, nil)}
	got, err := renderTree(top, dependency(pack.Application, false, files, "loose"))
	if diff := cmp.Diff("packs/loose/templates/a.yaml: [][]\n", got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := renderTree(top, dependency(pack.Application, true, files, "tight")); err == nil {
		t.Error("no error")
	}
}

func errorsNameTheFileInTheTree(t *testing.T) {
	t.Parallel()
	_, err := renderTree(pack.Scope{Pack: testPack(true, map[string]string{"templates/a.yaml": "\n{{ include \"x\" . }}"})},
		dependency(pack.Application, true, map[string]string{"templates/_x.tpl": "{{ define \"x\" }}\n\n{{ values.onw }}{{ end }}"}, "db", "pg"),
		dependency(pack.Application, true, map[string]string{"templates/b.yaml": "{{ .Values.onw }}"}, "web"))
	want := "packs/db/packs/pg/templates/_x.tpl:3: {{ values.onw }}: no such value onw (included from templates/a.yaml:2)\n" +
		"packs/web/templates/b.yaml:1: {{ .Values.onw }}: no such value onw; did you mean own?"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
