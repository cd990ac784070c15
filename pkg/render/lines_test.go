package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestLines(t *testing.T) {
	t.Parallel()
	t.Run("they are those of the template", linesAreThoseOfTheTemplate)
	t.Run("lines that are not known", linesThatAreNotKnown)
}

// Each text is a template whose lines end in the number of the line that they stand on. Every rendered line must be
// traced back to the line of the number that it shows.
func linesAreThoseOfTheTemplate(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain text":                    "a 1\nb 2\n\nc 4\n",
		"actions in text":               "a: {{ values.image.tag }} 1\nb: {{ values.big }} 2\n",
		"if and else":                   "a 1\n{{ if values.none }}\nb 3\n{{ else }}\nc 5\n{{ end }}\nd 7\n",
		"trimmed":                       "a 1\n{{- if values.image }}\nb 3\n{{- end }}\nc 5\n  {{- /* d\n  e */}}\nf 8\n",
		"trimmed on both sides":         "a 1\n\n{{ if true -}}\n\n\n  b 6\n\n{{- end }}\nc 9\n",
		"a loop":                        "{{- range values.list }}\na 2\nb 3 {{ . }} 3\n{{- end }}\nc 5\n",
		"with":                          "{{ with values.image }}\na {{ .tag }} 2\n{{ end }}b 3\n",
		"an include of several lines":   "a 1\n{{ include \"lines\" \"2\" | nindent 2 }}\nb 3\n",
		"a template in the same file":   "{{ define \"x\" }}\n\n{{ . }}\n\n{{ end }}a 5\n{{ template \"x\" \"6\" }}\nb 7\n",
		"text that tpl renders":         "a 1\n\n{{ tpl \"\\n\\n\\n{{ . }}\" \"3\" }}\nb 4\n",
		"a variable over several lines": "{{ $x := printf \"%s\"\n  \"y\" }}a 2\n{{ $x }} 3\n",
		"a loop that is left":           "{{ range until 5 }}\na 2\n{{ if eq . 1 }}{{ break }}{{ end }}\n{{ end }}\nb 5\n",
		"lines that end as on Windows":  "a 1\r\n{{ if true }}\r\nb 3\r\n{{ end }}\r\nc 5\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testPack(true, map[string]string{"templates/t.yaml": text, "templates/_n.tpl": "\n\n\n{{ define \"lines\" }}x {{ . }}\ny {{ . }}{{ end }}"})
			output, err := testEngine().Render(pack.Alone(p, testValues()), testRelease())
			if err != nil {
				t.Fatal(err)
			}
			checkLines(t, output.Files[0])
		})
	}
}

func checkLines(t *testing.T, file render.File) {
	t.Helper()
	seen := 0
	for i, line := range strings.Split(string(file.Text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		seen++
		if got := fmt.Sprint(file.Line(i + 1)); got != words[len(words)-1] {
			t.Errorf("%q is traced to line %s", line, got)
		}
	}
	if seen < 2 {
		t.Errorf("only %q was rendered", file.Text)
	}
}

func linesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	file := render.File{Lines: []int{3, 0}}
	got := []int{file.Line(-1), file.Line(0), file.Line(1), file.Line(2), file.Line(3)}
	if diff := cmp.Diff([]int{-1, 0, 3, 2, 3}, got); diff != "" {
		t.Error(diff)
	}
}
