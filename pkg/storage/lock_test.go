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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

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
