package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWriteArchive(t *testing.T) {
	t.Parallel()
	t.Run("what is written is read back as the same pack", anArchiveIsReadBack)
	t.Run("its bytes are the same wherever it is made", anArchiveHasTheSameBytes)
	t.Run("nothing in it tells who made it, and when", anArchiveDoesNotTellItsMaker)
	t.Run("names that no archive may have are refused", namesThatNoArchiveMayHave)
}

func written(t *testing.T, p *Pack) []byte {
	t.Helper()
	var archive bytes.Buffer
	check(t, p.WriteArchive(&archive))
	return archive.Bytes()
}

func anArchiveIsReadBack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	check(t, os.CopyFS(folder, os.DirFS("testdata/mypack")))
	write(t, folder, map[string]string{
		IgnoreFile: "*.tmp\n", "a.tmp": "t", "templates/b.tmp": "t", "conf/._attributes": "x", ".hidden": "h", ".git/config": "g",
		"templates/" + strings.Repeat("deep/", 60) + "a.yaml": "a: 1\n", "größe.txt": "ü",
	})
	link(t, "conf.txt", filepath.Join(folder, "link.txt"))
	write(t, folder, map[string]string{"conf.txt": "linked"})
	p, err := Open(folder)
	check(t, err)
	again, err := Open(save(t, written(t, p)))
	check(t, err)
	// Where it lies differs.
	again.Path, again.Schema, p.Schema = p.Path, nil, nil
	if diff := cmp.Diff(p, again); diff != "" {
		t.Errorf("(-folder +archive):\n%s", diff)
	}
	if _, found := again.Text("a.tmp"); found {
		t.Error("it has what is ignored")
	}
}

func anArchiveHasTheSameBytes(t *testing.T) {
	t.Parallel()
	first, err := Open("testdata/mypack")
	check(t, err)
	// Another folder, with other times, modes and order.
	folder := filepath.Join(t.TempDir(), "other")
	check(t, os.CopyFS(folder, os.DirFS("testdata/mypack")))
	for _, file := range first.All {
		name := filepath.Join(folder, file.Path)
		check(t, os.Chmod(name, 0o700))
		check(t, os.Chtimes(name, time.Unix(1, 0), time.Unix(2, 0)))
	}
	second, err := Open(folder)
	check(t, err)
	if !bytes.Equal(written(t, first), written(t, second)) {
		t.Error("the archives of two copies differ")
	}
	// How gzip packs may change with the version of Go; what it packs must not.
	sum := sha256.Sum256(unzip(t, written(t, first)))
	const want = "a2d86cd3e423d875f2f7b27c6194c2a03aea9f055433393722a9fd6ee1c8bb32"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the digest of the tar is %s, want %s", got, want)
	}
}

func unzip(t *testing.T, archive []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(archive))
	check(t, err)
	if !reader.ModTime.IsZero() || reader.Name != "" || reader.Comment != "" || len(reader.Extra) > 0 {
		t.Errorf("gzip says %+v", reader.Header)
	}
	text, err := io.ReadAll(reader)
	check(t, err)
	return text
}

func anArchiveDoesNotTellItsMaker(t *testing.T) {
	t.Parallel()
	p, err := Open("testdata/mypack")
	check(t, err)
	reader := tar.NewReader(bytes.NewReader(unzip(t, written(t, p))))
	var names []string
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		check(t, err)
		names = append(names, header.Name)
		want := tar.Header{
			Typeflag: tar.TypeReg, Name: header.Name, Size: header.Size, Mode: 0o644, ModTime: time.Unix(315532800, 0), Format: tar.FormatUSTAR,
		}
		if diff := cmp.Diff(want, *header); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	var want []string
	for _, file := range p.All {
		want = append(want, "shop/"+file.Path)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func namesThatNoArchiveMayHave(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`a\b`, "c:/x"} {
		p, err := New("p", asFiles(map[string]string{MetadataFile: minimal, name: ""}))
		check(t, err)
		var archive bytes.Buffer
		var failed *FileError
		if err := p.WriteArchive(&archive); !errors.As(err, &failed) || failed.Path != "p/"+name || archive.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, archive.Len())
		}
	}
}
