package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// never is the time that tests wait for what must not take as long.
const never = time.Minute

func locks(t *testing.T, config *rest.Config, run string) *storage.Locks {
	t.Helper()
	found, _ := locksAndStore(t, config, run)
	return found
}

func locksAndStore(t *testing.T, config *rest.Config, run string) (*storage.Locks, *storage.Secrets) {
	t.Helper()
	store, err := storage.NewSecrets(config, run)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := storage.NewLocks(config, store)
	if err != nil {
		t.Fatal(err)
	}
	return locks, store
}

// line is a connection to the API server that can be cut.
type line struct {
	*rest.Config
	mu    sync.RWMutex
	isCut bool
}

func newLine(t *testing.T) *line {
	t.Helper()
	server := proxy.Start(t, clustertest.Config(t))
	l := &line{Config: server.Config()}
	server.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		l.mu.RLock()
		defer l.mu.RUnlock()
		if l.isCut {
			return nil, proxy.ErrCut
		}
		return upstream.RoundTrip(request)
	})
	return l
}

// cut cuts the line, or mends it. What is under way has arrived before.
func (l *line) cut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = cut
}

func acquire(t *testing.T, locks *storage.Locks, namespace string) *storage.Lock {
	t.Helper()
	lock, err := locks.Acquire(t.Context(), namespace, "shop", "upgrade", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Over a line that is cut it takes too long.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		_ = lock.Release(ctx)
	})
	return lock
}

func TestOneRunAtATimeHoldsALock(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	first, second := locks(t, clustertest.Config(t), "first"), locks(t, clustertest.Config(t), "second")
	lock := acquire(t, first, namespace)
	_, err := second.Acquire(t.Context(), namespace, "shop", "rollback", 0)
	var locked *storage.LockedError
	if !errors.As(err, &locked) || locked.Holder.Run != "first" || locked.Holder.PID != os.Getpid() || locked.Age > never {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"release " + namespace + "/shop is locked by process ", " (upgrade; last seen ", " ago)"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	// Another release is another lock.
	other, err := second.Acquire(t.Context(), namespace, "other", "install", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, held := range []*storage.Lock{lock, other} {
		if err := held.Release(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if acquire(t, second, namespace).Former != nil {
		t.Error("a lock that was released was not taken over from anybody")
	}
}

func TestALockIsWaitedFor(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	lock := acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
	done := make(chan error, 1)
	go func() {
		second, err := locks(t, clustertest.Config(t), "second").Acquire(t.Context(), namespace, "shop", "upgrade", never)
		if err == nil {
			err = second.Release(t.Context())
		}
		done <- err
	}()
	if err := lock.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAnInterruptEndsTheWaitForALock(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := locks(t, clustertest.Config(t), "second").Acquire(ctx, namespace, "shop", "upgrade", never); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// dated has an API server's clock go ahead of itself, so that what is fresh looks old; by 0, it does not tell the time.
func dated(t *testing.T, ahead time.Duration) *rest.Config {
	t.Helper()
	config := clustertest.Config(t)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(request)
			if err == nil {
				response.Header.Del("Date")
			}
			if err == nil && ahead > 0 {
				response.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			}
			return response, err
		})
	})
	return config
}

// A lock is taken over from a holder that was not seen to renew for five seconds, or for fifteen where nothing else tells
// the lock's age; from one that renews it never is, whatever the server's clock says.
func TestALockIsTakenOverFromWhoDoesNotRenewIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// ahead is as for dated, and silent whether the holder cannot renew.
		ahead  time.Duration
		silent bool
		taken  bool
		// least and most are how long it takes.
		least, most time.Duration
	}{
		"silent, and old by the server's clock":  {ahead: 20 * time.Second, silent: true, taken: true, least: 5 * time.Second, most: 7 * time.Second},
		"silent, and young by the server's":      {ahead: time.Second, silent: true, most: 2 * time.Second},
		"silent, and the server tells no time":   {silent: true, taken: true, least: 15 * time.Second, most: 19 * time.Second},
		"renewing, and old by the server's":      {ahead: 20 * time.Second, most: 4 * time.Second},
		"renewing, and the server tells no time": {most: 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace, line := clustertest.Namespace(t), newLine(t)
			first := acquire(t, locks(t, line.Config, "first"), namespace)
			line.cut(test.silent)
			start := time.Now()
			second, err := locks(t, dated(t, test.ahead), "second").Acquire(t.Context(), namespace, "shop", "rollback", 0)
			if (err == nil) != test.taken {
				t.Fatalf("got %v", err)
			}
			// A machine that is busy may take longer.
			if took, slack := time.Since(start), 10*time.Second; took < test.least || took > test.most+slack {
				t.Errorf("it took %s", took)
			}
			if test.taken {
				checkTakenOver(t, first, second, line)
			}
		})
	}
}

// checkTakenOver checks that the second holder of a lock knows of the first, and the first of the second: it writes no more,
// and leaves the lock to whom it belongs.
func checkTakenOver(t *testing.T, first, second *storage.Lock, line *line) {
	t.Helper()
	if second.Former == nil || second.Former.Run != "first" || second.Former.Operation != "upgrade" {
		t.Errorf("taken over from %+v", second.Former)
	}
	line.cut(false)
	select {
	case <-first.Lost():
	case <-time.After(never):
		t.Fatal("the loss was not noticed")
	}
	err := first.Await(t.Context())
	if !errors.Is(err, storage.ErrLockLost) || !strings.Contains(err.Error(), " has taken it over (rollback)") {
		t.Errorf("got %v", err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if err := second.Await(t.Context()); err != nil {
		t.Error(err)
	}
	if err := second.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// A lock that was taken over while its holder gave it up belongs to its new holder.
func TestGivingUpALockDoesNotGiveUpAnothers(t *testing.T) {
	t.Parallel()
	namespace, line := clustertest.Namespace(t), newLine(t)
	first := acquire(t, locks(t, line.Config, "first"), namespace)
	line.cut(true)
	second := acquire(t, locks(t, dated(t, 20*time.Second), "second"), namespace)
	line.cut(false)
	if err := first.Release(t.Context()); err != nil {
		t.Error(err)
	}
	var locked *storage.LockedError
	if _, err := acquireNow(t, namespace); !errors.As(err, &locked) || locked.Holder.Run != "second" {
		t.Errorf("the next gets %v", err)
	}
	if err := second.Await(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever took a lock over gives it up by deleting its lease. Where that is gone the lock is lost, unless nobody can have
// taken it over.
func TestAHolderWhoseLeaseIsGone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// silence is how long the holder could not renew.
		silence time.Duration
		// record is what another run has recorded meanwhile: a revision, or the end of the one there was.
		record string
		want   string
	}{
		"has lost it after ten seconds":                      {silence: 11 * time.Second, want: "its Lease is gone"},
		"has lost it where a revision was recorded":          {record: "made", want: "another command had taken it over: revision 2 is pending-upgrade (upgrade)"},
		"has lost it where the newest revision was recorded": {record: "written", want: "another command had taken it over: revision 1 is failed (install)"},
		"has lost it where the record was removed":           {record: "removed", want: "another command had taken it over: its record was removed"},
		"makes it again where nobody was there":              {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace, line := clustertest.Namespace(t), newLine(t)
			leases, store := locksAndStore(t, line.Config, "first")
			lock := acquire(t, leases, namespace)
			if _, err := store.History(t.Context(), namespace, "shop"); err != nil {
				t.Fatal(err)
			}
			own := stored(t, store, namespace, 1, release.PendingInstall)
			own.Status.Message = "by this run"
			if err := store.UpdateStatus(t.Context(), own); err != nil {
				t.Fatal(err)
			}
			line.cut(true)
			removed := removeLease(t, namespace)
			recordAs(t, test.record, namespace)
			awaitTime(test.silence)
			line.cut(false)
			if test.want == "" {
				awaitLease(t, namespace, removed)
				if err := lock.Await(t.Context()); err != nil {
					t.Error(err)
				}
				return
			}
			select {
			case <-lock.Lost():
			case <-time.After(never):
				t.Fatal("the loss was not noticed")
			}
			if err := lock.Err(); !errors.Is(err, storage.ErrLockLost) || !strings.HasSuffix(err.Error(), "/shop was lost: "+test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// stored records a revision.
func stored(t *testing.T, store *storage.Secrets, namespace string, revision int, phase release.Phase) *release.Release {
	t.Helper()
	r := release.New("shop", namespace, revision)
	r.Status.Phase, r.Status.Operation = phase, strings.TrimPrefix(string(phase), "pending-")
	if err := store.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// recordAs does to the record of the release what another run may do.
func recordAs(t *testing.T, what, namespace string) {
	t.Helper()
	_, other := locksAndStore(t, clustertest.Config(t), "other")
	switch what {
	case "made":
		stored(t, other, namespace, 2, release.PendingUpgrade)
	case "written":
		found, err := other.Get(t.Context(), namespace, "shop", 1)
		if err != nil {
			t.Fatal(err)
		}
		found.Status.Phase = release.Failed
		if err := other.UpdateStatus(t.Context(), found); err != nil {
			t.Fatal(err)
		}
	case "removed":
		if err := other.Drop(t.Context(), namespace, "shop"); err != nil {
			t.Fatal(err)
		}
	}
}

const leaseOfShop = "sh.sherpack.release.v1.shop"

// removeLease removes the lease of the release and returns its UID.
func removeLease(t *testing.T, namespace string) types.UID {
	t.Helper()
	leases := clientset(t).CoordinationV1().Leases(namespace)
	found, err := leases.Get(t.Context(), leaseOfShop, metav1.GetOptions{})
	if err == nil {
		err = leases.Delete(t.Context(), leaseOfShop, metav1.DeleteOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return found.UID
}

// awaitLease waits until there is a lease, which is not the one before.
func awaitLease(t *testing.T, namespace string, before types.UID) {
	t.Helper()
	changes, err := clientset(t).CoordinationV1().Leases(namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Stop()
	limit := time.After(never)
	for {
		select {
		case change := <-changes.ResultChan():
			if lease, ok := change.Object.(*coordinationv1.Lease); ok && lease.UID != before {
				return
			}
		case <-limit:
			t.Fatal("the lease was not made again")
		}
	}
}

// awaitRenewal waits until the lease of the release is renewed.
func awaitRenewal(t *testing.T, namespace string) {
	t.Helper()
	changes, err := clientset(t).CoordinationV1().Leases(namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Stop()
	for change := range changes.ResultChan() {
		if change.Type == watch.Modified {
			return
		}
	}
	t.Fatal("the watch has ended")
}

// awaitTime waits until a time has passed: there is nothing to see meanwhile.
func awaitTime(d time.Duration) { <-time.After(d) }

func clientset(t *testing.T) kubernetes.Interface {
	t.Helper()
	found, err := kubernetes.NewForConfig(clustertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestALockIsRenewedAndSaysWhatItsHolderIsAt(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	acquire(t, locks(t, clustertest.Config(t), "first"), namespace).At("pre-upgrade/migrate")
	changes, err := clientset(t).CoordinationV1().Leases(namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Stop()
	second := locks(t, clustertest.Config(t), "second")
	for {
		_, err := second.Acquire(t.Context(), namespace, "shop", "upgrade", 0)
		var locked *storage.LockedError
		if !errors.As(err, &locked) {
			t.Fatalf("got %v", err)
		}
		if locked.Holder.Step == "pre-upgrade/migrate" {
			return
		}
		<-changes.ResultChan()
	}
}

// A holder that cannot renew begins no write from ten seconds on, ends what it is writing at thirteen, and goes on when it
// can renew again.
func TestAHolderThatCannotRenewHesitates(t *testing.T) {
	t.Parallel()
	namespace, line := clustertest.Namespace(t), newLine(t)
	lock := acquire(t, locks(t, line.Config, "first"), namespace)
	var guard storage.Guard
	guard.Watch(lock)
	slow := proxy.Start(t, clustertest.Config(t))
	slow.Intercept(func(request *http.Request, _ http.RoundTripper) (*http.Response, error) {
		// The end of the client is only seen when it has nothing more to send.
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return nil, err
		}
		<-request.Context().Done()
		return nil, proxy.ErrCut
	})
	config := slow.Config()
	config.Wrap(guard.Wrap)
	guarded, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	awaitRenewal(t, namespace)
	line.cut(true)
	start, done := time.Now(), make(chan time.Duration, 1)
	go func() {
		_, _ = guarded.CoreV1().ConfigMaps(namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, metav1.CreateOptions{})
		done <- time.Since(start)
	}()
	for err = nil; err == nil && time.Since(start) < never; {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		err = lock.Await(ctx)
		cancel()
	}
	// It has just been renewed.
	if took := time.Since(start); took < 8*time.Second || took > 12*time.Second {
		t.Errorf("hesitated after %s", took)
	}
	if took := <-done; took < 11*time.Second || took > 15*time.Second {
		t.Errorf("what was being written ended after %s", took)
	}
	line.cut(false)
	if err := lock.Await(t.Context()); err != nil {
		t.Error(err)
	}
}

// What is guarded is not written once the lock is lost; reading goes on.
func TestAGuardKeepsWhatIsLostFromBeingWritten(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	var guard storage.Guard
	config := rest.CopyConfig(clustertest.Config(t))
	config.Wrap(guard.Wrap)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	line := newLine(t)
	lost := acquire(t, locks(t, line.Config, "first"), namespace)
	guard.Watch(lost)
	maps := client.CoreV1().ConfigMaps(namespace)
	if err := maps.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	line.cut(true)
	acquire(t, locks(t, dated(t, 20*time.Second), "second"), namespace)
	line.cut(false)
	<-lost.Lost()
	if err := maps.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); !errors.Is(err, storage.ErrLockLost) {
		t.Errorf("got %v", err)
	}
	if _, err := maps.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}

// holderEnv is the environment variable that makes of this test program one that takes a lock and keeps it.
const holderEnv = "SHERPACK_TEST_HOLD_IN"

func TestALockOfAKilledProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	if namespace := os.Getenv(holderEnv); namespace != "" {
		hold(t, namespace)
		return
	}
	namespace := clustertest.Namespace(t)
	command := exec.Command(os.Args[0], "-test.run=^TestALockOfAKilledProcessIsTakenOver$")
	command.Env = append(os.Environ(), holderEnv+"="+namespace, "SHERPACK_KUBECONFIG="+clustertest.Kubeconfig(t))
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said := ""
	for lines := bufio.NewScanner(output); said != "held" && lines.Scan(); {
		said = lines.Text()
	}
	second := locks(t, clustertest.Config(t), "second")
	var locked *storage.LockedError
	if _, err := second.Acquire(t.Context(), namespace, "shop", "upgrade", 0); !errors.As(err, &locked) || locked.Holder.PID != command.Process.Pid {
		t.Errorf("got %v", err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	start := time.Now()
	lock := acquire(t, second, namespace)
	if took := time.Since(start); took < 5*time.Second || took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if lock.Former == nil || lock.Former.PID != command.Process.Pid {
		t.Errorf("taken over from %+v", lock.Former)
	}
}

// hold takes a lock, says so, and waits for its end.
func hold(t *testing.T, namespace string) {
	t.Helper()
	acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
	if _, err := os.Stdout.WriteString("held\n"); err != nil {
		t.Fatal(err)
	}
	// It ends with the test at the latest.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// A lock is taken, taken over and given up although requests or their answers are lost on the way.
func TestALockSurvivesALostRequest(t *testing.T) {
	t.Parallel()
	for _, acted := range []bool{false, true} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			t.Run(fmt.Sprintf("%s, carried out %v", method, acted), func(t *testing.T) {
				t.Parallel()
				namespace := clustertest.Namespace(t)
				if method == http.MethodPut {
					// What is taken over belongs to somebody who is gone.
					line := newLine(t)
					acquire(t, locks(t, line.Config, "first"), namespace)
					line.cut(true)
				}
				config := dated(t, 20*time.Second)
				config.Wrap(func(next http.RoundTripper) http.RoundTripper { return loseOnce(next, method, acted) })
				lock, err := locks(t, config, "second").Acquire(t.Context(), namespace, "shop", "upgrade", 0)
				if err != nil {
					t.Fatal(err)
				}
				if former := lock.Former; (former != nil) != (method == http.MethodPut) || former != nil && former.Run != "first" {
					t.Errorf("taken over from %+v", former)
				}
				if err := lock.Release(t.Context()); err != nil {
					t.Error(err)
				}
				left, err := acquireNow(t, namespace)
				if err != nil || left.Former != nil {
					t.Errorf("the next gets %+v, %v", left, err)
				}
			})
		}
	}
}

// acquireNow takes the lock for a third run, and gives it up with the test.
func acquireNow(t *testing.T, namespace string) (*storage.Lock, error) {
	t.Helper()
	lock, err := locks(t, clustertest.Config(t), "third").Acquire(t.Context(), namespace, "shop", "upgrade", 0)
	if err == nil {
		t.Cleanup(func() { _ = lock.Release(context.WithoutCancel(t.Context())) })
	}
	return lock, err
}

// loseOnce loses the first request of a method, or only the answer to it.
func loseOnce(next http.RoundTripper, method string, acted bool) http.RoundTripper {
	var lost atomic.Bool
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		if request.Method != method || lost.Swap(true) {
			return next.RoundTrip(request)
		}
		if acted {
			response, err := next.RoundTrip(request)
			if err != nil {
				return nil, err
			}
			_ = response.Body.Close()
		}
		return nil, io.ErrUnexpectedEOF
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
