package pack

import (
	"errors"
	"strings"
	"testing"
)

func TestYAML(t *testing.T) {
	t.Parallel()
	t.Run("what would use up the machine is refused", yamlThatWouldUseUpTheMachine)
}

func yamlThatWouldUseUpTheMachine(t *testing.T) {
	t.Parallel()
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		item := "*a" + string(rune('0'+i))
		laughs.WriteString("a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat(item+", ", 9) + item + "]\n")
	}
	for name, text := range map[string]string{
		"aliases of aliases":         laughs.String(),
		"an alias of itself":         "a: &a [*a]\n",
		"lists inside of each other": "a: " + strings.Repeat("[", 100_000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{"values.yaml", "values.schema.yaml", "Pack.yaml"} {
				_, err := New("p", hostile(file, text))
				var invalid *InvalidError
				if !errors.As(err, &invalid) {
					t.Errorf("%s: got %v", file, err)
				}
			}
		})
	}
}

func hostile(file, text string) []File {
	files := map[string]string{"Pack.yaml": minimal}
	files[file] = text
	return asFiles(files)
}
