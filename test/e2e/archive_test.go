package e2e

import (
	"archive/tar"
	"compress/gzip"
	"os"
)

// writeHostileArchive writes a pack whose archive has an entry that would land outside of it.
func writeHostileArchive(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	compressed := gzip.NewWriter(file)
	archive := tar.NewWriter(compressed)
	for _, entry := range []struct{ name, content string }{
		{"bad/Pack.yaml", "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: bad, version: 1.0.0}\n"},
		{"../../etc/x", "x"},
	} {
		header := &tar.Header{Name: entry.name, Mode: 0o644, Size: int64(len(entry.content))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write([]byte(entry.content)); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	return file.Close()
}
