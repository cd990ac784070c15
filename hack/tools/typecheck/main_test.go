package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module with a program and a package of it that is wrong on Windows alone.
func module(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":             "module example.com/a\n\ngo 1.26.0\n",
		"cmd/a/main.go":      "package main\n\nimport \"example.com/a/b\"\n\nfunc main() { b.Do() }\n",
		"b/b.go":             "package b\n",
		"b/do_windows.go":    "package b\n\nfunc Do() { missing() }\n",
		"b/do_unix.go":       "//go:build unix\n\npackage b\n\nfunc Do() {}\n",
		"other/not_a_cmd.go": "package other\n\nfunc init() { missing() }\n",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestCheck(t *testing.T) {
	t.Parallel()
	folder := module(t)
	for target, want := range map[string]string{
		"linux/arm64":   "",
		"darwin/amd64":  "",
		"windows/amd64": "undefined: missing",
		"windows":       "want GOOS/GOARCH",
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			err := check(folder, target)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestCheckWantsAProgram(t *testing.T) {
	t.Parallel()
	if err := check(t.TempDir(), "linux/amd64"); err == nil {
		t.Error("no error")
	}
}
