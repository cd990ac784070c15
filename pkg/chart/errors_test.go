package chart

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestTemplateErrors(t *testing.T) {
	t.Parallel()
	t.Run("say where", templateErrorsSayWhere)
	t.Run("that have no place are left", errorsWithoutAPlace)
}

const helpers = `-- templates/_helpers.tpl --
{{ define "outer" }}
{{ include "inner" . }}
{{ end }}

{{ define "inner" }}{{ .Values.a.b }}{{ end }}
{{ define "fails" }}{{ fail "not like this" }}{{ end }}
{{ define "divides" }}{{ div 1 0 }}{{ end }}
`

func templateErrorsSayWhere(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]render.Error{
		"{{ fail \"not like this\" }}":                  {Line: 1, Message: "not like this"},
		"\n{{ required \"a is needed\" .Values.none }}": {Line: 2, Message: "a is needed"},
		"{{ .Values.a.b.c }}":                           {Line: 1, Message: `executing "web/templates/a.yaml" at <.Values.a.b.c>: nil pointer evaluating interface {}.b`},
		"a\n{{ if }}":                                   {Line: 2, Message: "missing value for if"},
		"{{ nothing }}":                                 {Line: 1, Message: `function "nothing" not defined`},
		"{{ include \"none\" . }}":                      {Line: 1, Message: `executing "web/templates/a.yaml" at <include "none" .>: error calling include: template: no template "none" associated with template "gotpl"`},
		"\n\n{{ include \"outer\" . }}":                 {File: "web/templates/_helpers.tpl", Line: 5, Message: `executing "inner" at <.Values.a.b>: nil pointer evaluating interface {}.b`, Via: []string{"web/templates/_helpers.tpl:2", "web/templates/a.yaml:3"}},
		"{{ include \"fails\" . }}":                     {Line: 1, Message: "not like this"},
		"{{ tpl \"{{ .Values.a.b }}\" . }}":             {Line: 1},
		"\n{{ include \"divides\" . }}":                 {File: "web/templates/_helpers.tpl", Line: 7, Message: `executing "divides" at <div 1 0>: error calling div: runtime error: integer divide by zero`, Via: []string{"web/templates/a.yaml:2"}},
		"{{ div 1 0 }}":                                 {Line: 1, Message: `executing "web/templates/a.yaml" at <div 1 0>: error calling div: runtime error: integer divide by zero`},
		"{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}": {Line: 1},
	} {
		var found *render.Error
		if err := failing(t, head+helpers+"-- templates/a.yaml --\n"+template+"\n"); !errors.As(err, &found) {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if want.File == "" {
			want.File = "web/templates/a.yaml"
		}
		if found.File != want.File || found.Line != want.Line || want.Message != "" && found.Message != want.Message || fmt.Sprint(found.Via) != fmt.Sprint(want.Via) && want.Message != "" {
			t.Errorf("%s:\n%s:%d %q via %q\n%v", template, found.File, found.Line, found.Message, found.Via, found.Err)
		}
		if len(found.Error()) > 2000 {
			t.Errorf("%s: an error of %d bytes: %.600s", template, len(found.Error()), found.Error())
		}
	}
}

func errorsWithoutAPlace(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "rendering takes too long", "a: b: c\nd"} {
		err := templateError("", errors.New(text))
		if got := err.Error(); got != strings.ReplaceAll(text, "\n", " ") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func FuzzTemplateError(f *testing.F) {
	f.Add("execution error at (web/templates/a.yaml:1:3): not like this")
	f.Add("web/templates/a.yaml:3:3\n  executing \"web/templates/a.yaml\" at <include \"outer\" .>:\n    error calling include:\nweb/templates/_helpers.tpl:6:30\n")
	f.Add("parse error at (web/templates/a.yaml:99999999999999999999): x")
	f.Add("template: a.b:1:\n\n:1:1 ()")
	f.Fuzz(func(t *testing.T, text string) {
		var found *render.Error
		if err := templateError("", errors.New(text)); !errors.As(err, &found) || found.Message == "" && text != "" || found.Err.Error() != text {
			t.Errorf("%q: %v", text, err)
		}
	})
}
