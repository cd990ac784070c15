package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

const (
	// soon is when a command that need not finish anything has ended, on the slowest machine. What it is at would take longer.
	soon = 30 * time.Second
	// slow is a template that takes a minute, as long as any may, once lookup has not found something.
	slow = `{{- if eq (len (lookup "v1" "ConfigMap" release.namespace "fast")) 0 }}{{ $text := repeat 1000000 "x" }}{{ range until 500000 }}{{ $_ := sha256sum $text }}{{ end }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata: {name: app}
`
	// branching is a schema whose check takes twice as long for each level of the values.
	branching = `{"$defs": {"level": {"anyOf": [
		{"properties": {"a": {"$ref": "#/$defs/level"}}, "required": ["none"]},
		{"properties": {"a": {"$ref": "#/$defs/level"}}, "required": ["nothing"]}]}}, "$ref": "#/$defs/level"}`
)

// writePack writes a pack of one template, with a schema of its values unless that is "".
func writePack(t *testing.T, template, schema string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "pack")
	write(t, filepath.Join(folder, "Pack.yaml"), "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: pack, version: 1.0.0}\n")
	write(t, filepath.Join(folder, "templates", "all.yaml"), template)
	if schema != "" {
		write(t, filepath.Join(folder, "values.schema.json"), schema)
	}
	return folder
}

// pipe makes a named pipe. What opens it for writing waits until a command reads from it.
func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "values")
	if output, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return path
}

// Until a command has taken the lock there is nothing to finish and nothing to record: Ctrl-C and SIGTERM end it, also where
// it is at something that does not notice.
func TestAnInterruptEndsWhatHasNotBegun(t *testing.T) {
	t.Parallel()
	const regular = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n"
	for name, reach := range map[string]func(*testing.T, *begun){
		"values from standard input": func(t *testing.T, b *begun) {
			b.run(t, "install", "app", writePack(t, regular, ""), "-f", "-")
			// More than a pipe holds, so that some of it has been read.
			if _, err := io.WriteString(b.stdin, strings.Repeat("# nothing\n", 20_000)); err != nil {
				t.Fatal(err)
			}
		},
		"values from a pipe": func(t *testing.T, b *begun) {
			path := pipe(t)
			b.run(t, "install", "app", writePack(t, regular, ""), "-f", path)
			b.open(t, path)
		},
		"a schema": func(t *testing.T, b *begun) {
			path := pipe(t)
			b.run(t, "install", "app", writePack(t, regular, branching), "-f", path)
			b.feed(t, b.open(t, path), strings.Repeat("{a: ", 60)+"1"+strings.Repeat("}", 60))
		},
		"a template": func(t *testing.T, b *begun) {
			pack := writePack(t, slow, "")
			b.run(t, "install", "app", pack)
			b.answered(t, "/configmaps/fast", 1)
		},
		"discovery": func(t *testing.T, b *begun) {
			b.session.run(t, "install", "app", writePack(t, regular, ""))
			b.proxy.Reset()
			asked := make(chan struct{}, 100)
			b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
				if request.URL.Path != "/api" && request.URL.Path != "/apis" {
					return upstream.RoundTrip(request)
				}
				asked <- struct{}{}
				<-b.free
				return upstream.RoundTrip(request)
			})
			b.run(t, "uninstall", "app")
			<-asked
		},
	} {
		for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
			t.Run(name+"/"+signal.String(), func(t *testing.T) {
				t.Parallel()
				b := &begun{session: newSession(t), free: make(chan struct{})}
				t.Cleanup(func() { close(b.free) })
				reach(t, b)
				if got, said := b.interrupt(t, signal); got != code || said != "error: interrupted\n" {
					t.Errorf("exit code %d: %s", got, said)
				}
				if found := b.changes(); len(found) > 0 {
					t.Errorf("it has changed something: %v", found)
				}
			})
		}
	}
}

// feed writes all of a pipe's text and closes it.
func (b *begun) feed(t *testing.T, pipe io.WriteCloser, text string) {
	t.Helper()
	if _, err := io.WriteString(pipe, text); err != nil {
		t.Fatal(err)
	}
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
}

// begun is a command that has begun, and a place for it.
type begun struct {
	*session
	command *exec.Cmd
	stdin   io.WriteCloser
	stderr  strings.Builder
	// free ends what is held back in the proxy.
	free chan struct{}
}

// run begins a command.
func (b *begun) run(t *testing.T, args ...string) {
	t.Helper()
	b.command = exec.Command(program(t), append(args, "--kubeconfig", b.kubeconfig, "--namespace", b.namespace)...)
	b.command.Env = append(os.Environ(), "HOME="+t.TempDir())
	b.command.Stderr = &b.stderr
	stdin, err := b.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.stdin = stdin
	if err := b.command.Start(); err != nil {
		t.Fatal(err)
	}
}

// open opens a named pipe, which stays open until the test ends.
func (b *begun) open(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// answered waits until so many requests to a path have been answered.
func (b *begun) answered(t *testing.T, suffix string, times int) {
	t.Helper()
	answered := func(context.Context) (bool, error) {
		found := slices.DeleteFunc(b.proxy.Requests(), func(r proxy.Request) bool { return !strings.HasSuffix(r.Path, suffix) || r.End.IsZero() })
		return len(found) >= times, nil
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, 2*time.Minute, true, answered); err != nil {
		t.Fatalf("waiting for a request to %s: %v: %s", suffix, err, b.stderr.String())
	}
}

// interrupt sends a signal to the command, and returns how it ended, which it does soon.
func (b *begun) interrupt(t *testing.T, signal os.Signal) (code int, said string) {
	t.Helper()
	if err := b.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	var late atomic.Bool
	limit := time.AfterFunc(soon, func() {
		late.Store(true)
		_ = b.command.Process.Kill()
	})
	defer limit.Stop()
	code = exitCode(t, b.command.Wait())
	if late.Load() {
		t.Errorf("it has not ended after %s", soon)
	}
	return code, b.stderr.String()
}

// A command that holds the lock may have to plan again, because another one was killed. Ctrl-C ends that, and the lock is given
// up.
func TestAnInterruptWhileItIsPlannedAgainGivesTheLockUp(t *testing.T) {
	t.Parallel()
	b := &begun{session: newSession(t)}
	b.run(t, "install", "app", stepsPack, "--set", "held=first")
	b.kubectl(t, "wait", "--for=create", "--timeout=2m", "job/app-first")
	if err := b.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = b.command.Wait()
	var asked atomic.Int32
	b.proxy.Reset()
	b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if strings.HasSuffix(request.URL.Path, "/configmaps/fast") && asked.Add(1) == 1 {
			return answer(request, http.StatusOK, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"fast","namespace":"`+b.namespace+`"}}`), nil
		}
		return upstream.RoundTrip(request)
	})
	b.run(t, "upgrade", "app", writePack(t, slow, ""), "--install", "--lock-timeout=1m")
	b.answered(t, "/configmaps/fast", 2)
	code, said := b.interrupt(t, syscall.SIGINT)
	if code != 130 || !strings.HasSuffix(said, "error: interrupted\n") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if left := b.kubectl(t, "get", "leases", "-o", "name"); left != "" {
		t.Errorf("it has left %s", left)
	}
	if phase, _ := b.session.run(t, "status", "app", "-o", "jsonpath={.spec.revision} {.status.phase}"); phase != "1 failed" {
		t.Errorf("the release is %s", phase)
	}
}

// --timeout is for the work: a person may take longer to answer.
func TestWhoAnswersMayTakeLongerThanTheTimeout(t *testing.T) {
	t.Parallel()
	b := newBench(t, failure{})
	definition := strings.ReplaceAll(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`, "GROUP", b.namespace+".example.com")
	b.must(t, "install", writePack(t, definition, ""))
	const timeout = 10 * time.Second
	renewals := b.renewals(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command, said := b.startWith(t, read, "uninstall", "app", "--delete-crds", "--wait", "--timeout", timeout.String())
	said.await(t, ": 0 objects")
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	var first, now time.Time
	for now.Sub(first) <= timeout {
		select {
		case now = <-renewals:
			if first.IsZero() {
				first = now
			}
		case err := <-ended:
			t.Fatalf("it did not wait for an answer: exit code %d: %s", exitCode(t, err), said.all())
		}
	}
	if _, err := write.WriteString("y\n"); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, <-ended); code != 0 {
		t.Fatalf("exit code %d: %s", code, said.all())
	}
}

// renewals are the times at which locks in the bench's namespace are renewed.
func (b *bench) renewals(t *testing.T) <-chan time.Time {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(clustertest.Config(t))
	leases, err := client.CoordinationV1().Leases(b.namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(leases.Stop)
	times := make(chan time.Time, 100)
	go func() {
		for change := range leases.ResultChan() {
			if change.Type != watch.Error {
				times <- time.Now()
			}
		}
		close(times)
	}()
	return times
}
