//go:build unix

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

//nolint:tparallel // Each may take a gigabyte.
func TestHostileFoldersAreRefused(t *testing.T) {
	t.Parallel()
	place := func(put func(path string) error) func(t *testing.T, folder string) string {
		return func(t *testing.T, folder string) string {
			t.Helper()
			if err := put(filepath.Join(folder, "templates", "x.yaml")); err != nil {
				t.Fatal(err)
			}
			return folder
		}
	}
	refuse(t, map[string]hostile{
		"a pipe":                {prepare: place(func(path string) error { return syscall.Mkfifo(path, 0o600) }), code: 4, says: "templates/x.yaml: not a regular file"},
		"a link to a device":    {prepare: place(func(path string) error { return os.Symlink("/dev/zero", path) }), code: 4, says: "templates/x.yaml"},
		"a link that leads out": {prepare: place(func(path string) error { return os.Symlink("/etc/hosts", path) }), code: 4, says: "templates/x.yaml"},
		"a link through others": {prepare: place(func(path string) error { return os.Symlink("../../../../../etc/hosts", path) }), code: 4, says: "templates/x.yaml"},
		"a link to itself":      {prepare: place(func(path string) error { return os.Symlink("x.yaml", path) }), code: 4, says: "templates/x.yaml"},
		"a link to the folder":  {prepare: place(func(path string) error { return os.Symlink("..", path) }), code: 4, says: "links to folders are not followed"},
		"a link to nothing":     {prepare: place(func(path string) error { return os.Symlink("nothing", path) }), code: 4, says: "templates/x.yaml"},
		"a large file":          {prepare: place(sparse), code: 4, says: "templates/x.yaml: larger than 5 MiB"},
		"many files":            {prepare: place(many), code: 4, says: "more than 10000 files and folders"},
		"control characters":    {files: map[string]string{"templates/\x1b[2J\u202e.yaml": "{{"}, code: 4, says: `templates/\x1b[2J\u202e.yaml`},
		"a device as a pack":    {prepare: func(*testing.T, string) string { return "/dev/zero" }, code: 4, says: "/dev/zero: neither a folder nor an archive"},
		"values that are large": {args: []string{"--values", "/dev/zero"}, code: 4, says: "/dev/zero: read values: larger than 5 MiB"},
		"values from a folder":  {args: []string{"--values", "/"}, code: 4, says: "/: read values: is a directory"},
		"a value that is large": {args: []string{"--set-file", "a=/dev/zero"}, code: 4, says: "/dev/zero: read values: larger than 5 MiB"},
		"a value from a folder": {args: []string{"--set-file", "a=/"}, code: 4, says: "/: read values: is a directory"},
		"the default values":    {files: map[string]string{"values.yaml": string(make([]byte, 6<<20))}, code: 4, says: "values.yaml: larger than 5 MiB"},
		"no text as metadata":   {files: map[string]string{"Pack.yaml": "\x00\xff\xfe"}, code: 2, says: "Pack.yaml"},
		"metadata of many keys": {files: map[string]string{"Pack.yaml": plainPack + numbered(400_000, "k%d: 1\n")}, code: 2, says: "a mapping has more than 10000 keys"},
		"metadata that unfolds": {files: map[string]string{"Pack.yaml": plainPack + bomb()}, code: 2, says: "Pack.yaml: the aliases stand for more than"},
		"the same key repeated": {files: map[string]string{"Pack.yaml": plainPack + strings.Repeat("a: 1\n", 5_000)}, code: 2, says: `duplicate key "a"`},
	})
}

// sparse makes a file that takes no place and has a terabyte.
func sparse(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	const terabyte = 1 << 40
	return firstError(file.Truncate(terabyte), file.Close())
}

func many(path string) error {
	for i := range 10_001 {
		if err := os.WriteFile(fmt.Sprintf("%s%d", path, i), nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// numbered repeats a format with numbers from 0 on.
func numbered(times int, format string) string {
	var text strings.Builder
	for i := range times {
		fmt.Fprintf(&text, format, i)
	}
	return text.String()
}

//nolint:tparallel // Each may take a gigabyte.
func TestHostileArchivesAreRefused(t *testing.T) {
	t.Parallel()
	pack := tarred(t, tar.Header{Name: "p/Pack.yaml"}, plainPack)
	file := func(name string) part { return tarred(t, tar.Header{Name: name}, "x") }
	link := func(kind byte, to string) part {
		return tarred(t, tar.Header{Name: "p/x", Typeflag: kind, Linkname: to}, "")
	}
	cases := map[string]hostile{}
	for title, test := range map[string]struct {
		archive []byte
		says    string
	}{
		"an absolute path":        {zipped(t, pack, file("/etc/x")), `entry "/etc/x": the name is absolute`},
		"a path of Windows":       {zipped(t, pack, file(`C:\x`)), "the name has a backslash"},
		"a path that leads out":   {zipped(t, pack, file("p/../../x")), "the name leads out of the pack"},
		"a link":                  {zipped(t, pack, link(tar.TypeSymlink, "/etc/passwd")), "links are not allowed"},
		"a hard link":             {zipped(t, pack, link(tar.TypeLink, "/etc/passwd")), "links are not allowed"},
		"a device":                {zipped(t, pack, link(tar.TypeChar, "")), "only files and folders are allowed"},
		"a pipe":                  {zipped(t, pack, link(tar.TypeFifo, "")), "only files and folders are allowed"},
		"a name twice":            {zipped(t, pack, file("p/x"), file("p/./x")), "appears twice"},
		"control characters":      {zipped(t, pack, file("/\x1b[2J\u202e")), `\x1b[2J`},
		"a long name":             {zipped(t, pack, file("/"+strings.Repeat("x", 100_000))), "the name is absolute"},
		"100,000 entries":         {zipped(t, pack, hundredThousand(t)), "more than 10000 files and folders"},
		"zeros":                   {zipped(t, headed(t, tar.Header{Name: "p/Pack.yaml", Size: 300 << 20}), zeros(300<<20)), "larger than 5 MiB"},
		"zeros in zeros":          {zipped(t, plain(zipped(t, zeros(300<<20)))), "hostile.tgz: read pack archive"},
		"a folder of zeros":       {zipped(t, tarred(t, tar.Header{Name: "p/x/", Typeflag: tar.TypeDir}, ""), zeros(300<<20)), "hostile.tgz: read pack archive"},
		"many large files":        {zipped(t, pack, largeFiles(t)), "the pack is larger than 100 MiB"},
		"an end that is missing":  {zipped(t, pack)[:40], "unexpected EOF"},
		"a checksum that is none": {append(zipped(t, pack)[:len(zipped(t, pack))-8], 0, 0, 0, 0, 0, 0, 0, 0), "invalid checksum"},
		"a size that is none":     {zipped(t, plain([]byte("p/Pack.yaml"+strings.Repeat("\x00", 89)+"0000644\x000000000\x000000000\x0099999999999\x00"+strings.Repeat("\x00", 400)))), "invalid tar header"},
		"no archive":              {[]byte(strings.Repeat("x", 1<<20)), "neither a folder nor a .tgz archive"},
		"nothing":                 {nil, "neither a folder nor a .tgz archive"},
	} {
		cases[title] = hostile{code: 4, says: test.says, prepare: func(t *testing.T, folder string) string {
			t.Helper()
			path := filepath.Join(folder, "hostile.tgz")
			write(t, path, string(test.archive))
			return path
		}}
	}
	refuse(t, cases)
}

// part writes a part of an archive. It makes it as it goes: the memory of the program is measured from that of the test on.
type part func(to io.Writer) error

func plain(content []byte) part {
	return func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	}
}

func zeros(size int64) part {
	return func(to io.Writer) error {
		_, err := io.CopyN(to, zero{}, size)
		return err
	}
}

// zero is a Reader of zeros without end.
type zero struct{}

// Read implements io.Reader.
func (zero) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

// tarred is one entry of an archive, without its end.
func tarred(t *testing.T, header tar.Header, content string) part {
	t.Helper()
	var text bytes.Buffer
	writer := tar.NewWriter(&text)
	header.Size, header.Mode = int64(len(content)), 0o644
	err := writer.WriteHeader(&header)
	if err == nil && content != "" {
		_, err = writer.Write([]byte(content))
	}
	if err := firstError(err, writer.Flush()); err != nil {
		t.Fatal(err)
	}
	return plain(text.Bytes())
}

// headed is the header of an entry alone, whose size is a multiple of a block's.
func headed(t *testing.T, header tar.Header) part {
	t.Helper()
	var text bytes.Buffer
	header.Mode = 0o644
	if err := tar.NewWriter(&text).WriteHeader(&header); err != nil {
		t.Fatal(err)
	}
	return plain(text.Bytes())
}

// zipped packs what an archive consists of.
func zipped(t *testing.T, parts ...part) []byte {
	t.Helper()
	var text bytes.Buffer
	writer := gzip.NewWriter(&text)
	const end = 1024
	for _, part := range append(parts, zeros(end)) {
		if err := part(writer); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func hundredThousand(t *testing.T) part {
	t.Helper()
	return func(to io.Writer) error {
		for i := range 100_000 {
			if err := tarred(t, tar.Header{Name: fmt.Sprintf("p/%d", i)}, "")(to); err != nil {
				return err
			}
		}
		return nil
	}
}

func largeFiles(t *testing.T) part {
	t.Helper()
	const size = 4 << 20
	return func(to io.Writer) error {
		for i := range 30 {
			if err := firstError(headed(t, tar.Header{Name: fmt.Sprintf("p/%d", i), Size: size})(to), zeros(size)(to)); err != nil {
				return err
			}
		}
		return nil
	}
}

//nolint:tparallel // Each may take a gigabyte.
func TestHostileValuesAreRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]hostile{
		"an index":                 {args: []string{"--set", "a[999999999]=1"}, says: "greater than maximum supported index"},
		"an index below zero":      {args: []string{"--set", "a[-1]=1"}, says: "negative"},
		"an index without end":     {args: []string{"--set", "a[99999999999999999999]=1"}, says: "--set a[99999999999999999999]=…"},
		"an index that has no end": {args: []string{"--set", "a[0=1"}, says: "a [ is not closed"},
		"keys inside of keys":      {args: []string{"--set", "a" + strings.Repeat(".a", 60_000) + "=1"}, says: "greater than maximum supported nested level"},
		"braces":                   {args: []string{"--set", "a={" + strings.Repeat("{", 60_000)}, says: "list must terminate"},
		"JSON that is nested":      {args: []string{"--set-json", "a=" + strings.Repeat("[", 60_000)}, says: "exceeded max depth"},
		"no key":                   {args: []string{"--set", "=1,a"}, says: "--set =…"},
		"control characters":       {args: []string{"--set", "a\x1b\u202e=1,b"}, says: "a��=…"},
		"a schema from elsewhere":  {files: map[string]string{"values.schema.json": `{"$ref": "http://127.0.0.1:1/x"}`}, says: "schemas are not fetched from elsewhere"},
		"a schema from a file":     {files: map[string]string{"values.schema.json": `{"$ref": "file:///etc/passwd"}`}, says: "schemas are not fetched from elsewhere"},
		"a schema of itself":       {files: map[string]string{"values.schema.yaml": "$ref: '#'\n"}, says: "values"},
		"a schema that unfolds":    {files: map[string]string{"values.schema.yaml": unfolding()}, says: "defaults for more than 100000 keys"},
		"a schema that is nested":  {files: map[string]string{"values.schema.yaml": "a: " + strings.Repeat("[", 1_000_000)}, says: "exceeded max depth"},
		"a costly pattern":         {files: map[string]string{"values.schema.yaml": "properties: {a: {pattern: '(a*)*b'}}\n", "values.yaml": "a: " + strings.Repeat("a", 1_000_000) + "\n"}, says: "does not match the pattern"},
	}
	for title, test := range map[string]struct{ text, says string }{
		"aliases that unfold":    {bomb(), "excessive aliasing"},
		"merges that unfold":     {mergeBomb(), "excessive aliasing"},
		"an alias in its anchor": {"a: &a [*a]\n", "refers to its own anchor"},
		"a merge in its anchor":  {"a: &a {<<: *a}\n", "refers to its own anchor"},
		"nested lists":           {"a: " + strings.Repeat("[", 1_000_000), "exceeded max depth"},
		"keys that stand twice":  {strings.Repeat("a: 1\n", 600_000), `duplicate key "a"`},
		"a key that is a list":   {"a: 1\n? [a]\n: 1\n", ":2: a key must be a string"},
		"a key that is null":     {"a: 1\nnull: 1\n", ":2: a key must be a string"},
		"zero":                   {"a: 1\nb: \"\x00\"\n", ":2: control characters are not allowed"},
		"no number":              {"a: .nan\n", "unsupported value: NaN"},
		"several documents":      {"a: 1\n---\nb: 1\n", ":2: has more than one YAML document"},
		"a list":                 {strings.Repeat("- a\n", 1_000_000), "values must be a mapping"},
		"no text":                {"\xff\xfe\xfd", "values"},
		"base64 that is none":    {"a: !!binary '*'\n", "invalid base64"},
	} {
		cases["in the pack: "+title] = hostile{files: map[string]string{"values.yaml": test.text}, says: test.says}
		cases["in a file: "+title] = hostile{says: test.says, prepare: func(t *testing.T, folder string) string {
			t.Helper()
			write(t, filepath.Join(folder, "given", "values.yaml"), test.text)
			return folder
		}, args: []string{"--values", "given"}}
	}
	for title, test := range cases {
		test.code = 2
		cases[title] = test
	}
	refuse(t, cases)
}

// unfolding is a schema that describes itself twice, with defaults at every depth.
func unfolding() string {
	var text strings.Builder
	text.WriteString("$ref: '#/$defs/d0'\n$defs:\n")
	for i := range 40 {
		fmt.Fprintf(&text, "  d%d: {properties: {a: {$ref: '#/$defs/d%d'}, b: {$ref: '#/$defs/d%d'}, c: {default: 1}}}\n", i, i+1, i+1)
	}
	text.WriteString("  d40: {properties: {c: {default: 1}}}\n")
	return text.String()
}
