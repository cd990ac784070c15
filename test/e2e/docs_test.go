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
	"github.com/rogpeppe/go-internal/testscript"
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
	write(t, filepath.Join(pack, "values.yaml"), "image: {repository: shop, tag: \"1\"}\nservice: {port: 80}\n"+
		"database: {url: postgres://shop@db.example.com/shop}\nslack: {webhook: https://hooks.example.com/T000}\n")
	for _, example := range regexp.MustCompile("(?s)```yaml\n# (templates/[^\n]+)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		write(t, filepath.Join(pack, example[1]), example[2])
	}
	session := newSession(t)
	session.run(t, "install", "docs", pack)
	got, _ := session.run(t, "status", "docs", "-o", "jsonpath={range .status.hooks[*]}{.title} {.state} {end}")
	want := "pre-install/database-check Succeeded pre-install/configmap/migrate Succeeded pre-install/migrate Succeeded pre-install/import Succeeded " +
		"post-install/notify Succeeded "
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

// The commands in the documentation print what it says, those of a page one after the other in one folder: what a block marked console
// has, without a cluster, and one marked "console cluster" against the API server. Blocks marked sh and commands in the file of a CI
// service succeed, as kubectl runs them. A block whose info string ends in a path is a file that is written there before. The
// namespace is called shop. What a page needs beforehand stands in blocks of its own, within comments.
func TestTheCommandsInTheDocumentationPrintWhatItSays(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]int{}
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := runBlock.FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			continue
		}
		name := filepath.Base(page)
		commands[name] = strings.Count(string(text), "\n$ ") + len(ciCommand.FindAllString(string(text), -1)) + strings.Count(string(text), "\n```sh\n")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPage(t, blocks)
		})
	}
	for page, atLeast := range map[string]int{
		"packs.md": 12, "README.md": 6, "troubleshooting.md": 17, "hooks.md": 6, "hooks.fr.md": 6,
		"ci.md": 11, "coming-from-helm.md": 6, "releases.md": 5, "rbac.md": 3, "trust.md": 2,
	} {
		if commands[page] < atLeast {
			t.Errorf("%s: found %d commands, expected at least %d", page, commands[page], atLeast)
		}
	}
}

var (
	// runBlock matches a block of commands, with their shell and where they run, a file, with its path, or the file of a CI service.
	runBlock = regexp.MustCompile("(?ms)^```(?:(sh|console( cluster)?)|yaml|\\w+ (\\S+/\\S+))\n(.*?)^```$")
	// ciCommand matches a command in the file of a CI service.
	ciCommand = regexp.MustCompile(`(?m)^ +(?:run: |- )?(kubectl sherpack .*)$`)
)

// checkPage runs the commands of a page.
func checkPage(t *testing.T, blocks [][]string) {
	t.Helper()
	place := terminal{folder: t.TempDir()}
	for _, block := range blocks {
		shell, onCluster, file, text := block[1], block[2] != "", block[3], block[4]
		switch {
		// Those of a pack by itself are rendered by another test.
		case strings.HasPrefix(file, "templates/"):
		case file != "":
			write(t, filepath.Join(place.folder, file), text)
		case shell == "sh":
			place.runAsWritten(t, text)
		case shell == "":
			for _, command := range ciCommand.FindAllStringSubmatch(text, -1) {
				place.runAsWritten(t, command[1])
			}
		default:
			for _, step := range strings.Split("\n"+text, "\n$ ")[1:] {
				command, want, _ := strings.Cut(step, "\n")
				place.check(t, onCluster, command, strings.TrimRight(want, "\n"))
			}
		}
	}
}

// terminal is where the commands of a page run.
type terminal struct {
	folder string
	// cluster is the environment of commands against the API server; nil where no command asked for one yet.
	cluster   *testscript.Env
	namespace string
}

// check runs a command in the folder and compares all that it prints, but for times. An ellipsis stands for any text in a line,
// and alone in a line for any lines.
func (p *terminal) check(t *testing.T, onCluster bool, command, want string) {
	t.Helper()
	line := strings.ReplaceAll(command, "kubectl sherpack", "kubectl-sherpack")
	environment := []string{"HOME=" + p.folder, "KUBECONFIG=" + os.DevNull, "PATH=" + filepath.Dir(program(t)) + string(os.PathListSeparator) + os.Getenv("PATH")}
	if onCluster {
		p.reachCluster(t)
		line = strings.ReplaceAll(line, "-n shop", "-n "+p.namespace)
		environment = p.cluster.Vars
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", line)
	shell.Dir, shell.Env = p.folder, slices.Concat(os.Environ(), environment, []string{"CI=", "GITHUB_ACTIONS=", "GITLAB_CI="})
	// How it ends is in what it prints.
	output, _ := shell.CombinedOutput()
	got := string(output)
	if onCluster {
		got = strings.ReplaceAll(got, p.namespace, "shop")
	}
	got, want = timeless(got), timeless(want)
	pattern := regexp.QuoteMeta("\n" + want)
	pattern = strings.ReplaceAll(pattern, "\n…", "(?:\n.*)*")
	pattern = "^" + strings.ReplaceAll(pattern, "…", ".+") + "$"
	if !regexp.MustCompile(pattern).MatchString("\n" + got) {
		t.Errorf("$ %s\n%s", command, cmp.Diff(want, got))
	}
}

// runAsWritten runs commands through a shell and kubectl, all of which must succeed.
func (p *terminal) runAsWritten(t *testing.T, commands string) {
	t.Helper()
	p.reachCluster(t)
	if strings.Contains("\n"+commands, "\nhelm ") {
		p.cluster.Setenv("PATH", filepath.Dir(helm(t))+string(os.PathListSeparator)+p.cluster.Getenv("PATH"))
	}
	script := strings.NewReplacer(
		// One that is made must not be there yet.
		"namespace shop", "namespace new-"+strings.TrimPrefix(p.namespace, "test-"), "-n shop", "-n "+p.namespace, "serviceaccount=shop:", "serviceaccount="+p.namespace+":",
	).Replace(commands)
	shell := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	shell.Dir, shell.Env = p.folder, slices.Concat(os.Environ(), p.cluster.Vars, []string{"CI=", "GITHUB_ACTIONS=", "GITLAB_CI="})
	if output, err := shell.CombinedOutput(); err != nil {
		t.Errorf("%s\n%v\n%s", script, err, output)
	}
}

// reachCluster prepares what commands against the API server need.
func (p *terminal) reachCluster(t *testing.T) {
	t.Helper()
	if p.cluster != nil {
		return
	}
	p.cluster = &testscript.Env{WorkDir: p.folder}
	session := newSession(t)
	if err := session.setup(p.cluster); err != nil {
		t.Fatal(err)
	}
	p.namespace = session.namespace
}

// helm returns the path of Helm's program, which Go builds and keeps.
func helm(t *testing.T) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "-C", "../helm", "tool", "-n", "helm").Output()
	if err != nil {
		t.Fatalf("building Helm: %v", err)
	}
	return strings.TrimSpace(string(output))
}

// timeless is a text without what differs from run to run: times, durations, and the widths of columns.
func timeless(text string) string {
	for _, rule := range [][2]string{
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, "TIME"}, {`\b\d\d:\d\d:\d\d\b`, "TIME"}, {`\b[\d.]+(ms|m\d+s|s|m)\b`, "0s"}, {` {2,}`, "  "}, {` +\n`, "\n"},
	} {
		text = regexp.MustCompile(rule[0]).ReplaceAllString(text, rule[1])
	}
	return strings.TrimRight(text, "\n ")
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
