package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The packs in the documentation are whole: each example that names its file is rendered, and says what it is meant to.
func TestTheExamplesInTheDocumentationRender(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/hooks.md")
	if err != nil {
		t.Fatal(err)
	}
	pack := t.TempDir()
	write(t, filepath.Join(pack, "Pack.yaml"), "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: docs, version: 1.0.0}\n")
	for _, example := range regexp.MustCompile("(?s)```yaml\n# (templates/[^\n]+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		write(t, filepath.Join(pack, example[1]), example[2])
	}
	session := newSession(t)
	session.run(t, "install", "docs", pack)
	got, _ := session.run(t, "status", "docs", "-o", "jsonpath={range .status.hooks[*]}{.title} {.state} {end}")
	want := "pre-install/database-check Succeeded pre-install/configmap/migrate Succeeded pre-install/migrate Succeeded pre-install/import Succeeded "
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The first steps of the README work as they are written, but for the namespace, which the test has already.
func TestTheFirstStepsInTheReadmeWork(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	session := newSession(t)
	steps := regexp.MustCompile(`(?m)^    kubectl sherpack (.*shop.*)$`).FindAllStringSubmatch(string(text), -1)
	const atLeast = 6
	if len(steps) < atLeast {
		t.Fatalf("found %d steps, expected at least %d", len(steps), atLeast)
	}
	for _, step := range steps {
		words := strings.Fields(strings.ReplaceAll(step[1], "examples/shop", "../../examples/shop"))
		if i := slices.Index(words, "-n"); i >= 0 {
			words = slices.Delete(words, i, i+2)
		}
		session.run(t, words...)
	}
}

// The commands on the page about packs print what it says, one after the other in one folder, without a cluster. A block whose
// info string ends in a path is a file that is written there before.
func TestTheCommandsOnThePageAboutPacksPrintWhatItSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/packs.md")
	if err != nil {
		t.Fatal(err)
	}
	folder, commands := t.TempDir(), 0
	for _, block := range regexp.MustCompile("(?ms)^```(?:console|yaml (shop/\\S+))\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		if block[1] != "" {
			write(t, filepath.Join(folder, block[1]), block[2])
			continue
		}
		for _, step := range strings.Split("\n"+block[2], "\n$ ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			checkPrinted(t, folder, command, strings.TrimRight(want, "\n"))
			commands++
		}
	}
	const atLeast = 12
	if commands < atLeast {
		t.Errorf("found %d commands, expected at least %d", commands, atLeast)
	}
}

// checkPrinted runs a command in a folder and compares all that it prints. An ellipsis stands for any text in a line.
func checkPrinted(t *testing.T, folder, command, want string) {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(command, "kubectl sherpack", "kubectl-sherpack"))
	shell.Dir = folder
	shell.Env = append(os.Environ(), "HOME="+folder, "KUBECONFIG="+os.DevNull, "PATH="+filepath.Dir(program(t))+string(os.PathListSeparator)+os.Getenv("PATH"))
	// How it ends is in what it prints.
	output, _ := shell.CombinedOutput()
	got := strings.TrimRight(string(output), "\n")
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".+") + "$"
	if !regexp.MustCompile(pattern).MatchString(got) {
		t.Errorf("$ %s\n%s", command, cmp.Diff(want, got))
	}
}

// What docs/install.md says of a program that is there works as it is written, in every shell that is there.
func TestTheStepsAfterTheInstallationWork(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	// The program is put into a folder of its own, where it may make a link.
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Dir(program(t)))); err != nil {
		t.Fatal(err)
	}
	session := newSession(t)
	run := func(shell ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), shell[0], shell[1:]...)
		command.Env = append(os.Environ(), "PATH="+folder+string(os.PathListSeparator)+session.path, "KUBECONFIG="+session.kubeconfig, "HOME="+folder)
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("%q: %v: %s", shell, err, output)
		}
	}
	lines := regexp.MustCompile("(?m)^    (kubectl sherpack .*)$").FindAllStringSubmatch(string(document), -1)
	rows := regexp.MustCompile("(?m)^\\| (\\w+).* \\| `(.*completion .*)` \\|$").FindAllStringSubmatch(string(document), -1)
	if len(lines) != 4 || len(rows) != 4 {
		t.Fatalf("found %d steps and %d shells", len(lines), len(rows))
	}
	for _, line := range lines {
		run("sh", "-c", line[1])
	}
	if target, err := os.Readlink(filepath.Join(folder, "kubectl_complete-sherpack")); err != nil || target != "kubectl-sherpack" {
		t.Errorf("%v: the link leads to %q", err, target)
	}
	before := map[string]string{"zsh": "autoload -Uz compinit; compinit -u; "}
	for _, row := range rows {
		if shell, err := exec.LookPath(row[1]); err == nil {
			run(shell, "-c", before[row[1]]+strings.ReplaceAll(row[2], `\|`, "|"))
		}
	}
}
