package pack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// loadArchive reads a .tgz of a pack's folder, or of the files in it. Nothing is written to disk.
func loadArchive(name string) ([]File, error) {
	if found, err := os.Stat(name); err == nil && !found.Mode().IsRegular() {
		return nil, &FileError{Path: name, Message: "neither a folder nor an archive; " + supported}
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, NewFileError("read pack", name, err)
	}
	defer file.Close()
	files, err := readArchive(file)
	if err != nil {
		return nil, NewFileError("read pack archive", name, err)
	}
	return files, nil
}

func readArchive(from io.Reader) ([]File, error) { return newBudget().archive(from) }

// archive reads an archive as a part of what there may be.
func (b *budget) archive(from io.Reader) ([]File, error) {
	buffered := bufio.NewReader(from)
	if start, _ := buffered.Peek(2); !bytes.Equal(start, []byte{0x1f, 0x8b}) {
		return nil, errors.New("neither a folder nor a .tgz archive; " + supported)
	}
	unzipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, err
	}
	defer unzipped.Close()
	// Headers and padding count here, so that an archive of nothing else ends too.
	limited := newBounded(unzipped, 2*maxTotal)
	reader := archive{tar: tar.NewReader(limited), budget: b, seen: map[string]bool{}}
	if err := reader.readAll(); err != nil {
		return nil, err
	}
	// What follows the last entry is padding, but the checksum comes after it.
	if _, err := io.Copy(io.Discard, limited); err != nil {
		return nil, err
	}
	return withoutTop(reader.files)
}

type archive struct {
	tar    *tar.Reader
	budget *budget
	seen   map[string]bool
	files  []File
}

func (a *archive) readAll() error {
	for {
		header, err := a.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.entry(header); err != nil {
			return fmt.Errorf("entry %q: %w", short(header.Name), err)
		}
	}
}

func (a *archive) entry(header *tar.Header) error {
	if err := a.budget.entry(); err != nil {
		return err
	}
	// git archive writes its commit as a global header.
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := entryName(header.Name)
	if err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return nil
	case tar.TypeReg:
		return a.file(name)
	case tar.TypeSymlink, tar.TypeLink:
		return errors.New("links are not allowed in a pack archive")
	}
	return errors.New("only files and folders are allowed in a pack archive")
}

func (a *archive) file(name string) error {
	if a.seen[name] {
		return errors.New("appears twice")
	}
	a.seen[name] = true
	data, err := a.budget.read(a.tar)
	if err != nil {
		return err
	}
	if !isAttributes(name) {
		a.files = append(a.files, File{Path: name, Data: data})
	}
	return nil
}

// entryName returns the clean name of an entry that stays inside of the folder on every system.
func entryName(name string) (string, error) {
	switch {
	case strings.ContainsAny(name, "\\\x00"):
		return "", errors.New("the name has a backslash or a zero byte")
	case path.IsAbs(name), len(name) > 1 && name[1] == ':':
		return "", errors.New("the name is absolute")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New("the name leads out of the pack")
		}
	}
	clean := path.Clean(name)
	if clean != "." && (!fs.ValidPath(clean) || !filepath.IsLocal(clean)) {
		return "", errors.New("the name is not allowed")
	}
	return clean, nil
}

// withoutTop takes the one folder away that all files of an archive are in.
func withoutTop(files []File) ([]File, error) {
	for _, file := range files {
		if file.Path == MetadataFile || file.Path == ChartFile {
			return files, nil
		}
	}
	if len(files) == 0 {
		return nil, errors.New("the archive has no files")
	}
	top, _, _ := strings.Cut(files[0].Path, "/")
	for i, file := range files {
		inside, ok := strings.CutPrefix(file.Path, top+"/")
		if !ok {
			return nil, errors.New("the archive has neither Pack.yaml nor Chart.yaml, at its root or in its one top folder")
		}
		files[i].Path = inside
	}
	return files, nil
}

// nestedArchive matches the archives of what lies in packs/ of a pack or in charts/ of a chart, and in folders there.
var nestedArchive = regexp.MustCompile(`^(?:(?:packs|charts)/[^/]+/)*(?:packs|charts)/[^/_.][^/]*\.tgz$`)

// isNestedArchive reports whether a file is such an archive in a chart or in a pack.
func isNestedArchive(name string, inChart bool) bool {
	return nestedArchive.MatchString(name) && strings.HasPrefix(name, ChartsFolder+"/") == inChart
}

// nested checks what Helm reads of a chart, and of the charts in a pack, when it loads them, and reads the archives among the files,
// and those in them. They are unpacked again when they are opened, Helm's by Helm, each as large as it likes.
func (b *budget) nested(files []File, depth int) error {
	chart := IsChart(files)
	for _, file := range files {
		if chart || strings.HasPrefix(file.Path, PacksFolder+"/") {
			if err := checkAliases(file); err != nil {
				return err
			}
		}
		if !isNestedArchive(file.Path, chart) {
			continue
		}
		if depth == maxNesting {
			return fmt.Errorf("%s: archives are nested more than %d deep", short(file.Path), maxNesting)
		}
		inside, err := b.archive(bytes.NewReader(file.Data))
		if err == nil {
			err = b.nested(inside, depth+1)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", short(file.Path), err)
		}
	}
	return nil
}
