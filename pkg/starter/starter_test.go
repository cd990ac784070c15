package starter_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/starter"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	t.Run("it writes the pack under its name", itWritesThePackUnderItsName)
	t.Run("any name of a pack will do", anyNameOfAPackWillDo)
	t.Run("nothing is written over", nothingIsWrittenOver)
}

func itWritesThePackUnderItsName(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "here")
	if err := starter.Write(folder, "shop"); err != nil {
		t.Fatal(err)
	}
	got, err := pack.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pack.Open("files")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(renamed(want, "shop"), renamed(got, "shop")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got.Metadata.Name != "shop" || strings.Contains(string(all(got)), "starter") {
		t.Errorf("the pack is called %s, and has:\n%s", got.Metadata.Name, all(got))
	}
}

// renamed are the texts of a pack's files, with another name of the pack.
func renamed(p *pack.Pack, name string) map[string]string {
	texts := map[string]string{}
	for _, file := range p.All {
		texts[file.Path] = strings.ReplaceAll(string(file.Data), "starter", name)
	}
	return texts
}

func all(p *pack.Pack) []byte {
	var text []byte
	for _, file := range p.All {
		text = append(text, file.Data...)
	}
	return text
}

func anyNameOfAPackWillDo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "Shop", "123", "1.5", "true", "null", "1e3", "a_b.c-d", "2026-01-01", "0x1f", strings.Repeat("x", 63)} {
		folder := filepath.Join(t.TempDir(), name)
		if err := starter.Write(folder, name); err != nil {
			t.Fatal(err)
		}
		got, err := pack.Open(folder)
		if err != nil || got.Metadata.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func nothingIsWrittenOver(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, existing := range []string{folder, file} {
		if err := starter.Write(existing, "shop"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", existing, err)
		}
	}
	if err := starter.Write(filepath.Join(folder, "none", "shop"), "shop"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a parent: %v", err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}
