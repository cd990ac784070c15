package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	t.Run("they name the place", errorsNameThePlace)
	t.Run("what cannot be iterated over is not in them", whatCannotBeIteratedOverIsNotInErrors)
	t.Run("arguments are not in them", argumentsAreNotInErrors)
}

type placeTest struct {
	templates map[string]string
	want      []string
}

func errorsNameThePlace(t *testing.T) {
	t.Parallel()
	for _, group := range []map[string]placeTest{unknownNames(), brokenActions(), nestedTemplates()} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if diff := cmp.Diff(test.want, failing(t, test.templates)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// failing renders templates and returns the lines of the error.
func failing(t *testing.T, templates map[string]string) []string {
	t.Helper()
	output, err := testEngine().Render(pack.Alone(testPack(true, templates), testValues()), testRelease())
	if err == nil {
		t.Fatalf("no error, but %s", show(output))
	}
	if output != nil {
		t.Error("an error and an output")
	}
	var found *render.Error
	if !errors.As(err, &found) {
		t.Errorf("the error is a %T", err)
	}
	return strings.Split(err.Error(), "\n")
}

// unknownNames are templates that name what is not there.
func unknownNames() map[string]placeTest {
	return map[string]placeTest{
		"an undefined value": {
			map[string]string{"templates/deployment.yaml": "a: 1\nb:\n  c: {{ values.image.repo }}\n"},
			[]string{"templates/deployment.yaml:3: {{ values.image.repo }}: no such value image.repo; did you mean image.repository?"},
		},
		"an unknown function": {
			map[string]string{"templates/a.yaml": "a:\n{{- if true }}\n  {{- .Values.list | toYml | nindent 2 }}\n{{- end }}"},
			[]string{"templates/a.yaml:3: {{ .Values.list | toYml | nindent 2 }}: no such function toYml; did you mean toYaml?"},
		},
		"Helm's chart, written as a function": {
			map[string]string{"templates/a.yaml": "a: {{ chart.name }}"},
			[]string{"templates/a.yaml:1: {{ chart.name }}: no such function chart; did you mean pack?"},
		},
		"all unknown functions of all files": {
			map[string]string{"templates/b.yaml": "{{ qoute 1 }}\n{{ define \"x\" }}{{ uper 1 }}{{ end }}", "templates/a.yaml": "{{ zzz.like.it }}"},
			[]string{
				"templates/a.yaml:1: {{ zzz.like.it }}: no such function zzz",
				"templates/b.yaml:1: {{ qoute 1 }}: no such function qoute; did you mean quote?",
				"templates/b.yaml:2: {{ uper 1 }}: no such function uper; did you mean upper?",
			},
		},
		"functions that are not hermetic": {
			map[string]string{"templates/a.yaml": "{{ env \"HOME\" }}\n{{ getHostByName \"x\" }}\n{{ expandenv \"$HOME\" }}"},
			[]string{
				`templates/a.yaml:1: {{ env "HOME" }}: the function env is not available: a template does not see the environment of who renders it; pass a value instead`,
				`templates/a.yaml:2: {{ getHostByName "x" }}: the function getHostByName is not available: a template does not ask the network; pass a value instead`,
				`templates/a.yaml:3: {{ expandenv "$HOME" }}: the function expandenv is not available: a template does not see the environment of who renders it; pass a value instead`,
			},
		},
		"a function of the engine's own": {
			map[string]string{"templates/a.yaml": "{{ sherpack__must 0 1 }}"},
			[]string{"templates/a.yaml:1: {{ sherpack__must 0 1 }}: no such function sherpack__must"},
		},
	}
}

// brokenActions are templates that cannot be parsed, or whose functions fail.
func brokenActions() map[string]placeTest {
	return map[string]placeTest{
		"bad syntax in several files": {
			map[string]string{"templates/a.yaml": "x\n{{ if }}\n", "templates/b.yaml": "a: {{ .Values.x", "templates/c.yaml": "{{ if true }}\n", "templates/d.yaml": "{{ $x }}"},
			[]string{
				"templates/a.yaml:2: {{ if }}: missing value for if",
				"templates/b.yaml:1: {{ .Values.x }}: unclosed action",
				"templates/c.yaml:2: unexpected EOF",
				`templates/d.yaml:1: {{ $x }}: undefined variable "$x"`,
			},
		},
		"required and fail say what the pack says": {
			map[string]string{"templates/a.yaml": "\n{{ required \"set image.name\" values.image.name }}", "templates/b.yaml": "{{ if true }}\n{{ fail (printf \"no %s: x\" \"y\") }}{{ end }}"},
			[]string{
				`templates/a.yaml:2: {{ required "set image.name" values.image.name }}: set image.name`,
				`templates/b.yaml:2: {{ fail (printf "no %s: x" "y") }}: no y: x`,
			},
		},
		"a function that fails": {
			map[string]string{"templates/a.yaml": "{{ index values.list 7 }}", "templates/b.yaml": "{{ regexMatch \"[\" \"a\" }}", "templates/c.yaml": "{{ quote }}{{ b64dec 1 }}", "templates/d.yaml": "{{ upper \"a\" \"b\" }}"},
			[]string{
				`templates/a.yaml:1: {{ index values.list 7 }}: index 7 is out of range: there are 2`,
				"templates/c.yaml:1: {{ b64dec 1 }}: expected string; found 1",
				`templates/d.yaml:1: {{ upper "a" "b" }}: wrong number of args for upper: want 1 got 2`,
			},
		},
		"values piped into what takes none": {
			map[string]string{"templates/a.yaml": "{{ $x := 1 }}{{ 1 | $x }}", "templates/c.yaml": "{{ 1 | values.image }}", "templates/d.yaml": "{{ \"x\" | index .Values \"image\" | quote }}{{ 1 | (2) }}"},
			[]string{
				"templates/a.yaml:1: {{ 1 | $x }}: can't give argument to non-function $x",
				"templates/c.yaml:1: {{ 1 | values.image }}: Image is not a method but has arguments",
				`templates/d.yaml:1: {{ "x" | index .Values "image" | quote }}: index .Values "image" is undefined`,
			},
		},
		"a function that breaks down": {
			map[string]string{"templates/a.yaml": "\n{{ mod 1 0 }}"},
			[]string{"templates/a.yaml:2: {{ mod 1 0 }}: mod: integer divide by zero"},
		},
	}
}

// nestedTemplates are templates that fail in another template, or beside one.
func nestedTemplates() map[string]placeTest {
	return map[string]placeTest{
		"several files that fail, by their paths": {
			map[string]string{"templates/b.yaml": "{{ values.x }}", "templates/sub/a.yaml": "{{ values.y }}", "templates/a.yaml": "{{ values.z }}"},
			[]string{
				"templates/a.yaml:1: {{ values.z }}: no such value z",
				"templates/b.yaml:1: {{ values.x }}: no such value x",
				"templates/sub/a.yaml:1: {{ values.y }}: no such value y",
			},
		},
		"a definition, with who includes it": {
			map[string]string{"templates/_n.tpl": named, "templates/a.yaml": "\n{{ include \"broken\" . | nindent 2 }}"},
			[]string{"templates/_n.tpl:6: {{ values.image.tga }}: no such value image.tga; did you mean image.tag? (included from templates/a.yaml:2)"},
		},
		"a definition that fails in every file is told once": {
			map[string]string{"templates/_n.tpl": named, "templates/a.yaml": "{{ include \"broken\" . }}", "templates/b.yaml": "{{ template \"broken\" }}"},
			[]string{"templates/_n.tpl:6: {{ values.image.tga }}: no such value image.tga; did you mean image.tag? (included from templates/b.yaml:1)"},
		},
		"an unknown template": {
			map[string]string{"templates/_n.tpl": named, "templates/a.yaml": "{{ include \"imag\" . }}", "templates/b.yaml": "{{ template \"nothing like it\" }}"},
			[]string{
				`templates/a.yaml:1: {{ include "imag" . }}: no such template imag; did you mean image?`,
				`templates/b.yaml:1: {{ template "nothing like it" }}: no such template nothing like it`,
			},
		},
		"text given to tpl": {
			map[string]string{"templates/_n.tpl": named, "templates/a.yaml": "\n{{ tpl \"a\\n{{ qoute 1 }}\" . }}", "templates/b.yaml": "{{ tpl \"{{ if }}\" . }}", "templates/c.yaml": "{{ tpl \"{{ include \\\"broken\\\" . }}\" . }}"},
			[]string{
				"templates/_n.tpl:6: {{ values.image.tga }}: no such value image.tga; did you mean image.tag? (included from templates/c.yaml:1)",
				`templates/a.yaml:2: {{ tpl "a\n{{ qoute 1 }}" . }}: in line 2 of the text given to tpl: {{ qoute 1 }}: no such function qoute; did you mean quote?`,
				`templates/b.yaml:1: {{ tpl "{{ if }}" . }}: in line 1 of the text given to tpl: {{ if }}: missing value for if`,
			},
		},
		"an action of several lines, with braces in a string": {
			map[string]string{"templates/a.yaml": "{{- printf \"}} %s\"\n    (values.none) -}}"},
			[]string{`templates/a.yaml:2: {{ printf "}} %s" (values.none) }}: no such value none`},
		},
		"notes": {
			map[string]string{"templates/NOTES.txt": "\n{{ values.none }}"},
			[]string{"templates/NOTES.txt:2: {{ values.none }}: no such value none"},
		},
	}
}

func whatCannotBeIteratedOverIsNotInErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ $x := print "hunter" 2 }}{{ range $x }}{{ end }}`:        "range can't iterate over this value",
		`{{ $x := print "hunter" 2 "\n" }}{{ range $x }}{{ end }}`:   "range can't iterate over this value",
		`{{ $x := add 1234 4321 }}{{ range $k, $v := $x }}{{ end }}`: "can't use this value to iterate over more than one variable",
	} {
		_, err := one(text, true)
		if err == nil || !strings.HasSuffix(err.Error(), ": "+want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error is %v", text, err)
		}
	}
}

// What a function is given may be a secret, and is not in its error. The expression tells where it comes from.
func argumentsAreNotInErrors(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		`mustToDate "2006" (print "hunter" 2)`:       `mustToDate: parsing time "…" as "…": cannot parse "…" as "…"`,
		`mustRegexMatch (print "(hunter" 2) "a"`:     "mustRegexMatch: error parsing regexp: missing closing ): `…`",
		`regexMatch (print "(hunter" 2) "a"`:         "",
		`urlParse (print ":hunter" 2)`:               `urlParse: unable to parse url: parse "…": missing protocol scheme`,
		`urlParse (print ":hunter" 2 "\n")`:          "urlParse: unable to parse url: parse \"…\": net/url: invalid control character in URL",
		`mustToDuration (print "hunter" 2)`:          "the text is no duration such as 90s",
		`semver (print "hunter" 2)`:                  "semver: invalid semantic version",
		`decryptAES (print "hunter" 2) "aHVudGVyMg"`: "decryptAES:",
	} {
		_, err := one("{{ "+call+" }}", true)
		if err == nil {
			if want != "" {
				t.Errorf("%s: no error", call)
			}
			continue
		}
		if got := err.Error(); !strings.Contains(got, want) || strings.Contains(got, "hunter2") && !strings.Contains(want, "hunter2") {
			t.Errorf("%s: the error is %s", call, got)
		}
	}
}
