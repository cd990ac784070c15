// Package starter holds the pack that authors begin with. Its files are a pack as they are, called starter.
package starter

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed all:files
var files embed.FS

const (
	// placeholder is what the pack is called until it has a name.
	placeholder = "starter"
	folderMode  = 0o777
	fileMode    = 0o666
)

// Write writes the pack under another name into a folder, which must not exist; its parent must. Where that fails, nothing is
// left of it.
func Write(folder, name string) error {
	// A folder that is there already is refused even if it is empty.
	if err := os.Mkdir(folder, folderMode); err != nil {
		return err
	}
	if err := write(folder, name); err != nil {
		_ = os.RemoveAll(folder)
		return err
	}
	return nil
}

func write(folder, name string) error {
	pack, err := fs.Sub(files, "files")
	if err != nil {
		return err
	}
	return fs.WalkDir(pack, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		target := filepath.Join(folder, filepath.FromSlash(path))
		if entry.IsDir() {
			return os.Mkdir(target, folderMode)
		}
		text, err := fs.ReadFile(pack, path)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		return os.WriteFile(target, []byte(strings.ReplaceAll(string(text), placeholder, name)), fileMode)
	})
}
