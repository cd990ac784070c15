package render_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

func TestRenderOfAWholePack(t *testing.T) {
	t.Parallel()
	p, err := pack.Open("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	values, err := p.Merge(map[string]any{"image": map[string]any{"tag": "3"}})
	if err != nil {
		t.Fatal(err)
	}
	output, err := testEngine().Render(p, values, testRelease())
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "shop.txt", show(output))
	for range 3 {
		again, err := testEngine().Render(p, values, testRelease())
		if diff := cmp.Diff(output, again); diff != "" || err != nil {
			t.Fatalf("rendered again: %v %s", err, diff)
		}
	}
}

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
		Engine:   pack.Engine{Strict: strict},
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
	output, err := testEngine().Render(p, testValues(), testRelease())
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

func TestFunctionsAnswerAtAnyDepth(t *testing.T) {
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

func TestAskingAboutAnUndefinedValueIsNoError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ if values.none }}a{{ else }}b{{ end }}`:                                                                           "b",
		`{{ if values.none.deeper.still }}a{{ else }}b{{ end }}`:                                                              "b",
		`{{ if .Values.none.deeper }}a{{ else if not $.Values.none.x }}b{{ end }}`:                                            "b",
		`{{ with values.none.deeper }}a{{ else }}b{{ end }}`:                                                                  "b",
		`{{ range values.none.deeper }}a{{ else }}b{{ end }}`:                                                                 "b",
		`{{ values.none.deeper | default "b" }}`:                                                                              "b",
		`{{ default "b" values.none.deeper }}`:                                                                                "b",
		`{{ values.none | default values.nothing | default "b" | upper }}`:                                                    "B",
		`{{ default (printf "%s" values.none) values.image.tag }}`:                                                            "1",
		`{{ values.image.tag | default (required "not needed" values.none) }}`:                                                "1",
		`{{ empty values.none.deeper }} {{ not values.none }}`:                                                                "true true",
		`{{ dig "none" "deeper" "b" values }} {{ dig "image" "none" "b" .Values }} {{ dig "a" "b" "c" values.none }}`:         "b b c",
		`{{ coalesce values.none values.empty "b" }}`:                                                                         "b",
		`{{ ternary "a" "b" values.none }} {{ ternary values.image.tag values.none true }}`:                                   "b 1",
		`{{ if and values.image (not values.none) }}b{{ end }}`:                                                               "b",
		`{{ or values.none.deeper "b" }}`:                                                                                     "b",
		`{{ if eq values.none "x" }}a{{ else }}b{{ end }} {{ ne values.none "x" }} {{ eq values.none nil }}`:                  "b true true",
		`{{ hasKey values "none" }} {{ hasKey values.none "x" }} {{ kindIs "invalid" values.none }} {{ kindOf values.none }}`: "false false true invalid",
		`{{ if (int values.none) }}a{{ else }}b{{ end }}`:                                                                     "b",
		`{{ $x := values.none }}{{ if $x }}a{{ else }}b{{ end }}{{ $x | default "c" }}`:                                       "bc",
		`{{ include "echo" (values.none | default "b") }}`:                                                                    "b",
		`{{ $d := dict "x" values.none }}{{ if $d.x }}a{{ else }}b{{ end }}`:                                                  "b",
		`{{ list values.none values.image.tag | compact | join "," }}`:                                                        "1",
		`{{ (lookup "v1" "Secret" "a" "b").data.password | default "b" }}`:                                                    "b",
		`{{ if files.get "none" }}a{{ else }}b{{ end }}{{ files.get "none" | default "c" }}`:                                  "bc",
		`{{ default "b" (index values "none" "deeper") }}{{ if index values.list 0 }}c{{ end }}`:                              "bc",
		`[{{ values.empty }}]`: "[]",
	} {
		got, err := one(text, true)
		if err != nil || got != want {
			t.Errorf("%s\ngot  %q %v\nwant %q", text, got, err, want)
		}
	}
}

func TestPrintingAnUndefinedValueIsAnError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ values.slack.webhok | quote }}`:                         "no such value slack.webhok; did you mean slack.webhook?",
		`{{ values.image.repo }}`:                                   "no such value image.repo; did you mean image.repository?",
		`{{ .Values.imge.tag }}`:                                    "no such value imge.tag; did you mean image.tag?",
		`{{ $.Values.image.tga }}`:                                  "no such value image.tga; did you mean image.tag?",
		`{{ values.none.deeper }}`:                                  "no such value none.deeper",
		`{{ values.null }}`:                                         "no such value null",
		`{{ index values "my-kye" "sub" }}`:                         "no such value my-kye.sub; did you mean my-key.sub?",
		`{{ index .Values "my-key" "sup" | quote }}`:                "no such value my-key.sup; did you mean my-key.sub?",
		`{{ release.nam }}`:                                         "no such value release.nam; did you mean release.name?",
		`{{ .Release.nmae }}`:                                       "no such value .Release.nmae; did you mean .Release.Name?",
		`{{ pack.home }}`:                                           "no such value pack.home",
		`{{ .Chart.Name }}`:                                         "no such value .Chart.Name",
		`{{ capabilities.kubeVersion.mayor }}`:                      "no such value capabilities.kubeVersion.mayor; did you mean capabilities.kubeVersion.major?",
		`{{ range values.objects }}{{ .nam }}{{ end }}`:             "no such value .nam; did you mean .name?",
		`{{ with values.image }}{{ $x := . }}{{ $x.tga }}{{ end }}`: "no such value $x.tga; did you mean $x.tag?",
		`{{ $x := values.none }}{{ $x }}`:                           "$x is undefined",
		`{{ $x := printf "%s" values.none }}{{ $x }}`:               "no such value none",
		`{{ include "echo" values.none }}`:                          "the dot is undefined",
		`{{ toYaml values.none | nindent 2 }}`:                      "no such value none",
		`{{ dict "a" values.none | toYaml }}`:                       "no such value none",
		`{{ list values.none | join "," }}`:                         "no such value none",
		`{{ add 1 values.none }}`:                                   "no such value none",
		`{{ len values.none }}`:                                     "no such value none",
		`{{ with quote values.none }}{{ . }}{{ end }}`:              "no such value none",
		`{{ values.none | default values.nothing }}`:                `the value is undefined`,
		`{{ coalesce values.none values.empty }}`:                   "coalesce values.none values.empty is undefined",
		`{{ first (list nil) }}`:                                    "first (list nil) is undefined",
		`{{ files.get "conf/none" }}`:                               `files.get "conf/none" is undefined`,
		`{{ .Files.Get "conf/none" | indent 2 }}`:                   `.Files.Get "conf/none" is undefined`,
		`{{ (lookup "v1" "Secret" "a" "b").data }}`:                 `no such value (lookup "v1" "Secret" "a" "b").data`,
		`{{ tpl "a{{ values.none }}" . }}`:                          "in line 1 of the text given to tpl: {{ values.none }}: no such value none",
		`{{ if contains "a" values.none }}{{ end }}`:                "no such value none",
		`{{ if gt values.none 1 }}{{ end }}`:                        "no such value none",
		`{{ values.image.tag.x }}`:                                  "image.tag is a string and has no x",
		`{{ if values.image.tag.x }}{{ end }}`:                      "image.tag is a string and has no x",
		`{{ values.list.x }}`:                                       "list is a list and has no x",
	} {
		_, err := one(text, true)
		var found *render.Error
		if !errors.As(err, &found) {
			t.Errorf("%s: got %v", text, err)
			continue
		}
		got := strings.TrimSuffix(found.Message+"; "+found.Hint, "; ")
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestWithoutStrictUndefinedValuesAreEmpty(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{{ values.none }}][{{ values.none.deeper }}][{{ values.none | quote }}]`: "[][][]",
		`[{{ $x := values.none }}{{ $x }}][{{ files.get "none" | indent 1 }}]`:     "[][ ]",
		`[{{ values.null }}][{{ include "echo" nil }}]`:                            "[][]",
	} {
		got, err := one(text, false)
		if err != nil || got != want {
			t.Errorf("%s\ngot  %q %v\nwant %q", text, got, err, want)
		}
	}
	if _, err := one(`{{ b64enc values.none }}`, false); err == nil || !strings.Contains(err.Error(), "no such value none") {
		t.Errorf("a function that takes no nil: %v", err)
	}
}
