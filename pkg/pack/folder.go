package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// loadFolder reads all files below a folder. A link to a file inside of the folder is read as that file; os.Root
// refuses any that leads out.
func loadFolder(name string) ([]File, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fileError("read pack", name, err)
	}
	defer root.Close()
	folder := folder{root: root, budget: newBudget()}
	if err := fs.WalkDir(root.FS(), ".", folder.visit); err != nil {
		return nil, fileError("read pack", name, err)
	}
	return folder.files, nil
}

type folder struct {
	root   *os.Root
	budget *budget
	files  []File
}

func (f *folder) visit(name string, entry fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	if err := f.budget.entry(); err != nil {
		return err
	}
	if entry.IsDir() {
		if slices.Contains([]string{".git", ".hg", ".svn", ".bzr"}, entry.Name()) {
			return fs.SkipDir
		}
		return nil
	}
	data, err := f.read(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	f.files = append(f.files, File{Path: name, Data: data})
	return nil
}

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

// cause drops the path from an error of package os: the caller names it.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
