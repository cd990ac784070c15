//go:build unix

package pack

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pipe(t *testing.T, folder string) {
	t.Helper()
	if err := syscall.Mkfifo(filepath.Join(folder, "x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A pipe can be read once only.
func TestFilesOfFlagsAreReadOnce(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	check(t, err)
	defer reader.Close()
	_, err = writer.WriteString("secret")
	check(t, err)
	check(t, writer.Close())
	given, err := ValueSources{SetFile: []string{fmt.Sprintf("a.b=/dev/fd/%d", reader.Fd())}}.Load(nil)
	check(t, err)
	want := map[string]any{"a": map[string]any{"b": "secret"}}
	if diff := cmp.Diff([]map[string]any{want, want}, []map[string]any{given.Values, given.Layers[0].Values}); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}
