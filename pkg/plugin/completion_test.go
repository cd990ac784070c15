package plugin_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

func TestCompletion(t *testing.T) {
	t.Parallel()
	t.Run("there is a script for each shell", aScriptForEachShell)
	t.Run("bash can read its script", bashReadsItsScript)
	t.Run("other shells are refused", otherShellsAreRefused)
}

func aScriptForEachShell(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"bash":       "complete -o default -F __start_kubectl-sherpack kubectl-sherpack\n",
		"zsh":        "#compdef kubectl-sherpack\n",
		"fish":       "complete -c kubectl-sherpack ",
		"powershell": "Register-ArgumentCompleter -CommandName 'kubectl-sherpack'",
	} {
		stdout, stderr, code := run(t, "completion", shell)
		if code != 0 || stderr != "" || !strings.Contains(stdout, want) || !strings.Contains(stdout, "__complete") {
			t.Errorf("%s: exit code %d, %q; it lacks %q", shell, code, stderr, want)
		}
	}
}

func bashReadsItsScript(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	stdout, _, _ := run(t, "completion", "bash")
	command := exec.CommandContext(t.Context(), bash, "-n")
	command.Stdin = strings.NewReader(stdout)
	if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("%v: %s", err, output)
	}
}

func otherShellsAreRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"completion"}, {"completion", "tcsh"}, {"completion", "bash", "zsh"}, {"completion", "install", "bash"}} {
		stdout, stderr, code := run(t, args...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, "--help' for usage.") {
			t.Errorf("%v: exit code %d, it prints %q and %q", args, code, stdout, stderr)
		}
	}
}

func TestCompletionInstall(t *testing.T) {
	t.Parallel()
	t.Run("it links to the program beside it", installLinksBesideTheProgram)
	t.Run("it links from another folder", installLinksFromAnotherFolder)
	t.Run("it copies where links are of no use", installCopies)
	t.Run("what was put there before is replaced", installReplacesWhatIsOurs)
	t.Run("what is something else stays", installLeavesWhatIsNotOurs)
	t.Run("without a folder it says so", installWithoutAFolder)
}

// installation is a folder with a file for the program, and what installs its other name there.
func installation(t *testing.T) (folder string, install func(change func(*plugin.CompletionInstallOptions)) (stdout, stderr string, err error)) {
	t.Helper()
	folder = t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "kubectl-sherpack"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, func(change func(*plugin.CompletionInstallOptions)) (string, string, error) {
		streams, _, out, errOut := genericiooptions.NewTestIOStreams()
		options := &plugin.CompletionInstallOptions{Program: filepath.Join(folder, "kubectl-sherpack"), Dir: folder, IOStreams: streams}
		if change != nil {
			change(options)
		}
		err := options.Run()
		return out.String(), errOut.String(), err
	}
}

// useTests makes the file of the program that of these tests, which are built from the same code.
func useTests(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkLink checks that a link leads to a target, and that there is nothing else in the folder but the program.
func checkLink(t *testing.T, folder, target string) {
	t.Helper()
	if got, err := os.Readlink(filepath.Join(folder, "kubectl_complete-sherpack")); err != nil || got != target {
		t.Errorf("%v: it leads to %q, want %q", err, got, target)
	}
	checkFiles(t, folder)
}

// checkFiles checks that a folder holds nothing but the program and its other name.
func checkFiles(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "kubectl-sherpack" && name != "kubectl_complete-sherpack" {
			t.Errorf("%s is left", name)
		}
	}
}

func installLinksBesideTheProgram(t *testing.T) {
	t.Parallel()
	folder, install := installation(t)
	stdout, stderr, err := install(nil)
	path := filepath.Join(folder, "kubectl_complete-sherpack")
	if err != nil || stdout != path+" linked to kubectl-sherpack\n" {
		t.Errorf("%v: it prints %q", err, stdout)
	}
	if want := "warning: " + folder + " is not on PATH, where kubectl looks for kubectl_complete-sherpack\n"; stderr != want {
		t.Errorf("it says %q, want %q", stderr, want)
	}
	checkLink(t, folder, "kubectl-sherpack")
	if stdout, _, err := install(nil); err != nil || stdout != path+" unchanged\n" {
		t.Errorf("once more: %v: it prints %q", err, stdout)
	}
	checkLink(t, folder, "kubectl-sherpack")
}

func installLinksFromAnotherFolder(t *testing.T) {
	t.Parallel()
	folder, install := installation(t)
	other := t.TempDir()
	stdout, _, err := install(func(o *plugin.CompletionInstallOptions) { o.Dir = other })
	if err != nil || !strings.HasSuffix(stdout, " linked to "+filepath.Join(folder, "kubectl-sherpack")+"\n") {
		t.Errorf("%v: it prints %q", err, stdout)
	}
	checkLink(t, other, filepath.Join(folder, "kubectl-sherpack"))
}

func installCopies(t *testing.T) {
	t.Parallel()
	folder, install := installation(t)
	useTests(t, filepath.Join(folder, "kubectl-sherpack"))
	// The second time it replaces the first copy.
	for range 2 {
		stdout, _, err := install(func(o *plugin.CompletionInstallOptions) { o.Copy = true })
		path := filepath.Join(folder, "kubectl_complete-sherpack")
		if err != nil || stdout != path+" copied\n" {
			t.Errorf("%v: it prints %q", err, stdout)
		}
		found, err := os.Lstat(path)
		if err != nil || !found.Mode().IsRegular() || found.Mode().Perm()&0o100 == 0 {
			t.Fatalf("%v: the copy is %v", err, found)
		}
		if original, err := os.Stat(filepath.Join(folder, "kubectl-sherpack")); err != nil || found.Size() != original.Size() {
			t.Errorf("%v: the copy has %d bytes", err, found.Size())
		}
		checkFiles(t, folder)
	}
}

func installReplacesWhatIsOurs(t *testing.T) {
	t.Parallel()
	for title, place := range map[string]func(t *testing.T, folder, path string) error{
		"a link to the program under another name": func(_ *testing.T, folder, path string) error {
			if err := os.Link(filepath.Join(folder, "kubectl-sherpack"), filepath.Join(folder, "other")); err != nil {
				return err
			}
			return os.Symlink("other", path)
		},
		"a link to a version that is gone": func(_ *testing.T, _, path string) error { return os.Symlink("../v0.1.0/kubectl-sherpack", path) },
		"a link of Windows to one":         func(_ *testing.T, _, path string) error { return os.Symlink("../v0.1.0/kubectl-sherpack.exe", path) },
		"a copy of the program": func(t *testing.T, _, path string) error {
			useTests(t, path)
			return nil
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			folder, install := installation(t)
			if err := place(t, folder, filepath.Join(folder, "kubectl_complete-sherpack")); err != nil {
				t.Fatal(err)
			}
			if _, _, err := install(nil); err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(filepath.Join(folder, "other"))
			checkLink(t, folder, "kubectl-sherpack")
		})
	}
}

func installLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	goProgram, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	for title, place := range map[string]func(path string) error{
		"a script":                   func(path string) error { return os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600) },
		"a link to something else":   func(path string) error { return os.Symlink(os.DevNull, path) },
		"a link to nothing":          func(path string) error { return os.Symlink("nothing", path) },
		"a folder":                   func(path string) error { return os.Mkdir(path, 0o700) },
		"a program of somebody else": func(path string) error { return os.Link(goProgram, path) },
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			folder, install := installation(t)
			path := filepath.Join(folder, "kubectl_complete-sherpack")
			if err := place(path); err != nil {
				// A hard link may not lead from one disk to another.
				if err := os.Symlink(goProgram, path); err != nil {
					t.Fatal(err)
				}
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			stdout, _, err := install(nil)
			if err == nil || stdout != "" || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "choose another folder with --dir") {
				t.Errorf("error %v, it prints %q", err, stdout)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("%v: it is another file", err)
			}
			checkFiles(t, folder)
		})
	}
}

func installWithoutAFolder(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	stdout, stderr, code := run(t, "completion", "install", "--dir", missing)
	if code != 4 || stdout != "" || !strings.HasPrefix(stderr, "error: installing "+missing) || !strings.Contains(stderr, "no such file or directory") {
		t.Errorf("exit code %d, it prints %q and %q", code, stdout, stderr)
	}
}
