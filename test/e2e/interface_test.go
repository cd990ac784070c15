package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// commandLine is one of a command that asks the cluster.
type commandLine struct {
	line string
	// plans says that it runs a plan, unless --dry-run says otherwise.
	plans bool
	// fails says that the release is none for it, which all flags tell alike.
	fails bool
	// open says that whoever is authenticated may do it.
	open bool
	// silent says that it has no -o.
	silent bool
}

// verbs are by their names. PACK is a pack that is installed as app.
func verbs() map[string]commandLine {
	return map[string]commandLine{
		"install":      {line: "install new PACK", plans: true},
		"upgrade":      {line: "upgrade app PACK", plans: true},
		"rollback":     {line: "rollback app 1", plans: true},
		"uninstall":    {line: "uninstall app", plans: true},
		"test":         {line: "test app", plans: true},
		"resume":       {line: "resume app", fails: true},
		"adopt":        {line: "adopt app --from-helm", fails: true},
		"handover":     {line: "handover app --to-helm", fails: true},
		"status":       {line: "status app"},
		"list":         {line: "list"},
		"history":      {line: "history app"},
		"get values":   {line: "get values app"},
		"get manifest": {line: "get manifest app"},
		"get hooks":    {line: "get hooks app"},
		"get notes":    {line: "get notes app"},
		"logs":         {line: "logs app", silent: true},
		"diff":         {line: "diff app"},
		"version":      {line: "version", open: true},
		"lint":         {line: "lint PACK --use-cluster", open: true},
	}
}

// clusterless are the commands that ask no cluster.
func clusterless() []string {
	return []string{
		"completion", "completion install", "convert", "create", "dependency", "dependency build", "dependency list", "dependency update", "explain", "get", "images", "package", "show", "show metadata", "show readme", "show schema", "show values",
		"template",
	}
}

// Every command is in one of the two lists: a new one cannot be forgotten.
func TestEveryCommandIsTriedWithKubectlsFlags(t *testing.T) {
	t.Parallel()
	var found []string
	var visit func(command *cobra.Command)
	visit = func(command *cobra.Command) {
		for _, below := range command.Commands() {
			if below.IsAvailableCommand() {
				found = append(found, strings.TrimPrefix(below.CommandPath(), "kubectl sherpack "))
				visit(below)
			}
		}
	}
	visit(plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard(), plugin.Build{}))
	tried := append(slices.Collect(maps.Keys(verbs())), clusterless()...)
	slices.Sort(tried)
	slices.Sort(found)
	if !slices.Equal(tried, found) {
		t.Errorf("there are the commands\n%q, and tried are\n%q", found, tried)
	}
}

// desk is where command lines are tried: two kubeconfigs, of which the first has the cluster, and a second one that is out of reach,
// as its current context.
type desk struct {
	*session
	pack            string
	good, elsewhere string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{session: newSession(t)}
	d.pack = writePack(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ release.name }}'}\ndata: {a: b}\n---\n"+
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ release.name }}-check', annotations: {sherpack.io/hook: test}}\n", "")
	d.good = d.kubeconfig
	config, err := clientcmd.LoadFromFile(d.good)
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts["here"] = config.Contexts[config.CurrentContext]
	config.Clusters["elsewhere"] = &clientcmdapi.Cluster{Server: "http://127.0.0.1:1"}
	config.Contexts["elsewhere"] = &clientcmdapi.Context{Cluster: "elsewhere"}
	config.CurrentContext = "elsewhere"
	d.elsewhere = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, d.elsewhere); err != nil {
		t.Fatal(err)
	}
	d.run(t, "install", "app", d.pack)
	return d
}

// try runs a command line with a kubeconfig in the environment.
func (d *desk) try(t *testing.T, kubeconfig, line string, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	args := append(strings.Fields(strings.ReplaceAll(line, "PACK", d.pack)), flags...)
	command := exec.CommandContext(t.Context(), program(t), args...)
	command.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG="+kubeconfig)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return code, out.String(), errs.String()
}

func TestKubectlsFlagsWorkOnEveryVerb(t *testing.T) {
	t.Parallel()
	for name, v := range verbs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			line := v.line
			if v.plans {
				line += " --dry-run=server"
			}
			namespace := "-n=" + d.namespace
			want, answer, said := d.try(t, d.good, line, namespace)
			if (want != 0) != v.fails {
				t.Fatalf("it ends with %d: %s", want, said)
			}
			same := func(title string, code int, stdout string) {
				if code != want || stable(stdout) != stable(answer) {
					t.Errorf("%s: it ends with %d and prints\n%s, and else with %d and\n%s", title, code, stdout, want, answer)
				}
			}
			code, stdout, _ := d.try(t, os.DevNull, line, namespace, "--kubeconfig", d.good)
			same("--kubeconfig", code, stdout)
			code, stdout, _ = d.try(t, d.elsewhere, line, namespace, "--context", "here")
			same("--context", code, stdout)
			if code, _, stderr := d.try(t, d.elsewhere, line, namespace, "--request-timeout=2s"); code != 5 {
				t.Errorf("--context is without effect: without it, it ends with %d: %s", code, stderr)
			}
			d.checkLimits(t, line, v.open)
			code, stdout, stderr := d.try(t, d.good, line, namespace, "-v=6")
			same("-v", code, stdout)
			if !strings.Contains(stderr, `verb="GET"`) {
				t.Errorf("-v=6 shows no requests: %s", stderr)
			}
			d.checkOutput(t, line, v, want)
		})
	}
}

// stable is a text without the ages in it.
func stable(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == ' ' {
			return -1
		}
		return r
	}, text)
}

// checkLimits tries the flags that make a command line fail.
func (d *desk) checkLimits(t *testing.T, line string, open bool) {
	t.Helper()
	namespace := "-n=" + d.namespace
	if code, _, stderr := d.try(t, d.good, line, namespace, "--request-timeout=1ns"); code != 5 {
		t.Errorf("--request-timeout: it ends with %d: %s", code, stderr)
	}
	code, _, stderr := d.try(t, d.good, line, namespace, "--as=nobody")
	if !open && (code != 5 || !strings.Contains(stderr, `User "nobody" cannot`)) {
		t.Errorf("--as: it ends with %d: %s", code, stderr)
	}
	if open && code != 0 {
		t.Errorf("--as: it ends with %d: %s", code, stderr)
	}
	if open {
		return
	}
	if code, _, stderr := d.try(t, d.good, line, "-n=kube-public"); code == 0 && !strings.HasPrefix(line, "list") && !strings.HasPrefix(line, "install") {
		t.Errorf("-n: it finds the release in every namespace: %s", stderr)
	}
}

// checkOutput tries -o.
func (d *desk) checkOutput(t *testing.T, line string, v commandLine, want int) {
	t.Helper()
	code, stdout, stderr := d.try(t, d.good, line, "-n="+d.namespace, "-o=json")
	switch {
	case v.silent && code != 2:
		t.Errorf("-o: it ends with %d, although it prints text alone: %s", code, stderr)
	case v.silent, want != 0:
	case code != want || !json.Valid([]byte(stdout)):
		t.Errorf("-o json: it ends with %d and prints %q, %s", code, stdout, stderr)
	}
}

// A dry run of either kind writes nothing.
func TestADryRunOfAnyVerbWritesNothing(t *testing.T) {
	t.Parallel()
	for name, v := range verbs() {
		if !v.plans {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			for _, kind := range []string{"client", "server"} {
				before := len(d.proxy.Requests())
				if code, _, stderr := d.try(t, d.good, v.line, "-n="+d.namespace, "--dry-run="+kind); code != 0 {
					t.Errorf("--dry-run=%s: it ends with %d: %s", kind, code, stderr)
				}
				for _, request := range d.proxy.Requests()[before:] {
					if writes(request) {
						t.Errorf("--dry-run=%s: %s %s", kind, request.Method, request.Path)
					}
				}
			}
		})
	}
}

// writes reports whether a request changes something.
func writes(request proxy.Request) bool {
	return request.Method != http.MethodGet && !request.DryRun && !strings.Contains(request.Path, "/selfsubject")
}
