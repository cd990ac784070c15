// Package krew tests with krew's own tools that krew installs the plugin.
package krew

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/krew/pkg/index"
	"sigs.k8s.io/yaml"
)

const (
	top     = "../.."
	program = "kubectl-sherpack"
)

func TestManifest(t *testing.T) {
	t.Parallel()
	t.Run("krew's validator accepts it", validatorAcceptsTheManifest)
}

func TestArchive(t *testing.T) {
	t.Parallel()
	archive := release(t)
	for title, test := range map[string]func(t *testing.T, archive string){
		"krew installs it, removes it and installs another": krewInstallsThePlugin,
		"krew refuses it where the manifest names another":  krewRefusesAnotherArchive,
		"it is installed by hand as the documentation says": archiveIsInstalledByHand,
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			test(t, archive)
		})
	}
}

// The validator takes the name of the plugin from that of the file.
func validatorAcceptsTheManifest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(top, "krew-manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sherpack.yaml")
	write(t, file, text)
	if output, err := exec.CommandContext(t.Context(), tool(t, "validate-krew-manifest"), "-manifest", file, "-skip-install").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
	// What is no plugin of that name is refused: the validator works.
	other := filepath.Join(t.TempDir(), "other.yaml")
	write(t, other, text)
	if output, err := exec.CommandContext(t.Context(), tool(t, "validate-krew-manifest"), "-manifest", other, "-skip-install").CombinedOutput(); err == nil {
		t.Errorf("under another name it is accepted, too: %s", output)
	}
}

func krewInstallsThePlugin(t *testing.T, archive string) {
	t.Helper()
	k := newKrew(t)
	for _, version := range []string{"v0.1.0", "v0.2.0"} {
		k.run(t, "krew", "install", "--manifest", manifest(t, version, archive), "--archive", archive)
		if got := k.run(t, program, "--version"); got != program+" v9.8.7\n" {
			t.Errorf("it prints %q", got)
		}
		for _, document := range []string{"LICENSE", "README.md"} {
			if _, err := os.Stat(filepath.Join(k.root, "store", "sherpack", version, document)); err != nil {
				t.Error(err)
			}
		}
		if version == "v0.1.0" {
			got := k.run(t, program, "completion", "install")
			if want := filepath.Join(k.root, "bin", "kubectl_complete-sherpack") + " linked to " + program + "\n"; got != want {
				t.Errorf("it prints %q, want %q", got, want)
			}
		}
		// krew's link leads to the version that is installed, and that for completion to krew's.
		if got := k.run(t, "kubectl_complete-sherpack", "rollb"); !strings.HasPrefix(got, "rollback\t") {
			t.Errorf("%s completes to %q", version, got)
		}
		k.run(t, "krew", "uninstall", "sherpack")
		if _, err := os.Lstat(filepath.Join(k.root, "bin", program)); !os.IsNotExist(err) {
			t.Errorf("after it is removed: %v", err)
		}
	}
}

func krewRefusesAnotherArchive(t *testing.T, archive string) {
	t.Helper()
	k := newKrew(t)
	command := k.command(t, "krew", "install", "--manifest", filepath.Join(top, "krew-manifest.yaml"), "--archive", archive)
	if output, err := command.CombinedOutput(); err == nil || !strings.Contains(string(output), "checksum") {
		t.Errorf("%v: %s", err, output)
	}
}

// curl finds what is here.
func archiveIsInstalledByHand(t *testing.T, archive string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the steps are for Linux")
	}
	document, err := os.ReadFile(filepath.Join(top, "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)\n## From the archive of a release\n(.*?)\n## `).FindStringSubmatch(string(document))
	if section == nil {
		t.Fatal("docs/install.md has no such section")
	}
	steps := regexp.MustCompile(`(?m)^    .*$`).FindAllString(section[1], -1)
	served, home, bin := t.TempDir(), t.TempDir(), t.TempDir()
	const name = program + "_linux_amd64.tar.gz"
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(served, name), text)
	write(t, filepath.Join(served, "checksums.txt"), fmt.Appendf(nil, "%s  of-another.zip\n%s  %s\n", sum([]byte("a")), sum(text), name))
	write(t, filepath.Join(bin, "curl"), fmt.Appendf(nil, "#!/bin/sh -e\n[ \"$1\" = -LO ]\ncp %q/\"$(basename \"$2\")\" .\n", served))
	if err := os.Chmod(filepath.Join(bin, "curl"), 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.Join(steps, "\n"))
	command.Dir, command.Env = home, append(os.Environ(), "HOME="+home, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	installed := exec.CommandContext(t.Context(), filepath.Join(home, ".local", "bin", program), "--version")
	if output, err := installed.CombinedOutput(); err != nil || string(output) != program+" v9.8.7\n" {
		t.Errorf("%v: it prints %q", err, output)
	}
}

// krew is an installation of krew in a folder of its own.
type krew struct{ root string }

// newKrew makes an installation that has a receipt for itself, as all have, and an empty index. krew removes nothing without.
func newKrew(t *testing.T) krew {
	t.Helper()
	k := krew{root: t.TempDir()}
	if err := os.Mkdir(filepath.Join(k.root, "receipts"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(k.root, "receipts", "krew.yaml"), nil)
	k.run(t, "git", "init", "--quiet", filepath.Join(k.root, "index", "default"))
	return k
}

// command returns a command with the programs of krew and those it has installed on PATH. krew asks nobody for its newest version.
func (k krew) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	path := strings.Join([]string{filepath.Join(k.root, "bin"), filepath.Dir(tool(t, "krew")), os.Getenv("PATH")}, string(os.PathListSeparator))
	// The name is looked for on this PATH, not on that of the test.
	command := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `exec "$0" "$@"`, name}, args...)...)
	command.Env = append(os.Environ(), "PATH="+path, "KREW_ROOT="+k.root, "KREW_NO_UPGRADE_CHECK=1", "HOME="+k.root)
	return command
}

// run runs a command and returns its output.
func (k krew) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	command := k.command(t, name, args...)
	var out, errs strings.Builder
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, errs.String())
	}
	return out.String()
}

// tool builds one of krew's programs and returns its path.
func tool(t *testing.T, name string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "tool", "-n", name).Output()
	if err != nil {
		t.Fatalf("building %s: %v", name, err)
	}
	return strings.TrimSpace(string(output))
}

// release builds the program for this system and packs what a release has.
func release(t *testing.T) (archive string) {
	t.Helper()
	folder := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-C", top, "-ldflags", "-X main.version=v9.8.7", "-o", folder+string(filepath.Separator), "./cmd/"+program)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v: %s", err, output)
	}
	archive = filepath.Join(folder, fmt.Sprintf("%s_%s_%s.tar.gz", program, runtime.GOOS, runtime.GOARCH))
	file, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	compressed := gzip.NewWriter(file)
	packed := tar.NewWriter(compressed)
	for _, path := range []string{filepath.Join(folder, program), filepath.Join(top, "LICENSE"), filepath.Join(top, "README.md")} {
		pack(t, packed, path)
	}
	for _, closer := range []io.Closer{packed, compressed, file} {
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return archive
}

func pack(t *testing.T, into *tar.Writer, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := &tar.Header{Name: filepath.Base(path), Mode: int64(info.Mode().Perm()), Size: int64(len(text))}
	if err := into.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	if _, err := into.Write(text); err != nil {
		t.Fatal(err)
	}
}

// manifest writes krew-manifest.yaml as a release of a version fills it in, for this system.
func manifest(t *testing.T, version, archive string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "krew-manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plugin index.Plugin
	if err := yaml.UnmarshalStrict(text, &plugin); err != nil {
		t.Fatal(err)
	}
	here := slices.IndexFunc(plugin.Spec.Platforms, func(p index.Platform) bool {
		return p.Selector.MatchLabels["os"] == runtime.GOOS && p.Selector.MatchLabels["arch"] == runtime.GOARCH
	})
	if here < 0 {
		t.Fatalf("the manifest has nothing for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	packed, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	plugin.Spec.Version, plugin.Spec.Platforms[here].Sha256 = version, sum(packed)
	if text, err = yaml.Marshal(plugin); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "sherpack.yaml")
	write(t, file, text)
	return file
}

// sum is the checksum of a file.
func sum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
