package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

const (
	lostPack   = "testdata/packs/lost"
	leaseOfApp = "sh.sherpack.release.v1.app"
)

// A command that was stopped, as by SIGSTOP or the sleep of a laptop, or that the API server was away from, for so long that
// another one has taken its lock over, ends as soon as it can know. It writes nothing from then on: no object, no record,
// nothing of --atomic. It says who has the lock, or what was done by who had it.
func TestACommandThatWasAwayTooLongWritesNothingMore(t *testing.T) {
	t.Parallel()
	const had, has = "another command had taken it over: revision 3 is deployed (upgrade)", ` has taken it over (upgrade, "pre-upgrade/other")`
	for name, test := range map[string]loss{
		"stopped in a wave":                         {in: "wave", says: had},
		"stopped in a hook":                         {in: "hook", values: ",hook=first", says: had},
		"stopped in a wait":                         {in: "wait", values: ",unready=true", says: had, taker: ",unready=true"},
		"stopped in a hook, the other still runs":   {in: "hook", values: ",hook=first", says: has, taker: ",hook=other"},
		"the API server is away while a hook runs":  {in: "hook", values: ",hook=first", says: had, outage: true},
		"the API server is away while it is waited": {in: "wait", values: ",unready=true", says: had, outage: true, taker: ",unready=true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newLossBench(t).lose(t, test)
		})
	}
}

// loss is how a command loses its lock.
type loss struct {
	// in is where it is then: in a wave, a hook or a wait. outage says that it does not reach the API server; else it is
	// stopped.
	in     string
	outage bool
	// values are what its pack has besides, and taker those of the command that takes the lock over.
	values, taker string
	// says is what it says in the end.
	says string
}

// lossBench is where a command loses its lock. All that others do goes past the command's proxy.
type lossBench struct {
	*bench
	others *bench
}

func newLossBench(t *testing.T) *lossBench {
	t.Helper()
	b := newBench(t, failure{})
	record := proxy.Start(t, clustertest.Config(t))
	others := *b.session
	others.proxy, others.kubeconfig = record, record.Kubeconfig(t)
	b.must(t, "install", lostPack)
	return &lossBench{bench: b, others: &bench{session: &others, home: t.TempDir()}}
}

// upgrade starts the upgrade that loses its lock.
func (b *lossBench) upgrade(t *testing.T, values string) (*exec.Cmd, *output) {
	t.Helper()
	command, said := b.start(t, "upgrade", "app", lostPack, "--atomic", "--timeout=2m", "--set", "text=late"+values)
	t.Cleanup(func() { _ = command.Process.Kill() })
	return command, said
}

func (b *lossBench) lose(t *testing.T, loss loss) {
	t.Helper()
	stopped := b.stopInWave(loss)
	command, said := b.upgrade(t, loss.values)
	switch loss.in {
	case "wave":
		stopped <- command.Process
		<-stopped
	case "hook":
		b.others.awaitHook(t, "first")
	case "wait":
		said.await(t, "waiting for ")
	}
	if loss.outage {
		b.proxy.Intercept(func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, proxy.ErrCut })
	} else if err := command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	finish := b.takeOver(t, loss)
	b.proxy.Reset()
	b.proxy.Intercept(leasesLast())
	if err := command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	b.ends(t, command, said, 5, loss.says)
	b.wroteNothing(t)
	finish()
	b.shows(t)
}

// stopInWave stops a command when it has applied the ConfigMap, where that is wanted. The channel takes its process, and then
// tells that it is stopped.
func (b *lossBench) stopInWave(loss loss) chan *os.Process {
	stopped := make(chan *os.Process)
	if loss.in != "wave" {
		return stopped
	}
	b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		response, err := upstream.RoundTrip(request)
		applies := request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, "/configmaps/app")
		if applies && !request.URL.Query().Has("dryRun") {
			process := <-stopped
			_ = process.Signal(syscall.SIGSTOP)
			close(stopped)
		}
		return response, err
	})
	return stopped
}

// awaitHook waits until the Pod of a hook runs.
func (b *bench) awaitHook(t *testing.T, name string) {
	t.Helper()
	b.awaitActive(t, "app-"+name)
}

// takeOver has another command take the lock over, and returns when that is done or, where it has a hook, runs. What it
// returns lets that come to its end.
func (b *lossBench) takeOver(t *testing.T, loss loss) (finish func()) {
	t.Helper()
	args := []string{"upgrade", "app", lostPack, "--lock-timeout=2m", "--set", "text=next" + loss.taker}
	if !strings.Contains(loss.taker, "hook") {
		if code, out := b.others.command(t, args...); code != 0 {
			t.Fatalf("the other command: exit code %d: %s", code, out)
		}
		return func() {}
	}
	known := leaseSays("pre-upgrade/other")
	b.others.proxy.Intercept(known.intercept)
	command, said := b.others.start(t, args...)
	t.Cleanup(func() { _ = command.Process.Kill() })
	b.others.awaitHook(t, "other")
	<-known.said
	return func() {
		b.others.endHook(t, "other")
		if code := exitCode(t, command.Wait()); code != 0 {
			t.Fatalf("the other command: exit code %d: %s", code, said.all())
		}
	}
}

// endHook lets a hook that runs come to its end.
func (b *bench) endHook(t *testing.T, name string) {
	t.Helper()
	b.kubectl(t, "annotate", "pods", "-l", "batch.kubernetes.io/job-name=app-"+name, "sim.sherpack.io/pending-")
}

// leaseWatch waits for a lease that says something.
type leaseWatch struct {
	text string
	once sync.Once
	said chan struct{}
}

func leaseSays(text string) *leaseWatch { return &leaseWatch{text: text, said: make(chan struct{})} }

func (w *leaseWatch) intercept(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	if !isLease(request) || request.Method != http.MethodPut {
		return upstream.RoundTrip(request)
	}
	body, err := taken(request)
	if err != nil {
		return nil, err
	}
	response, err := upstream.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusOK && bytes.Contains(body, []byte(w.text)) {
		w.once.Do(func() { close(w.said) })
	}
	return response, err
}

// leasesLast answers requests about leases only when the client had time for others, so that what it would write before it
// knows of its loss is seen.
func leasesLast() proxy.Interceptor {
	wrote := make(chan struct{}, 1)
	return func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if isLease(request) {
			select {
			case <-wrote:
			case <-time.After(time.Second):
			}
		} else if request.Method != http.MethodGet {
			select {
			case wrote <- struct{}{}:
			default:
			}
		}
		return upstream.RoundTrip(request)
	}
}

// ends waits for the end of a command that is to come soon, and checks its exit code and what it says last.
func (b *lossBench) ends(t *testing.T, command *exec.Cmd, said *output, code int, last string) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	const soon = 45 * time.Second
	select {
	case err := <-ended:
		text := said.all()
		if got := exitCode(t, err); got != code || !strings.Contains(text, last) {
			t.Errorf("exit code %d, said:\n%s", got, text)
		}
		if more := wayBack.FindString(text); more != "" {
			t.Errorf("it says %q:\n%s", more, text)
		}
	case <-time.After(soon):
		said.mu.Lock()
		defer said.mu.Unlock()
		t.Errorf("it goes on: %s", said.text.String())
	}
}

// wayBack is what is not said of work that another command has taken over.
var wayBack = regexp.MustCompile(`failed; |[Ww]ay back|back at|removed again`)

// wroteNothing checks that a command has only read, and asked for its lease in vain.
func (b *lossBench) wroteNothing(t *testing.T) {
	t.Helper()
	for _, r := range b.proxy.Requests() {
		asked := strings.Contains(r.Path, "/leases/") && r.Method == http.MethodPut && r.Status == http.StatusConflict
		if r.Method != http.MethodGet && !asked {
			t.Errorf("it has sent %s %s, answered with %d", r.Method, r.Path, r.Status)
		}
	}
}

// shows checks that the release is what another command has made of it, and that the record is whole.
func (b *lossBench) shows(t *testing.T) {
	t.Helper()
	if got := b.others.revisions(t); got != "1 superseded, 2 failed, 3 deployed" {
		t.Errorf("revisions: %s", got)
	}
	config := b.others.kubectl(t, "get", "configmap", "app", "-o", "jsonpath={.data.text}")
	web := b.others.kubectl(t, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].args[0]}")
	if config != "next" || web != "next" {
		t.Errorf("the ConfigMap says %q, the Deployment %q", config, web)
	}
	if left := b.others.kubectl(t, "get", "leases,jobs", "-o", "name"); left != "" {
		t.Errorf("there is left: %s", left)
	}
}

// elsewhere is a holder on another machine, as its lease shows it.
const elsewhere = `{"run":"another","operation":"rollback","step":"pre-rollback/x","host":"else\nwhere","pid":4711,"machine":"another boot","started":"1"}`

// takeElsewhere makes of a lease one that a command on another machine has taken over.
func takeElsewhere(ctx context.Context, client kubernetes.Interface, namespace string) error {
	patch, err := json.Marshal(map[string]any{
		"spec":     map[string]any{"holderIdentity": "another"},
		"metadata": map[string]any{"annotations": map[string]string{"sherpack.io/holder": elsewhere}},
	})
	if err != nil {
		return err
	}
	_, err = client.CoordinationV1().Leases(namespace).Patch(ctx, leaseOfApp, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

const saysElsewhere = `process 4711 on "else\nwhere"`

// A lock that a command on another machine has, and keeps, is left to that.
func TestALockThatAnotherMachineHasTaken(t *testing.T) {
	t.Parallel()
	b := newLossBench(t)
	command, said := b.upgrade(t, ",hook=first")
	b.others.awaitHook(t, "first")
	if err := takeElsewhere(t.Context(), clientset(t), b.namespace); err != nil {
		t.Fatal(err)
	}
	b.proxy.Reset()
	b.ends(t, command, said, 5, saysElsewhere+` has taken it over (rollback, "pre-rollback/x")`)
	b.wroteNothing(t)
	if code, out := b.others.command(t, "upgrade", "app", lostPack, "--set", "text=next"); code != 5 || !strings.Contains(out, " is locked by "+saysElsewhere) {
		t.Errorf("exit code %d: %s", code, out)
	}
	b.others.kubectl(t, "delete", "lease", leaseOfApp)
	b.others.must(t, "upgrade", lostPack, "--set", "text=next")
	b.shows(t)
}

// A process number of another machine means nothing here: that none has it is no reason to take its lock, young as it is.
func TestALockOfAnotherMachineIsLeftToIt(t *testing.T) {
	t.Parallel()
	const none = `"pid":1073741824`
	b, client := newLossBench(t), clientset(t)
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: leaseOfApp, Annotations: map[string]string{"sherpack.io/holder": strings.Replace(elsewhere, `"pid":4711`, none, 1)}},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: ptr.To("another")},
	}
	made, err := client.CoordinationV1().Leases(b.namespace).Create(t.Context(), lease, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The server's time stands still, so that the lease stays young on a machine that is busy.
	b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		response, err := upstream.RoundTrip(request)
		if err == nil {
			response.Header.Set("Date", made.CreationTimestamp.UTC().Format(http.TimeFormat))
		}
		return response, err
	})
	if code, out := b.command(t, "upgrade", "app", lostPack); code != 5 || !strings.Contains(out, ` is locked by process 1073741824 on "else`) {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// A lock that was taken over at the moment in which it was given up belongs to its new holder.
func TestALockThatIsTakenWhileItIsGivenUp(t *testing.T) {
	t.Parallel()
	b, client := newLossBench(t), clientset(t)
	b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if isLease(request) && request.Method == http.MethodDelete {
			if err := takeElsewhere(request.Context(), client, b.namespace); err != nil {
				return nil, err
			}
		}
		return upstream.RoundTrip(request)
	})
	b.must(t, "upgrade", lostPack, "--set", "text=next")
	if code, out := b.others.command(t, "upgrade", "app", lostPack); code != 5 || !strings.Contains(out, " is locked by "+saysElsewhere) {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// A lease that somebody has deleted is made again, and the work goes on, unless another command has worked on the release
// meanwhile.
func TestALeaseIsDeletedUnderACommand(t *testing.T) {
	t.Parallel()
	t.Run("and nobody was there", func(t *testing.T) {
		t.Parallel()
		b := newLossBench(t)
		command, said := b.upgrade(t, ",hook=first")
		b.others.awaitHook(t, "first")
		b.others.kubectl(t, "delete", "lease", leaseOfApp)
		b.others.kubectl(t, "wait", "--for=create", "--timeout=1m", "lease/"+leaseOfApp)
		if code, out := b.others.command(t, "upgrade", "app", lostPack); code != 5 || !strings.Contains(out, "is locked by process ") {
			t.Errorf("exit code %d: %s", code, out)
		}
		b.others.endHook(t, "first")
		b.ends(t, command, said, 0, "pre-upgrade/first: Succeeded")
		if got := b.others.revisions(t); got != "1 superseded, 2 deployed" {
			t.Errorf("revisions: %s", got)
		}
	})
	t.Run("and another command was there", func(t *testing.T) {
		t.Parallel()
		b := newLossBench(t)
		command, said := b.upgrade(t, ",hook=first")
		b.others.awaitHook(t, "first")
		// It does not renew before the other command has come and gone.
		gone := make(chan struct{})
		b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
			if isLease(request) {
				<-gone
			}
			return upstream.RoundTrip(request)
		})
		b.others.kubectl(t, "delete", "lease", leaseOfApp)
		b.others.must(t, "upgrade", lostPack, "--set", "text=next")
		close(gone)
		b.ends(t, command, said, 5, "another command had taken it over: ")
		b.shows(t)
	})
}

// A write that hangs on its way does not arrive any more when another command can have taken the lock over.
func TestAWriteThatHangsIsEndedBeforeTheLockIsTakenOver(t *testing.T) {
	t.Parallel()
	b := newLossBench(t)
	late := newLateWrite()
	b.proxy.Intercept(late.intercept)
	command, said := b.upgrade(t, "")
	<-late.held
	known := leaseSays("sherpack.io/holder")
	b.others.proxy.Intercept(known.intercept)
	go func() {
		<-known.said
		close(late.taken)
	}()
	b.others.must(t, "upgrade", lostPack, "--lock-timeout=2m", "--set", "text=next")
	b.proxy.Reset()
	b.proxy.Intercept(leasesLast())
	close(late.over)
	b.ends(t, command, said, 5, "another command had taken it over: revision 3 is deployed (upgrade)")
	b.wroteNothing(t)
	b.shows(t)
	if late.arrived.Load() {
		t.Error("what the first command wrote has arrived after the second had taken the lock over")
	}
}

// lateWrite holds the apply of the Deployment until the lock was taken over, and everything about leases until all is over.
type lateWrite struct {
	once        sync.Once
	held        chan struct{}
	taken, over chan struct{}
	arrived     atomic.Bool
}

func newLateWrite() *lateWrite {
	return &lateWrite{held: make(chan struct{}), taken: make(chan struct{}), over: make(chan struct{})}
}

func (l *lateWrite) intercept(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	select {
	case <-l.held:
		if isLease(request) {
			<-l.over
		}
		return upstream.RoundTrip(request)
	default:
	}
	applies := request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, "/deployments/web") && !request.URL.Query().Has("dryRun")
	if !applies {
		return upstream.RoundTrip(request)
	}
	// The end of the client is only seen when it has nothing more to send.
	if _, err := taken(request); err != nil {
		return nil, err
	}
	l.once.Do(func() { close(l.held) })
	select {
	case <-request.Context().Done():
		return nil, proxy.ErrCut
	case <-l.taken:
	}
	l.arrived.Store(true)
	return upstream.RoundTrip(request)
}

func clientset(t *testing.T) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(clustertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return client
}
