package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"time"
)

// archiveMode is that of every file of a pack's archive: they are for all to read, and none is a program.
const archiveMode = 0o644

// archiveTime is when every file of a pack's archive was changed. Some programs complain about the beginning of 1970.
func archiveTime() time.Time { return time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) }

// ArchiveName is the name of the pack's archive: shop-1.0.0.tgz.
func (p *Pack) ArchiveName() string { return archiveName(p.Metadata.Name, p.Metadata.Version) }

func archiveName(name, version string) string { return name + "-" + version + ".tgz" }

// WriteArchive writes the pack as a .tgz that Open reads back as the same pack. What it compresses follows from the paths and the
// contents of the files alone, not from where, when and by whom the pack was made; how it is compressed may change with the version
// of Go. What an archive may not hold is refused before anything is written.
func (p *Pack) WriteArchive(to io.Writer) error {
	if err := p.checkEntries(); err != nil {
		return err
	}
	// Each installation makes one, for its digest.
	zipped, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := writeFiles(zipped, p.Metadata.Name, p.All); err != nil {
		return err
	}
	return zipped.Close()
}

func (p *Pack) checkEntries() error {
	for _, file := range p.All {
		if clean, err := entryName(file.Path); err != nil || clean != file.Path {
			return &FileError{Path: p.where(file.Path), Message: "an archive cannot have a file of this name", Err: err}
		}
	}
	return nil
}

// Wrote reports whether an archive is one that WriteArchive writes of the pack, whatever it is compressed by.
func (p *Pack) Wrote(archive []byte) bool {
	var own bytes.Buffer
	if err := writeFiles(&own, p.Metadata.Name, p.All); err != nil {
		return false
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return false
	}
	defer unzipped.Close()
	text, err := io.ReadAll(io.LimitReader(unzipped, int64(own.Len())+1))
	return err == nil && bytes.Equal(text, own.Bytes())
}

// Digest is that of the name of the pack, and of the paths and the contents of its files. The archives of what it depends on count as
// what they hold: who writes one of the same files again may compress it otherwise, and give it other times. What WriteArchive
// refuses is refused here, too.
func (p *Pack) Digest() (string, error) {
	if err := p.checkEntries(); err != nil {
		return "", err
	}
	return digestOfFiles(p.Metadata.Name, p.All)
}

func digestOfFiles(name string, files []File) (string, error) {
	counted, isChart := slices.Clone(files), IsChart(files)
	for i, file := range counted {
		if !isNestedArchive(file.Path, isChart) {
			continue
		}
		inside, err := newBudget().archive(bytes.NewReader(file.Data))
		if err != nil {
			return "", fmt.Errorf("%s: %w", short(file.Path), err)
		}
		byPath(inside)
		digest, err := digestOfFiles("", inside)
		if err != nil {
			return "", fmt.Errorf("%s: %w", short(file.Path), err)
		}
		counted[i].Data = []byte(digest)
	}
	sum := sha256.New()
	if err := writeFiles(sum, name, counted); err != nil {
		return "", err
	}
	return filesDigest + hex.EncodeToString(sum.Sum(nil)), nil
}

// writeFiles writes files as a tar, in a folder.
func writeFiles(to io.Writer, folder string, files []File) error {
	archive := tar.NewWriter(to)
	for _, file := range files {
		if err := writeEntry(archive, path.Join(folder, file.Path), file.Data); err != nil {
			return fmt.Errorf("writing %s: %w", file.Path, err)
		}
	}
	return archive.Close()
}

func writeEntry(archive *tar.Writer, name string, data []byte) error {
	header := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: archiveMode, ModTime: archiveTime()}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err := archive.Write(data)
	return err
}
