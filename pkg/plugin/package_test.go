package plugin_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPackage(t *testing.T) {
	t.Parallel()
	t.Run("it prints the path and the digest", packagePrintsPathAndDigest)
	t.Run("a pack with errors is refused", packageRefusesErrors)
	t.Run("an archive that would be a part of the pack is refused", packageRefusesAnArchiveInThePack)
	t.Run("a folder that is not there is created", packageCreatesTheFolder)
	t.Run("where the archive cannot be written, nothing is left", packageLeavesNothing)
}

func packagePrintsPathAndDigest(t *testing.T) {
	t.Parallel()
	folder, target := writePack(t, nil), t.TempDir()
	archive := filepath.Join(target, "echo-1.0.0.tgz")
	if err := os.WriteFile(archive, []byte("an older one"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := run(t, "package", folder, "-d", target)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	if diff := cmp.Diff(archive+" sha256:"+hex.EncodeToString(sum[:])+"\n", stdout); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if left := entries(t, target); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

func entries(t *testing.T, folder string) []string {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return names
}

func packageRefusesErrors(t *testing.T) {
	t.Parallel()
	folder, target := writePack(t, map[string]string{"templates/a.yaml": "a: {{ values.nothing }}\n"}), t.TempDir()
	stdout, stderr, code := run(t, "package", folder, "-d", target)
	want := "templates/a.yaml:1: error: {{ values.nothing }}: no such value nothing (template)\nerror: pack " + folder + " has 1 error and 0 warnings\n"
	if diff := cmp.Diff(want, stderr); diff != "" || code != 2 || stdout != "" {
		t.Errorf("exit code %d, it prints %q (-want +got):\n%s", code, stdout, diff)
	}
	if left := entries(t, target); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func packageRefusesAnArchiveInThePack(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	before := entries(t, folder)
	for _, target := range []string{folder, filepath.Join(folder, "templates"), filepath.Join(folder, "dist"), link, filepath.Join(link, "a", "b")} {
		_, stderr, code := run(t, "package", folder, "-d", target)
		if code != 2 || !strings.Contains(stderr, "would be a part of the pack itself") {
			t.Errorf("%s: exit code %d: %s", target, code, stderr)
		}
	}
	if diff := cmp.Diff(before, entries(t, folder)); diff != "" {
		t.Errorf("what is in the pack (-before +after):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(folder, ".sherpackignore"), []byte("*.tgz\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, stderr, code := run(t, "package", folder, "-d", folder)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if second, _, _ := run(t, "package", folder, "-d", folder); second != first {
		t.Errorf("it is %s, and then %s", first, second)
	}
}

func packageCreatesTheFolder(t *testing.T) {
	t.Parallel()
	target := filepath.Join(t.TempDir(), "build", "dist")
	_, stderr, code := run(t, "package", writePack(t, nil), "-d", target)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if diff := cmp.Diff([]string{"echo-1.0.0.tgz"}, entries(t, target)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func packageLeavesNothing(t *testing.T) {
	t.Parallel()
	folder := writePack(t, nil)
	// A file where the folder would be.
	target := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := run(t, "package", folder, "-d", target)
	if code != 4 || stdout != "" || !strings.HasPrefix(stderr, "error: "+target+": write file: ") {
		t.Errorf("exit code %d, it prints %q and %q", code, stdout, stderr)
	}
	// A folder of the name of the archive.
	target = t.TempDir()
	if err := os.MkdirAll(filepath.Join(target, "echo-1.0.0.tgz", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, stderr, code = run(t, "package", folder, "-d", target)
	if left := entries(t, target); code != 4 || !strings.Contains(stderr, "echo-1.0.0.tgz: write file: ") || len(left) != 1 {
		t.Errorf("exit code %d: %s, left: %v", code, stderr, left)
	}
}
