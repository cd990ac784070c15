package render_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

func TestDocs(t *testing.T) {
	t.Parallel()
	t.Run("examples of the documentation render as it says", examplesOfTheDocumentation)
}

// The pages about packs and templates are made of sections, which begin with "## ". A fenced block whose info string ends in a path
// is a file of the section's pack. One that ends in "output" is what the template before it renders to, one that ends
// in "error" the error of that.
var blockPattern = regexp.MustCompile("(?ms)^```(\\w+) (\\S+)\n(.*?)^```$")

type example struct {
	files map[string]string
	// last is the template to show.
	last string
}

// take adds a file or checks what the last template renders to; it returns how much was checked.
func (e *example) take(t *testing.T, name, text string) int {
	t.Helper()
	if name != "output" && name != "error" {
		e.files[name] = text
		if strings.HasPrefix(name, "templates/") {
			e.last = name
		}
		return 0
	}
	if diff := cmp.Diff(text, e.render(t)); diff != "" {
		t.Errorf("%s: %s", e.last, diff)
	}
	if name == "error" {
		delete(e.files, e.last)
	}
	return 1
}

// render returns what the last template renders to, or the error.
func (e *example) render(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if _, ok := e.files["Pack.yaml"]; !ok {
		e.files["Pack.yaml"] = "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: shop, version: 1.0.0}\n"
	}
	for name, text := range e.files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := pack.Open(folder)
	if err != nil {
		return err.Error() + "\n"
	}
	values, err := p.Merge(nil)
	if err != nil {
		return err.Error() + "\n"
	}
	output, err := testEngine().Render(pack.Alone(p, values), testRelease())
	if err != nil {
		return err.Error() + "\n"
	}
	for _, file := range output.Files {
		if file.Path == e.last {
			return string(file.Text)
		}
	}
	return ""
}

func examplesOfTheDocumentation(t *testing.T) {
	t.Parallel()
	for name, atLeast := range map[string]int{"templates.md": 6, "packs.md": 1} {
		page, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, section := range strings.Split(string(page), "\n## ")[1:] {
			example := example{files: map[string]string{}}
			for _, block := range blockPattern.FindAllStringSubmatch(section, -1) {
				checked += example.take(t, block[2], block[3])
			}
		}
		if checked < atLeast {
			t.Errorf("only %d examples were found in %s", checked, name)
		}
	}
}
