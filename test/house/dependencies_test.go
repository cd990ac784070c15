package house

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryDirectDependencyIsJustified(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(required(t), justified(t)); diff != "" {
		t.Errorf("go.mod and docs/dependencies.md disagree (-go.mod +list):\n%s", diff)
	}
}

// required lists the modules that the plugin's go.mod requires directly, sorted.
func required(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("reading go.mod: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatalf("reading go.mod: %v", err)
	}
	var paths []string
	for _, r := range mod.Require {
		if !r.Indirect {
			paths = append(paths, r.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// justified lists the modules that have a row and a reason in docs/dependencies.md, sorted.
func justified(t *testing.T) []string {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.+) \\|$")
	var paths []string
	for _, match := range row.FindAllStringSubmatch(string(read(t, "docs/dependencies.md")), -1) {
		if strings.TrimSpace(match[2]) != "" {
			paths = append(paths, match[1])
		}
	}
	slices.Sort(paths)
	return paths
}
