// Package e2e runs the built program as a user does, against a real API server. The scripts in testdata/scripts read like
// a shell session; each has a namespace of its own, and all its requests go through a proxy that keeps a record of them.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/scripts/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			session := newSession(t)
			testscript.Run(t, testscript.Params{
				Files:               []string{script},
				Setup:               session.setup,
				RequireExplicitExec: true,
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"exits": exits, "writes": session.writes, "expand": expand,
				},
			})
		})
	}
}

// session is a place to run commands in: a namespace, and a proxy in front of the API server.
type session struct {
	namespace  string
	proxy      *proxy.Proxy
	kubeconfig string
	path       string
}

func newSession(t *testing.T) *session {
	t.Helper()
	record := proxy.Start(t, clustertest.Config(t))
	return &session{
		namespace: clustertest.Namespace(t), proxy: record, kubeconfig: record.Kubeconfig(t),
		path: strings.Join([]string{filepath.Dir(program(t)), filepath.Dir(clustertest.Kubectl(t)), os.Getenv("PATH")}, string(os.PathListSeparator)),
	}
}

// setup gives a script its environment: kubectl and the plugin on PATH, the cluster and the namespace as kubectl's
// current ones, and the packs of testdata and of the examples.
func (s *session) setup(env *testscript.Env) error {
	for _, folder := range []string{"testdata/packs", "../../examples"} {
		if err := os.CopyFS(filepath.Join(env.WorkDir, filepath.Base(folder)), os.DirFS(folder)); err != nil {
			return err
		}
	}
	env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "kubeconfig"))
	env.Setenv("NAMESPACE", s.namespace)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("PATH", s.path)
	if err := writeHostileArchive(filepath.Join(env.WorkDir, "hostile.tgz")); err != nil {
		return err
	}
	config, err := clientcmd.LoadFromFile(s.kubeconfig)
	if err != nil {
		return err
	}
	config.Contexts[config.CurrentContext].Namespace = s.namespace
	if err := clientcmd.WriteToFile(*config, filepath.Join(env.WorkDir, "kubeconfig")); err != nil {
		return err
	}
	s.proxy.Reset()
	return nil
}

// exits runs a command and checks its exit code: exits 6 kubectl sherpack install myapp packs/webapp. The plugin is run as
// kubectl does it, without starting kubectl for that each time; exec starts it.
func exits(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		script.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	script.Check(err)
	command := args[1:]
	if len(command) > 1 && command[0] == "kubectl" && command[1] == "sherpack" {
		command = append([]string{"kubectl-sherpack"}, command[2:]...)
	}
	got := 0
	if err := script.Exec(command[0], command[1:]...); err != nil {
		status, ok := err.(*exec.ExitError) //nolint:errorlint // Exec returns it as it is.
		if !ok {
			script.Fatalf("running %s: %v", command[0], err)
		}
		got = status.ExitCode()
	}
	if got != want {
		script.Fatalf("exit code %d, want %d", got, want)
	}
}

// writes checks that a script has sent requests that write, but for the lock; "! writes" that it has not.
func (s *session) writes(script *testscript.TestScript, negated bool, _ []string) {
	found := slices.DeleteFunc(s.proxy.Writes(), func(r proxy.Request) bool { return strings.Contains(r.Path, "/leases") })
	if negated == (len(found) > 0) {
		script.Fatalf("%d requests that write: %v", len(found), found)
	}
}

// expand replaces environment variables in files.
func expand(script *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(script.ReadFile(name), script.Getenv)
		script.Check(os.WriteFile(script.MkAbs(name), []byte(text), 0o600))
	}
}

// program returns the path of the program, which is built once.
func program(t *testing.T) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder(), "kubectl-sherpack")
}

// folder is where the program is built to, for this process alone.
func folder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("kubectl-sherpack-e2e-%d", os.Getpid()))
}

//nolint:gochecknoglobals // All tests of the process share one build.
var build = sync.OnceValue(func() error {
	command := exec.Command("go", "build", "-o", folder()+string(filepath.Separator), "../../cmd/kubectl-sherpack")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w: %s", err, output)
	}
	return nil
})

func TestMain(m *testing.M) {
	// These tests wait for the cluster most of the time, however few processors there are.
	const atOnce = 8
	_ = flag.Set("test.parallel", strconv.Itoa(max(atOnce, runtime.GOMAXPROCS(0))))
	flag.Parse()
	m.Run()
	_ = os.RemoveAll(folder())
}
