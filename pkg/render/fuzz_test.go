package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

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
			output, err := testEngine().Render(p, testValues(), testRelease())
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
