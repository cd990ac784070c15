package pack

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	t.Run("links are followed, and what is hidden stays out of templates", folderIsRead)
	t.Run("what is refused", foldersThatAreRefused)
	t.Run("charts of Helm in a pack are refused", chartsInAPackAreRefused)
	t.Run("what is no folder and no archive is refused", whatIsNoPackIsRefused)
}

func folderIsRead(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"Pack.yaml": minimal, "templates/a.yaml": "a", "templates/.a.yaml.swp": "x", "templates/._a.yaml": "x",
		".git/config": "secret", "sub/.git/config": "secret", "conf/.hidden": "h",
	})
	link(t, "../templates/a.yaml", filepath.Join(folder, "conf", "link.yaml"))
	p, err := Open(folder + "/")
	check(t, err)
	if diff := cmp.Diff([]string{"templates/a.yaml"}, paths(p.Templates)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"conf/.hidden", "conf/link.yaml"}, paths(p.Files)); diff != "" {
		t.Error(diff)
	}
	if got := p.where("x"); got != folder+"/x" {
		t.Errorf("where: %s", got)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	check(t, os.Symlink(to, at))
}

func foldersThatAreRefused(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret")
	write(t, filepath.Dir(outside), map[string]string{"secret": "s"})
	for name, test := range map[string]struct {
		prepare func(t *testing.T, folder string)
		want    string
	}{
		"a link that leads out":    {func(t *testing.T, f string) { link(t, outside, filepath.Join(f, "x")) }, "x: path escapes from parent"},
		"a link up":                {func(t *testing.T, f string) { link(t, "../x", filepath.Join(f, "x")) }, "x: path escapes from parent"},
		"a link to a folder":       {func(t *testing.T, f string) { link(t, ".", filepath.Join(f, "x")) }, "links to folders are not followed"},
		"a link to nothing":        {func(t *testing.T, f string) { link(t, "nothing", filepath.Join(f, "x")) }, "no such file"},
		"a pipe":                   {pipe, "x: not a regular file"},
		"a file that is too large": {func(t *testing.T, f string) { truncate(t, filepath.Join(f, "x"), maxFile+1) }, "x: larger than 5 MiB"},
		"files that are too large": {func(t *testing.T, f string) { large(t, f) }, "the pack is larger than 100 MiB"},
		"no Pack.yaml":             {func(t *testing.T, f string) { remove(t, filepath.Join(f, "Pack.yaml")) }, "no Pack.yaml"},
		"a Helm chart":             {func(t *testing.T, f string) { chart(t, f) }, "no Pack.yaml: a pack needs one, with apiVersion, kind and metadata.name and .version; a Helm chart has Chart.yaml instead"},
		"no folder":                {func(t *testing.T, f string) { remove(t, f) }, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			write(t, folder, map[string]string{"Pack.yaml": minimal})
			test.prepare(t, folder)
			_, err := Open(folder)
			var failed *FileError
			if !errors.As(err, &failed) || failed.Path != folder || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func large(t *testing.T, folder string) {
	t.Helper()
	for i := range maxTotal/maxFile + 1 {
		truncate(t, filepath.Join(folder, "x"+string(rune('a'+i))), maxFile)
	}
}

func chart(t *testing.T, folder string) {
	t.Helper()
	check(t, os.Rename(filepath.Join(folder, "Pack.yaml"), filepath.Join(folder, "Chart.yaml")))
}

func remove(t *testing.T, name string) {
	t.Helper()
	check(t, os.RemoveAll(name))
}

func truncate(t *testing.T, name string, size int64) {
	t.Helper()
	write(t, filepath.Dir(name), map[string]string{filepath.Base(name): ""})
	check(t, os.Truncate(name, size))
}

// They would be missing without a word.
func chartsInAPackAreRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{"Pack.yaml": minimal, "charts/.gitkeep": ""})
	_, err := Open(folder)
	check(t, err)
	write(t, folder, map[string]string{"charts/redis-1.0.0.tgz": "x"})
	_, err = Open(folder)
	var invalid *InvalidError
	want := folder + "/charts: has redis-1.0.0.tgz: Helm renders the charts in this folder with their parent, sherpack those in packs/; " +
		"move them there, or exclude the folder with a line charts/ in .sherpackignore"
	if !errors.As(err, &invalid) || err.Error() != want {
		t.Errorf("got %v", err)
	}
	write(t, folder, map[string]string{IgnoreFile: "charts/\n"})
	_, err = Open(folder)
	check(t, err)
}

func whatIsNoPackIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pack.zip")
	write(t, filepath.Dir(file), map[string]string{"pack.zip": "PK"})
	for name, want := range map[string]string{
		"oci://example.com/shop":       "oci:// addresses are not supported: a pack is a folder, or a .tgz archive of one; download it first",
		"https://example.com/shop.tgz": "https:// addresses are not supported: a pack is a folder, or a .tgz archive of one; download it first",
		"repo/shop":                    "read pack: no such file or directory; a pack is a folder, or a .tgz archive of one",
		file:                           "read pack archive: neither a folder nor a .tgz archive; a pack is a folder, or a .tgz archive of one",
	} {
		_, err := Open(name)
		var failed *FileError
		if !errors.As(err, &failed) || err.Error() != name+": "+want {
			t.Errorf("got %v", err)
		}
	}
}
