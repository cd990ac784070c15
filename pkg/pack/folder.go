package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	helmignore "helm.sh/helm/v4/pkg/ignore"
)

// loadFolder reads all files below a folder, without what it ignores. A link to a file inside of the folder is read as that
// file; os.Root refuses any that leads out.
func loadFolder(name string) ([]File, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, NewFileError("read pack", name, err)
	}
	defer root.Close()
	folder := folder{root: root, budget: newBudget()}
	if err := folder.readIgnore(); err != nil {
		return nil, NewFileError("read pack", name, err)
	}
	if err := fs.WalkDir(root.FS(), ".", folder.visit); err != nil {
		return nil, NewFileError("read pack", name, err)
	}
	return folder.files, nil
}

type folder struct {
	root   *os.Root
	budget *budget
	ignore excluder
	files  []File
}

// excluder tells what of a folder is not read.
type excluder interface {
	// excludes reports whether a file is not, which stands in no folder that matches.
	excludes(name string) bool
	matches(name string, isFolder bool) bool
}

// readIgnore reads what of the folder is no part of the pack.
func (f *folder) readIgnore() error {
	name, parse := IgnoreFile, func(data []byte) (excluder, error) { return parseIgnore(data) }
	if f.isChart() {
		name, parse = helmignore.HelmIgnore, parseHelmIgnore
	}
	reader := folder{root: f.root, budget: newBudget()}
	data, err := reader.read(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	f.ignore, err = parse(data)
	return err
}

func (f *folder) isChart() bool {
	_, pack := f.root.Stat(MetadataFile)
	_, chart := f.root.Stat(ChartFile)
	return errors.Is(pack, fs.ErrNotExist) && chart == nil
}

// IsFolder reports whether a path is the folder of a pack or chart.
func IsFolder(name string) bool {
	return slices.ContainsFunc([]string{MetadataFile, ChartFile}, func(file string) bool {
		found, err := os.Stat(filepath.Join(name, file))
		return err == nil && found.Mode().IsRegular()
	})
}

func (f *folder) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	if err := f.budget.entry(); err != nil {
		return err
	}
	if name == "." {
		return nil
	}
	if entry.IsDir() {
		if f.ignore.matches(name, true) || slices.Contains([]string{".git", ".hg", ".svn", ".bzr"}, entry.Name()) {
			return fs.SkipDir
		}
		return nil
	}
	if f.ignore.excludes(name) || isAttributes(name) {
		return nil
	}
	data, err := f.read(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	f.files = append(f.files, File{Path: name, Data: data})
	return nil
}

// isAttributes reports whether a file holds attributes that macOS keeps, or its tar adds, beside a file.
func isAttributes(name string) bool { return strings.HasPrefix(path.Base(name), "._") }

func (f *folder) read(name string) ([]byte, error) {
	// Asked before it is opened, because opening a pipe waits for a writer.
	found, err := f.root.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case found.IsDir():
		return nil, errors.New("links to folders are not followed; put the folder itself into the pack")
	case !found.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return f.budget.read(file)
}
