package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

//nolint:gochecknoglobals // A flag of the test program.
var instants = flag.Int("instants", 10, "how many instants the test tries at which a command is killed; 0 means all")

const killedPack = "testdata/packs/killed"

// instant is when a command is killed: before or after its request of a number. elsewhere says that it is on another machine
// than the next one.
type instant struct {
	operation string
	request   int
	after     bool
	elsewhere bool
}

func (i instant) String() string {
	when, where := "before", ""
	if i.after {
		when = "after"
	}
	if i.elsewhere {
		where = " elsewhere"
	}
	return fmt.Sprintf("%s/%s request %d%s", i.operation, when, i.request, where)
}

// A command that is killed at any instant leaves nothing that the plain next one does not mend. With -instants=0 all
// instants are tried: every request of every operation, before and after the API server has had it. Every fourth time the
// command that is killed is on another machine.
func TestACommandMayBeKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	var all []instant
	for _, operation := range []string{"install", "upgrade", "rollback", "uninstall"} {
		bench := newKillBench(t)
		bench.before(t, operation)
		requests := bench.count(t, operation)
		if requests < 10 {
			t.Fatalf("%s took %d requests", operation, requests)
		}
		for request := 1; request <= requests; request++ {
			all = append(all, instant{operation: operation, request: request}, instant{operation: operation, request: request, after: true})
		}
	}
	for i, instant := range sample(t, all, *instants) {
		instant.elsewhere = i%4 == 0
		t.Run(instant.String(), func(t *testing.T) {
			t.Parallel()
			newKillBench(t).try(t, instant)
		})
	}
}

// killBench is where a command is killed.
type killBench struct{ *bench }

func newKillBench(t *testing.T) *killBench {
	t.Helper()
	return &killBench{&bench{session: newSession(t), home: t.TempDir()}}
}

// before makes what an operation needs.
func (b *killBench) before(t *testing.T, operation string) {
	t.Helper()
	if operation == "install" {
		return
	}
	b.must(t, "install", killedPack, "--no-hooks", "--set", "text=one")
	if operation == "rollback" {
		b.must(t, "upgrade", killedPack, "--no-hooks", "--set", "text=two")
	}
}

func args(operation string) []string {
	switch operation {
	case "install", "upgrade":
		return []string{operation, "app", killedPack, "--wait", "--set", "text=two"}
	}
	return []string{operation, "app", "--wait"}
}

// count returns how many requests an operation takes that nothing happens to.
func (b *killBench) count(t *testing.T, operation string) int {
	t.Helper()
	counter := &counter{}
	b.proxy.Intercept(counter.intercept)
	defer b.proxy.Intercept(nil)
	if code, out := b.command(t, args(operation)...); code != 0 {
		t.Fatalf("%s: exit code %d: %s", operation, code, out)
	}
	return counter.seen
}

// counter counts requests, and does something at one of them.
type counter struct {
	mu   sync.Mutex
	seen int
	// at is the number of the request; 0 is none.
	at          int
	before, end func()
	// elsewhere has the client look as if it were on another machine.
	elsewhere bool
}

func (c *counter) intercept(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	if c.elsewhere {
		if err := moveElsewhere(request); err != nil {
			return nil, err
		}
	}
	if request.Method == http.MethodPut && strings.Contains(request.URL.Path, "/leases/") {
		// Renewals come with the time.
		return upstream.RoundTrip(request)
	}
	c.mu.Lock()
	c.seen++
	now := c.seen == c.at
	c.mu.Unlock()
	if now && c.before != nil {
		c.before()
		return nil, errors.New("the client is dead")
	}
	response, err := upstream.RoundTrip(request)
	if now && c.end != nil {
		c.end()
	}
	return response, err
}

// try kills a command at an instant, runs the plain next one, and looks at what there is.
func (b *killBench) try(t *testing.T, instant instant) {
	t.Helper()
	b.before(t, instant.operation)
	witness := newWitness(t, b.namespace)
	b.kill(t, instant)
	killed := time.Now()
	left := b.jobs(t)
	next := instant.operation
	if next == "rollback" {
		next = "upgrade"
	}
	if instant.elsewhere {
		b.isLocked(t, killed, args(next))
	}
	code, out := b.command(t, append(args(next), "--lock-timeout=1m")...)
	if next == "uninstall" && code == 1 && strings.Contains(out, "not found") {
		code = 0
	}
	switch {
	case next == "install" && code == 1 && strings.Contains(out, "is already installed"):
	case code != 0:
		t.Errorf("the next command: exit code %d: %s", code, out)
	case next != "uninstall":
		witness.awaitNew(t, left)
	}
	if next != "uninstall" {
		b.checkDeployed(t)
		b.must(t, "uninstall", "--wait", "--lock-timeout=1m")
	}
	if left := b.kubectl(t, "get", "configmaps,secrets,deployments,jobs,leases,pods", "-o", "name"); strings.TrimSpace(left) != "configmap/kube-root-ca.crt" {
		t.Errorf("there is left:\n%s", left)
	}
	witness.check(t)
}

// kill runs an operation and kills it at an instant.
func (b *killBench) kill(t *testing.T, instant instant) {
	t.Helper()
	b.killAt(t, instant, args(instant.operation))
}

// killAt runs a command and kills it at an instant.
func (b *killBench) killAt(t *testing.T, instant instant, args []string) {
	t.Helper()
	command := exec.Command(program(t), append(args, "--kubeconfig", b.kubeconfig, "--namespace", b.namespace)...)
	command.Env = append(os.Environ(), "HOME="+b.home)
	kill := func() { _ = command.Process.Kill() }
	counter := &counter{at: instant.request, before: kill, elsewhere: instant.elsewhere}
	if instant.after {
		counter.before, counter.end = nil, kill
	}
	b.proxy.Intercept(counter.intercept)
	defer b.proxy.Intercept(nil)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
}

// isLocked checks that a command which was killed on another machine, where its lease is left, still has the lock: nobody here
// can tell that it is dead.
func (b *killBench) isLocked(t *testing.T, killed time.Time, args []string) {
	t.Helper()
	if b.kubectl(t, "get", "leases", "-o", "name") == "" {
		return
	}
	// The lease expires 15 s after it was renewed last, which was some seconds before the command was killed.
	const surelyHeld = 10 * time.Second
	code, out := b.command(t, args...)
	if code == 1 && strings.Contains(out, "is already installed") {
		// It was killed when all was done; that is found before the lock is asked for.
		return
	}
	if code != 5 || !strings.Contains(out, ` on "elsewhere" (`) {
		// A machine that is busy may let it grow old.
		if time.Since(killed) < surelyHeld {
			t.Errorf("after %s: exit code %d: %s", time.Since(killed), code, out)
		}
	}
}

// checkDeployed checks that the newest revision is deployed, that no other is, and that the numbers have no gap.
func (b *killBench) checkDeployed(t *testing.T) {
	t.Helper()
	revisions := strings.Split(b.revisions(t), ", ")
	deployed := 0
	for i, revision := range revisions {
		number, phase, _ := strings.Cut(revision, " ")
		if number != fmt.Sprint(i+1) || strings.HasPrefix(phase, "pending") {
			t.Errorf("revisions: %v", revisions)
		}
		if phase == "deployed" {
			deployed++
		}
	}
	if deployed != 1 || !strings.HasSuffix(revisions[len(revisions)-1], " deployed") {
		t.Errorf("revisions: %v", revisions)
	}
	if text := b.kubectl(t, "get", "configmap", "app", "-o", "jsonpath={.data.text}"); text != "two" {
		t.Errorf("the content is %q", text)
	}
	if left := b.kubectl(t, "get", "configmaps", "-o", "name"); strings.Contains(left, "configmap/only-one") {
		t.Error("what has left the pack is still there")
	}
}

// witness watches the Pods of hooks, past any proxy.
type witness struct {
	done    chan struct{}
	stop    context.CancelFunc
	overlap []string

	mu sync.Mutex
	// succeeded are the Pods that have, by the names of their Jobs, and jobs the UIDs of these by Pod; news has a value when
	// there are more.
	succeeded map[string]map[types.UID]bool
	jobs      map[types.UID]types.UID
	news      chan struct{}
}

func newWitness(t *testing.T, namespace string) *witness {
	t.Helper()
	client, err := kubernetes.NewForConfig(clustertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	changes, err := client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name"})
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{
		done: make(chan struct{}), stop: stop, news: make(chan struct{}, 1),
		succeeded: map[string]map[types.UID]bool{}, jobs: map[types.UID]types.UID{},
	}
	t.Cleanup(stop)
	go w.watch(changes)
	return w
}

// watch notes when Pods of two hooks run at the same time.
func (w *witness) watch(changes watch.Interface) {
	defer close(w.done)
	running := map[types.UID]string{}
	for event := range changes.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok {
			continue
		}
		delete(running, pod.UID)
		if event.Type != watch.Deleted && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			running[pod.UID] = pod.Name
		}
		if len(running) > 1 {
			w.overlap = append(w.overlap, fmt.Sprint(running))
		}
		if pod.Status.Phase == corev1.PodSucceeded {
			w.note(pod)
		}
	}
}

func (w *witness) note(pod *corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	job := pod.Labels["batch.kubernetes.io/job-name"]
	if w.succeeded[job] == nil {
		w.succeeded[job] = map[types.UID]bool{}
	}
	w.succeeded[job][pod.UID] = true
	if owner := metav1.GetControllerOf(pod); owner != nil {
		w.jobs[pod.UID] = owner.UID
	}
	select {
	case w.news <- struct{}{}:
	default:
	}
}

func (w *witness) check(t *testing.T) {
	t.Helper()
	w.stop()
	<-w.done
	if len(w.overlap) > 0 {
		t.Errorf("hooks ran at the same time: %v", slices.Compact(w.overlap))
	}
}
