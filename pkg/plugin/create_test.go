package plugin_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// YAML reads some names as numbers, or as true or null. The names of a pack and of a release are names all the same.
func TestCreate(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"shop", "Shop", "123", "1.5", "true", "null", "1e3", "a_b.c-d", "2026-01-01", "0x1f", strings.Repeat("x", 63)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), name)
			for _, args := range [][]string{{"create", folder}, {"lint", folder, "--strict"}, {"template", "1e3", folder}, {"template", "shop", folder}} {
				if stdout, stderr, code := run(t, args...); code != 0 {
					t.Errorf("%s exits with %d:\n%s%s", args, code, stdout, stderr)
				}
			}
		})
	}
}
