package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestFields(t *testing.T) {
	t.Parallel()
	t.Run("asking about an undefined value is no error", askingAboutAnUndefinedValueIsNoError)
	t.Run("printing an undefined value is an error", printingAnUndefinedValueIsAnError)
	t.Run("without strict undefined values are empty", withoutStrictUndefinedValuesAreEmpty)
}

func askingAboutAnUndefinedValueIsNoError(t *testing.T) {
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

func printingAnUndefinedValueIsAnError(t *testing.T) {
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
		`{{ .Chart.Name }}`:                                         "no such value .Chart.Name; did you mean .Pack.Name?",
		`{{ $.Chart.Version }}`:                                     "no such value $.Chart.Version; did you mean $.Pack.Version?",
		`{{ with values.image }}{{ .Chart.Name }}{{ end }}`:         "no such value .Chart.Name",
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

func withoutStrictUndefinedValuesAreEmpty(t *testing.T) {
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
