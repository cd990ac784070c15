//go:build unix

package pack

import (
	"path/filepath"
	"syscall"
	"testing"
)

func pipe(t *testing.T, folder string) {
	t.Helper()
	if err := syscall.Mkfifo(filepath.Join(folder, "x"), 0o600); err != nil {
		t.Fatal(err)
	}
}
