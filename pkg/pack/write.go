package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

// archiveMode is that of every file of a pack's archive: they are for all to read, and none is a program.
const archiveMode = 0o644

// archiveTime is when every file of a pack's archive was changed. Some programs complain about the beginning of 1970.
func archiveTime() time.Time { return time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) }

// ArchiveName is the name of the pack's archive: shop-1.0.0.tgz.
func (p *Pack) ArchiveName() string { return archiveName(p.Metadata.Name, p.Metadata.Version) }

func archiveName(name, version string) string { return name + "-" + version + ".tgz" }

// Archive is what WriteArchive writes, with its digest.
func (p *Pack) Archive() (data []byte, digestOfData string, err error) {
	var archive bytes.Buffer
	if err := p.WriteArchive(&archive); err != nil {
		return nil, "", err
	}
	return archive.Bytes(), digest(archive.Bytes()), nil
}

// WriteArchive writes the pack as a .tgz that Open reads back as the same pack. Its bytes follow from the paths and the contents
// of the files alone, not from where, when and by whom the pack was made. What an archive may not hold is refused before
// anything is written.
func (p *Pack) WriteArchive(to io.Writer) error {
	for _, file := range p.All {
		if clean, err := entryName(file.Path); err != nil || clean != file.Path {
			return &FileError{Path: p.where(file.Path), Message: "an archive cannot have a file of this name", Err: err}
		}
	}
	// Each installation makes one, for its digest.
	zipped, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zipped)
	for _, file := range p.All {
		if err := writeEntry(archive, p.Metadata.Name+"/"+file.Path, file.Data); err != nil {
			return fmt.Errorf("writing %s: %w", file.Path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func writeEntry(archive *tar.Writer, name string, data []byte) error {
	header := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)), Mode: archiveMode, ModTime: archiveTime()}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err := archive.Write(data)
	return err
}
