package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	t.Run("it opens as its folder", archiveOpensAsItsFolder)
	t.Run("what is refused", archivesThatAreRefused)
	t.Run("one that is too large is refused", archivesThatAreTooLarge)
	t.Run("one that is damaged is refused", archivesThatAreDamaged)
	t.Run("archives in a chart", archivesInAChart)
}

func archiveOpensAsItsFolder(t *testing.T) {
	t.Parallel()
	folder, err := Open("testdata/mypack")
	check(t, err)
	for name, prefix := range map[string]string{
		"with one top folder":       "mypack/",
		"with dots before the name": "./mypack/",
		"without a top folder":      "",
		"of the current folder":     "./",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries := []tar.Header{{Name: prefix + "templates/", Typeflag: tar.TypeDir}, {Name: "pax_global_header", Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c0ffee"}}}
			archive := makeArchive(t, folder.All, prefix, entries...)
			got, err := Open(archive)
			check(t, err)
			if diff := cmp.Diff(folder.All, got.All); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(folder.Metadata, got.Metadata); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// makeArchive writes files below a prefix, and then entries as they are.
func makeArchive(t *testing.T, files []File, prefix string, entries ...tar.Header) string {
	t.Helper()
	var text bytes.Buffer
	writer := tar.NewWriter(&text)
	for _, file := range files {
		check(t, writer.WriteHeader(&tar.Header{Name: prefix + file.Path, Size: int64(len(file.Data)), Mode: 0o644}))
		_, err := writer.Write(file.Data)
		check(t, err)
	}
	for _, entry := range entries {
		check(t, writer.WriteHeader(&entry))
	}
	check(t, writer.Close())
	return save(t, zipTo(t, text.Bytes()))
}

func zipTo(t *testing.T, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	check(t, err)
	_, err = writer.Write(data)
	check(t, err)
	check(t, writer.Close())
	return packed.Bytes()
}

func save(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pack.tgz")
	check(t, os.WriteFile(name, data, 0o600))
	return name
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func archivesThatAreRefused(t *testing.T) {
	t.Parallel()
	plain := []File{{Path: "Pack.yaml", Data: []byte(minimal)}}
	for name, test := range map[string]struct {
		entry tar.Header
		want  string
	}{
		"an absolute path":            {tar.Header{Name: "/etc/passwd"}, "the name is absolute"},
		"a path that leads out":       {tar.Header{Name: "a/../../x"}, "leads out of the pack"},
		"a path that only turns":      {tar.Header{Name: "a/b/../c"}, "leads out of the pack"},
		"a path with a drive":         {tar.Header{Name: "c:/x"}, "the name is absolute"},
		"a backslash":                 {tar.Header{Name: `a\..\..\x`}, "backslash"},
		"a symbolic link":             {tar.Header{Name: "a/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, "links are not allowed"},
		"a link inside":               {tar.Header{Name: "a/x", Typeflag: tar.TypeSymlink, Linkname: "Pack.yaml"}, "links are not allowed"},
		"a hard link":                 {tar.Header{Name: "a/x", Typeflag: tar.TypeLink, Linkname: "a/Pack.yaml"}, "links are not allowed"},
		"a device":                    {tar.Header{Name: "a/x", Typeflag: tar.TypeChar}, "only files and folders"},
		"a pipe":                      {tar.Header{Name: "a/x", Typeflag: tar.TypeFifo}, "only files and folders"},
		"a folder that leads out":     {tar.Header{Name: "../x/", Typeflag: tar.TypeDir}, "leads out of the pack"},
		"a file twice":                {tar.Header{Name: "a/Pack.yaml"}, "appears twice"},
		"a file twice in other words": {tar.Header{Name: "./a//Pack.yaml"}, "appears twice"},
		"a file beside the folder":    {tar.Header{Name: "b/x"}, "neither Pack.yaml nor Chart.yaml, at its root or in its one top folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, makeArchive(t, plain, "a/", test.entry), test.want)
		})
	}
}

func refused(t *testing.T, archive, want string) {
	t.Helper()
	_, err := Open(archive)
	var failed *FileError
	if !errors.As(err, &failed) || failed.Path != archive || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

const tooMuch = "unpacks to more than 200 MiB, headers and padding included"

func archivesThatAreTooLarge(t *testing.T) {
	t.Parallel()
	t.Run("a bomb of one file", func(t *testing.T) {
		t.Parallel()
		refused(t, makeArchive(t, []File{{Path: "x", Data: make([]byte, maxFile+1)}}, ""), `entry "x": larger than 5 MiB`)
	})
	t.Run("a bomb of many files", func(t *testing.T) {
		t.Parallel()
		var files []File
		for i := range maxTotal/maxFile + 1 {
			files = append(files, File{Path: fmt.Sprint("x", i), Data: make([]byte, maxFile)})
		}
		refused(t, makeArchive(t, files, ""), "the pack is larger than 100 MiB")
	})
	t.Run("a bomb of folders", func(t *testing.T) {
		t.Parallel()
		entries := make([]tar.Header, maxEntries+1)
		for i := range entries {
			entries[i] = tar.Header{Name: "x/", Typeflag: tar.TypeDir}
		}
		refused(t, makeArchive(t, nil, "", entries...), "more than 10000 files and folders")
	})
	t.Run("a bomb of zeros", func(t *testing.T) {
		t.Parallel()
		var packed bytes.Buffer
		zip, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		check(t, err)
		check(t, tar.NewWriter(zip).WriteHeader(&tar.Header{Name: "a/", Typeflag: tar.TypeDir}))
		zeros := make([]byte, 1<<20)
		for range 2*maxTotal/len(zeros) + 1 {
			_, err := zip.Write(zeros)
			check(t, err)
		}
		check(t, zip.Close())
		refused(t, save(t, packed.Bytes()), tooMuch)
	})
	t.Run("a bomb of headers", func(t *testing.T) {
		t.Parallel()
		refused(t, archiveOfHeaders(t), tooMuch)
	})
}

// archiveOfHeaders is a pack with one more file, before whose entry stand so many extended headers that all of them are no
// file and no folder, but take a machine as long as they please.
func archiveOfHeaders(t *testing.T) string {
	t.Helper()
	const most = 1 << 20
	entry := func(header tar.Header, data string) []byte {
		var text bytes.Buffer
		writer := tar.NewWriter(&text)
		header.Size = int64(len(data))
		check(t, writer.WriteHeader(&header))
		_, err := writer.Write([]byte(data))
		check(t, err)
		check(t, writer.Flush())
		return text.Bytes()
	}
	extended := entry(tar.Header{Name: "x", PAXRecords: map[string]string{"comment": strings.Repeat("x", most-100)}}, "")
	// What it extends is the last block.
	extended = extended[:len(extended)-512]
	// All of it at once would take as much memory as it unpacks to.
	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	check(t, err)
	write := func(data []byte) {
		_, err := zip.Write(data)
		check(t, err)
	}
	write(entry(tar.Header{Name: "Pack.yaml", Mode: 0o644}, minimal))
	for range 2*maxTotal/most + 1 {
		write(extended)
	}
	write(entry(tar.Header{Name: "y"}, ""))
	write(make([]byte, 1024))
	check(t, zip.Close())
	return save(t, packed.Bytes())
}

func archivesThatAreDamaged(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(makeArchive(t, []File{{Path: "Pack.yaml", Data: []byte(minimal)}}, "a/"))
	check(t, err)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-8] ^= 0xff
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"cut short":        {whole[:len(whole)/2], "unexpected EOF"},
		"a wrong checksum": {flipped, "invalid checksum"},
		"empty":            {nil, "neither a folder nor a .tgz archive"},
		"a YAML file":      {[]byte(minimal), "neither a folder nor a .tgz archive"},
		"no tar inside":    {zipTo(t, []byte(strings.Repeat("x", 1024))), "invalid tar header"},
		"nothing inside":   {zipTo(t, nil), "the archive has no files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, save(t, test.data), test.want)
		})
	}
}

func FuzzArchive(f *testing.F) {
	for _, name := range []string{"a/Pack.yaml", "Pack.yaml", "../x", "/x"} {
		f.Add([]byte(name), []byte(minimal))
	}
	f.Fuzz(func(t *testing.T, name, data []byte) {
		for _, archive := range [][]byte{data, zipTo(t, slices.Concat(name, data)), zipTo(t, tarOf(t, string(name), data))} {
			files, err := readArchive(bytes.NewReader(archive))
			if err != nil {
				continue
			}
			for _, file := range files {
				if clean, err := entryName(file.Path); err != nil || clean != file.Path {
					t.Errorf("accepted %q: %v", file.Path, err)
				}
			}
		}
	})
}

// tarOf is a tar of one file, whose name may be one that tar cannot hold: then it is empty.
func tarOf(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	var text bytes.Buffer
	writer := tar.NewWriter(&text)
	if writer.WriteHeader(&tar.Header{Name: name, Size: int64(len(data))}) != nil {
		return nil
	}
	// A name that ends in a slash is that of a folder, which has no content.
	if _, err := writer.Write(data); err != nil {
		return nil
	}
	check(t, writer.Close())
	return text.Bytes()
}

func archivesInAChart(t *testing.T) {
	t.Parallel()
	plain := func(more ...File) []File {
		return append([]File{{Path: "Chart.yaml", Data: []byte("name: a\n")}}, more...)
	}
	inner := func(more ...File) []byte {
		data, err := os.ReadFile(makeArchive(t, plain(more...), "a/"))
		check(t, err)
		return data
	}
	large := File{Path: "x", Data: make([]byte, maxFile+1)}
	bomb := File{Path: "values.yaml", Data: []byte("a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 100) + "]\n")}
	for want, files := range map[string][]File{
		`charts/b.tgz: entry "a/x": larger than 5 MiB`:                       {{Path: "charts/b.tgz", Data: inner(large)}},
		`charts/b.tgz: charts/c.tgz: entry "a/x": larger than 5 MiB`:         {{Path: "charts/b.tgz", Data: inner(File{Path: "charts/c.tgz", Data: inner(large)})}},
		`charts/d/charts/b.tgz: entry "a/x": larger than 5 MiB`:              {{Path: "charts/d/charts/b.tgz", Data: inner(large)}},
		"values.yaml: the aliases stand for more than 64 MiB":                {bomb},
		"charts/b/values.yaml: the aliases stand for more than 64 MiB":       {{Path: "charts/b/values.yaml", Data: bomb.Data}},
		"charts/b.tgz: values.yaml: the aliases stand for more than 64 MiB":  {{Path: "charts/b.tgz", Data: inner(bomb)}},
		"charts/b.tgz: requirements.yaml: an alias refers to its own anchor": {{Path: "charts/b.tgz", Data: inner(File{Path: "requirements.yaml", Data: []byte("a: &a [*a]")})}},
		`charts/b.tgz: neither a folder nor a .tgz archive`:                  {{Path: "charts/b.tgz", Data: []byte("text")}},
	} {
		_, err := Read(makeArchive(t, plain(files...), "a/"))
		if err == nil || !strings.Contains(err.Error(), "read chart: "+want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	inPack := []File{{Path: MetadataFile}, {Path: "values.yaml", Data: bomb.Data}, {Path: "packs/b/values.yaml", Data: bomb.Data}}
	if _, err := Read(makeArchive(t, inPack, "a/")); err == nil || !strings.Contains(err.Error(), "read pack: packs/b/values.yaml: the aliases") {
		t.Errorf("a chart in a pack: %v", err)
	}
	small := &budget{entries: 5, bytes: maxTotal}
	deep := inner()
	for range 5 {
		deep = inner(File{Path: "charts/a.tgz", Data: deep})
	}
	if err := small.nested(plain(File{Path: "charts/a.tgz", Data: deep}), 0); err == nil || !strings.Contains(err.Error(), "files and folders") {
		t.Errorf("archives in each other: %v", err)
	}
}
