package render_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

// show writes an output with the line of the template before each line.
func show(output *render.Output) string {
	var text strings.Builder
	for _, file := range output.Files {
		fmt.Fprintf(&text, "=== %s\n", file.Path)
		for i, line := range strings.Split(strings.TrimSuffix(string(file.Text), "\n"), "\n") {
			fmt.Fprintf(&text, "%3d | %s\n", file.Line(i+1), line)
		}
	}
	fmt.Fprintf(&text, "=== notes\n%s", output.Notes)
	return text.String()
}

// testValues are what the templates of the tables below see.
func testValues() map[string]any {
	return map[string]any{
		"image":   map[string]any{"repository": "shop/web", "tag": "1"},
		"slack":   map[string]any{"webhook": "https://x"},
		"list":    []any{"b", "a"},
		"objects": []any{map[string]any{"name": "n"}},
		"big":     1000000,
		"float":   2.5,
		"yes":     true,
		"empty":   "",
		"null":    nil,
		"my-key":  map[string]any{"sub": "s"},
		"tpl":     "{{ values.image.tag }}/{{ .Values.image.tag }}",
	}
}

func testPack(strict bool, templates map[string]string) *pack.Pack {
	p := &pack.Pack{
		Metadata: pack.Metadata{Name: "shop", Version: "1.4.0", AppVersion: "2"},
		Spec:     pack.Spec{Engine: pack.Engine{Strict: strict}},
		Files:    []pack.File{{Path: "conf/a.txt", Data: []byte("x\ny\n")}, {Path: "conf/b.txt", Data: []byte("b")}},
		CRDs:     []pack.File{{Path: "crds/c.yaml", Data: []byte("c")}},
	}
	for name, text := range templates {
		p.Templates = append(p.Templates, pack.File{Path: name, Data: []byte(text)})
	}
	return p
}

// one renders a text as templates/t.yaml beside a few named templates.
func one(text string, strict bool) (string, error) {
	p := testPack(strict, map[string]string{"templates/t.yaml": text, "templates/_named.tpl": named})
	output, err := testEngine().Render(pack.Alone(p, testValues()), testRelease())
	if err != nil || len(output.Files) == 0 {
		return "", err
	}
	return string(output.Files[0].Text), nil
}

const named = `{{ define "image" }}{{ values.image.repository }}:{{ .tag }}{{ end }}
{{ define "self" }}{{ include "self" . }}{{ end }}
{{ define "echo" }}{{ . }}{{ end }}
{{ define "broken" }}

{{ values.image.tga }}{{ end }}`

// testEngine has a clock that stands still, so that no test is ended because the machine is slow.
func testEngine() render.Engine {
	return render.Engine{
		Capabilities: render.Capabilities{
			KubeVersion: render.KubeVersion{Version: "v1.36.3", Major: "1", Minor: "36"},
			APIVersions: []string{"v1", "apps/v1"},
		},
		Now: func() time.Time { return time.Time{} },
	}
}

func testRelease() render.Release {
	return render.Release{Name: "shop", Namespace: "prod", Revision: 3, IsUpgrade: true}
}

// renderAll renders templates and returns path: text of each file, and the notes.
func renderAll(t *testing.T, templates map[string]string) map[string]string {
	t.Helper()
	output, err := testEngine().Render(pack.Alone(testPack(true, templates), testValues()), testRelease())
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

func TestRender(t *testing.T) {
	t.Parallel()
	t.Run("a whole pack", renderOfAWholePack)
	t.Run("an empty pack", renderOfAnEmptyPack)
	t.Run("which templates make manifests", whichTemplatesMakeManifests)
	t.Run("functions answer at any depth", functionsAnswerAtAnyDepth)
	t.Run("random functions are the only ones that differ", randomFunctionsAreTheOnlyOnesThatDiffer)
	t.Run("templates cannot change the values of the caller", templatesCannotChangeTheValuesOfTheCaller)
}

func renderOfAWholePack(t *testing.T) {
	t.Parallel()
	p, err := pack.Open("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	values, err := p.Merge(map[string]any{"image": map[string]any{"tag": "3"}})
	if err != nil {
		t.Fatal(err)
	}
	output, err := testEngine().Render(pack.Alone(p, values), testRelease())
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "shop.txt", show(output))
	for range 3 {
		again, err := testEngine().Render(pack.Alone(p, values), testRelease())
		if diff := cmp.Diff(output, again); diff != "" || err != nil {
			t.Fatalf("rendered again: %v %s", err, diff)
		}
	}
}

func renderOfAnEmptyPack(t *testing.T) {
	t.Parallel()
	output, err := render.Engine{}.Render(pack.Alone(&pack.Pack{}, nil), render.Release{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&render.Output{}, output); diff != "" {
		t.Error(diff)
	}
}

func whichTemplatesMakeManifests(t *testing.T) {
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

func functionsAnswerAtAnyDepth(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ release.name }} {{ release.namespace }} {{ release.revision }} {{ release.isInstall }} {{ release.isUpgrade }} {{ release.service }}`:         "shop prod 3 false true Sherpack",
		`{{ pack.name }} {{ pack.version }} {{ pack.appVersion }} {{ .Pack.Name }} {{ .Pack.AppVersion }}`:                                                "shop 1.4.0 2 shop 2",
		`{{ capabilities.kubeVersion.version }} {{ capabilities.kubeVersion.major }} {{ capabilities.kubeVersion.minor }} {{ capabilities.kubeVersion }}`: "v1.36.3 1 36 v1.36.3",
		`{{ capabilities.apiVersions.has "apps/v1" }} {{ "x/v1" | capabilities.apiVersions.has }}`:                                                        "true false",
		`{{ values.image.tag }} {{ values.slack.webhook | quote }}`:                                                                                       `1 "https://x"`,
		`{{ range values.objects }}{{ with .name }}{{ . }} {{ values.image.tag }} {{ release.name }}{{ end }}{{ end }}`:                                   "n 1 shop",
		`{{ include "image" (dict "tag" "9") }}`:                           "shop/web:9",
		`{{ template "image" (dict "tag" "9") }}`:                          "shop/web:9",
		`{{ files.get "conf/a.txt" | trim }}`:                              "x\ny",
		`{{ files.get "crds/c.yaml" }}`:                                    "c",
		`{{ "conf/b.txt" | files.get }}`:                                   "b",
		`{{ (files.glob "conf/*").asConfig | nindent 2 }}`:                 "\n  a.txt: |\n    x\n    y\n  b.txt: b",
		`{{ (files.glob "**/b.*").asSecrets }}`:                            "b.txt: Yg==",
		`{{ range files.lines "conf/a.txt" }}[{{ . }}]{{ end }}`:           "[x][y]",
		`{{ range $path, $data := files.glob "**" }}{{ $path }} {{ end }}`: "conf/a.txt conf/b.txt crds/c.yaml ",
		`{{ $f := files }}{{ $f.get "conf/b.txt" }}`:                       "b",
		`{{ tpl values.tpl . }}`:                                           "1/1",
		`{{ tpl "{{ release.name }}" nil }}`:                               "shop",
		`{{ values (dict "b" 1 "a" 2) }} {{ keys (dict "b" 1 "a" 2) }}`:    "[2 1] [a b]",
		`{{ (values).image.tag }} {{ values | keys | first }}`:             "1 big",
		`{{ dict "b" 1 "a" 2 | values }}`:                                  "[2 1]",
		`{{ toyaml (dict "a" 1) }} {{ tojson (list 1) }} {{ b64encode "x" }} {{ "eA==" | b64decode }} {{ trimsuffix "-" "a-" }} {{ fromyaml "a: 1" }}`: `a: 1 [1] eA== x a map[a:1]`,
		`{{ values.big }} {{ toYaml values.big }} {{ (fromJson "{\"a\": 1000000}").a }} {{ values.float }}`:                                            "1000000 1000000 1000000 2.5",
		`{{ eq values.big 1000000.0 }} {{ gt values.float 2 }} {{ lt 1 1.5 }} {{ eq "a" "b" "a" }} {{ ne true false }}`:                                "true true true true true",
		`{{ index values "my-key" "sub" }} {{ index .Values "my-key" "sub" }} {{ index values.list 1 }}`:                                               "s s a",
	} {
		got, err := one(text, true)
		if err != nil || got != want {
			t.Errorf("%s\ngot  %q %v\nwant %q", text, got, err, want)
		}
	}
}

func randomFunctionsAreTheOnlyOnesThatDiffer(t *testing.T) {
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

func templatesCannotChangeTheValuesOfTheCaller(t *testing.T) {
	t.Parallel()
	values := testValues()
	p := testPack(true, map[string]string{"templates/a.yaml": `{{ $_ := set values.image "tag" "changed" }}{{ $_ := set .Values "new" 1 }}{{ values.image.tag }}{{ values.new }}`})
	for range 2 {
		output, err := testEngine().Render(pack.Alone(p, values), testRelease())
		if err != nil || string(output.Files[0].Text) != "changed1" {
			t.Fatalf("got %v %v", output, err)
		}
	}
	if diff := cmp.Diff(testValues(), values); diff != "" {
		t.Error(diff)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	t.Run("templates find objects of the cluster", lookupFindsObjects)
	t.Run("one that fails is an error", lookupThatFailsIsAnError)
}

func lookupFindsObjects(t *testing.T) {
	t.Parallel()
	engine := testEngine()
	engine.Lookup = func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		if name == "none" {
			return nil, nil
		}
		return map[string]any{"data": map[string]any{"at": apiVersion + kind + namespace + name}}, nil
	}
	text := `{{ (lookup "v1" "Secret" release.namespace "x").data.at }} {{ lookup "v1" "Secret" "a" "none" }}`
	output, err := engine.Render(pack.Alone(testPack(true, map[string]string{"templates/a.yaml": text}), nil), testRelease())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(output.Files[0].Text); got != "v1Secretprodx map[]" {
		t.Errorf("got %q", got)
	}
}

func lookupThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	refused := errors.New("forbidden")
	engine := testEngine()
	engine.Lookup = func(string, string, string, string) (map[string]any, error) { return nil, refused }
	_, err := engine.Render(pack.Alone(testPack(true, map[string]string{"templates/a.yaml": `{{ lookup "v1" "Secret" "a" "b" }}`}), nil), testRelease())
	if !errors.Is(err, refused) || !strings.Contains(err.Error(), "templates/a.yaml:1: ") {
		t.Errorf("got %v", err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		`{{ values.image.tag | quote }}`, `{{ range $i, $x := values.list }}{{ $x }}{{ end }}`,
		`{{ define "x" }}{{ . }}{{ end }}{{ template "x" .Values }}`, `{{ tpl values.tpl . }}`,
		`{{ with index values "my-key" }}{{ .sub | default "x" }}{{ else }}{{ fail "x" }}{{ end }}`,
		`{{- /* x */ -}} {{ (files.glob "*").asConfig | nindent 2 }}`, `{{ if and .a (or $.b 1) }}{{ toyaml . }}{{ end }}`,
		`{{ $x := dict "a" (list 1 nil) }}{{ $_ := set $x "b" $x }}{{ $x.b.b }}`, `{{ until 5 | join "," }}{{ break }}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, strict := range []bool{true, false} {
			p := testPack(strict, map[string]string{"templates/t.yaml": text, "templates/_named.tpl": named})
			output, err := testEngine().Render(pack.Alone(p, testValues()), testRelease())
			if err != nil {
				located(t, err)
				continue
			}
			for _, file := range output.Files {
				covered(t, file, strings.Count(text, "\n")+1)
			}
		}
	})
}

func located(t *testing.T, err error) {
	t.Helper()
	var found *render.Error
	if !errors.As(err, &found) || found.File == "" || found.Line == 0 || found.Message == "" {
		t.Errorf("an error without a place: %v", err)
	}
	if strings.Contains(err.Error(), "broke down") || strings.Contains(err.Error(), "sherpack__") {
		t.Errorf("an error of the engine: %v", err)
	}
}

func covered(t *testing.T, file render.File, last int) {
	t.Helper()
	lines := strings.Count(strings.TrimSuffix(string(file.Text), "\n"), "\n") + 1
	if len(file.Lines) != lines {
		t.Errorf("%d lines, of which %d are known", lines, len(file.Lines))
	}
	for _, line := range file.Lines {
		if line < 1 || line > last {
			t.Errorf("line %d of %d", line, last)
		}
	}
}
