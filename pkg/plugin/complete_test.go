package plugin_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

func TestArguments(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct{ process, want []string }{
		"the program":                   {[]string{"kubectl-sherpack", "status", "a"}, []string{"status", "a"}},
		"a path":                        {[]string{"/x/kubectl-sherpack", "-h"}, []string{"-h"}},
		"the other name":                {[]string{"kubectl_complete-sherpack", "status", ""}, []string{"__complete", "status", ""}},
		"a path of the other name":      {[]string{"/x/kubectl_complete-sherpack", "st"}, []string{"__complete", "st"}},
		"the other name on Windows":     {[]string{"kubectl_complete-sherpack.exe", "st"}, []string{"__complete", "st"}},
		"the other name is a word":      {[]string{"kubectl-sherpack", "kubectl_complete-sherpack"}, []string{"kubectl_complete-sherpack"}},
		"nobody says how it was called": {nil, nil},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, plugin.Arguments(test.process)); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	t.Run("what needs no cluster", completionsWithoutACluster)
	t.Run("packs and the folders on the way to them", completionsOfPacks)
	t.Run("templates of a pack and of its dependencies", completionsOfTemplates)
	t.Run("names of the kubeconfig", completionsOfTheKubeconfig)
	t.Run("a server that is out of reach says nothing", completionsWithoutAServer)
	t.Run("every flag that takes a value completes, or has no words to choose from", everyFlagCompletes)
}

// The directives of completions, as shells read them.
const (
	filesToo  = ":0"
	noSpace   = ":2"
	noFiles   = ":4"
	filesOf   = ":8"
	folders   = ":16"
	noFilesAt = ":36"
)

// completions are what a command line is completed to, without descriptions, and the directive in the last line. Nothing is
// told besides.
func completions(t *testing.T, args ...string) []string {
	t.Helper()
	stdout, stderr, code := run(t, append([]string{"__complete"}, args...)...)
	if code != 0 || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "Completion ended with directive") {
		t.Errorf("%v: exit code %d: %s", args, code, stderr)
	}
	var words []string
	for line := range strings.Lines(stdout) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		words = append(words, word)
	}
	return words
}

func completionsWithoutACluster(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		args, want []string
	}{
		"a command":               {[]string{"ro"}, []string{"rollback", noFiles}},
		"a command below":         {[]string{"get", "v"}, []string{"values", noFiles}},
		"a shell, or to install":  {[]string{"completion", ""}, []string{"install", "bash", "zsh", "fish", "powershell", noFiles}},
		"the value of --dry-run":  {[]string{"upgrade", "--dry-run="}, []string{"none", "server", "client", noFiles}},
		"the value of --events":   {[]string{"upgrade", "--events="}, []string{"text", "json", "none", noFiles}},
		"the value of --cascade":  {[]string{"uninstall", "a", "--cascade", ""}, []string{"background", "foreground", "orphan", noFiles}},
		"the form of a version":   {[]string{"version", "-o", ""}, []string{"json", "yaml", noFiles}},
		"phases":                  {[]string{"install", "--skip-hooks", "pre-"}, []string{"pre-install", "pre-upgrade", "pre-rollback", "pre-delete", noFiles}},
		"more phases":             {[]string{"install", "--skip-hooks", "test,pre-install,pre-"}, []string{"test,pre-install,pre-upgrade", "test,pre-install,pre-rollback", "test,pre-install,pre-delete", noFiles}},
		"a file of values":        {[]string{"install", "-f", ""}, []string{"yaml", "yml", "json", filesOf}},
		"a kubeconfig":            {[]string{"list", "--kubeconfig", ""}, []string{filesToo}},
		"a folder":                {[]string{"completion", "install", "--dir", ""}, []string{folders}},
		"a folder to write to":    {[]string{"convert", "chart", ""}, []string{folders}},
		"a duration":              {[]string{"install", "--timeout", ""}, []string{noFiles}},
		"a command that is ready": {[]string{"list", ""}, []string{noFiles}},
		"one argument too many":   {[]string{"status", "a", ""}, []string{noFiles}},
		"the name of a new one":   {[]string{"install", ""}, []string{noFiles}},
		"a revision of no name":   {[]string{"status", "--revision", ""}, []string{noFilesAt}},
		"tests of no release":     {[]string{"test", "--filter", ""}, []string{noFiles}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, completions(t, test.args...)); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
		})
	}
}

func completionsOfPacks(t *testing.T) {
	t.Parallel()
	top := t.TempDir() + string(filepath.Separator)
	for _, file := range []string{
		"shop/Pack.yaml", "shop/values.yaml", "other/readme", "shop-1.0.0.tgz", "notes.txt", "apps/web/Pack.yaml", ".hidden/Pack.yaml",
	} {
		path := filepath.Join(top, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for title, test := range map[string]struct {
		typed string
		want  []string
	}{
		"all in a folder":        {"", []string{"apps/", "other/", "shop", "shop-1.0.0.tgz", noSpace}},
		"with a beginning":       {"sh", []string{"shop", "shop-1.0.0.tgz", filesToo}},
		"a folder on the way":    {"ap", []string{"apps/", noSpace}},
		"in a folder on the way": {"apps/", []string{"apps/web", filesToo}},
		"hidden ones":            {".h", []string{".hidden", filesToo}},
		"nothing of the name":    {"x", []string{noFiles}},
		"no such folder":         {"x/", []string{noFiles}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			want := slices.Clone(test.want)
			for i := range want[:len(want)-1] {
				want[i] = top + filepath.FromSlash(want[i])
			}
			for _, command := range []string{"install", "upgrade", "template"} {
				got := completions(t, command, "--kubeconfig", os.DevNull, "name", top+filepath.FromSlash(test.typed))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", command, diff)
				}
			}
		})
	}
}

// They are offered as -s takes them: those of a chart with its name.
func completionsOfTemplates(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	chart := func(name string) string { return "{apiVersion: v2, name: " + name + ", version: 1.0.0}" }
	const pack = "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: shop, version: 1.0.0}\n"
	for file, text := range map[string]string{
		"shop/Pack.yaml": pack, "shop/templates/a.yaml": "", "shop/templates/_help.tpl": "", "shop/templates/NOTES.txt": "",
		"shop/packs/db/Pack.yaml": strings.Replace(pack, "shop", "db", 1), "shop/packs/db/templates/sub/b.yaml": "",
		"shop/packs/web/Chart.yaml": chart("web"), "shop/packs/web/templates/c.yaml": "", "shop/packs/web/crds/d.yaml": "",
		"web/Chart.yaml": chart("web"), "web/templates/a.yaml": "", "web/charts/db/Chart.yaml": chart("db"), "web/charts/db/templates/b.yaml": "",
		"wrong/Pack.yaml": "{",
	} {
		path := filepath.Join(top, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for typed, test := range map[string]struct {
		pack string
		want []string
	}{
		"":        {"shop", []string{"templates/a.yaml", "packs/db/templates/sub/b.yaml", "packs/web/templates/c.yaml", "packs/web/crds/d.yaml", noFiles}},
		"packs/d": {"shop", []string{"packs/db/templates/sub/b.yaml", noFiles}},
		"web/":    {"web", []string{"web/charts/db/templates/b.yaml", "web/templates/a.yaml", noFiles}},
		"t":       {"wrong", []string{noFiles}},
	} {
		if diff := cmp.Diff(test.want, completions(t, "template", "name", filepath.Join(top, test.pack), "-s", typed)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", typed, diff)
		}
	}
}

func completionsOfTheKubeconfig(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config")
	text := `{apiVersion: v1, kind: Config, contexts: [{name: two, context: {}}, {name: one, context: {}}, {name: other, context: {}}],
clusters: [{name: c, cluster: {}}], users: [{name: u, user: {}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, want := range map[string][]string{
		"--context=":  {"one", "other", "two", noFiles},
		"--context=o": {"one", "other", noFiles},
		"--cluster=":  {"c", noFiles},
		"--user=":     {"u", noFiles},
	} {
		if diff := cmp.Diff(want, completions(t, "list", "--kubeconfig", file, flag)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", flag, diff)
		}
	}
}

func completionsWithoutAServer(t *testing.T) {
	t.Parallel()
	for title, args := range map[string][]string{
		"a release":          {"status", ""},
		"a revision":         {"rollback", "a", ""},
		"a revision of none": {"status", "A", "--revision="},
		"tests":              {"test", "a", "--filter", "name="},
		"namespaces":         {"list", "-n", ""},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got := completions(t, slices.Concat(args[:1], []string{"--kubeconfig", os.DevNull, "--server", "http://127.0.0.1:1"}, args[1:])...)
			if diff := cmp.Diff([]string{noFiles}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Flags whose values are free: numbers, durations, texts, names that nobody knows.
func free() []string {
	return []string{
		"api-versions", "as", "as-group", "as-uid", "as-user-extra", "description", "history-max", "kube-version", "lock-timeout", "max",
		"password", "proxy-url", "request-timeout", "selector", "server", "set", "set-file", "set-json", "set-string", "timeout", "tls-server-name", "token",
		"username", "v",
	}
}

func everyFlagCompletes(t *testing.T) {
	t.Parallel()
	root := plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard(), plugin.Build{})
	seen := map[string]bool{}
	for _, command := range commands(t) {
		same, _, err := root.Find(strings.Fields(strings.TrimPrefix(command.CommandPath(), "kubectl sherpack")))
		if err != nil {
			t.Fatal(err)
		}
		check := func(flag *pflag.Flag) {
			if flag.NoOptDefVal == "true" || flag.Name == "help" {
				return
			}
			_, completes := same.GetFlagCompletionFunc(flag.Name)
			if slices.Contains(free(), flag.Name) {
				seen[flag.Name] = true
			} else if !completes {
				t.Errorf("%s: --%s does not complete", command.CommandPath(), flag.Name)
			}
		}
		same.Flags().VisitAll(check)
		same.PersistentFlags().VisitAll(check)
	}
	for _, name := range free() {
		if !seen[name] {
			t.Errorf("there is no flag --%s", name)
		}
	}
}
