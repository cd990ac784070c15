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
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestAcquire(t *testing.T) {
	t.Parallel()
	t.Run("one run at a time holds a lock", oneRunAtATimeHoldsALock)
	t.Run("a lock is waited for", aLockIsWaitedFor)
	t.Run("an interrupt ends the wait", anInterruptEndsTheWait)
	t.Run("a lock is taken over from who does not renew it", aLockIsTakenOverFromWhoDoesNotRenewIt)
	t.Run("the lock of a killed process is taken over", theLockOfAKilledProcessIsTakenOver)
	t.Run("it survives a lost request", lockSurvivesALostRequest)
	t.Run("a watch that fails is not repeated at once", aWatchThatFailsIsNotRepeatedAtOnce)
	t.Run("a lock that could not be renewed is not taken", aLockThatCouldNotBeRenewedIsNotTaken)
	t.Run("it is waited for without the right to watch", lockIsWaitedForWithoutWatch)
}

func oneRunAtATimeHoldsALock(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	first, second := locks(t, clustertest.Config(t), "first"), locks(t, clustertest.Config(t), "second")
	lock := acquire(t, first, namespace)
	_, err := second.Acquire(t.Context(), namespace, "shop", "rollback", 0)
	var locked *storage.LockedError
	if !errors.As(err, &locked) || locked.Holder.Run != "first" || locked.Holder.PID != os.Getpid() || locked.Age > never {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"release " + namespace + "/shop is locked by process ", " (upgrade; for ", ", last seen ", " ago)"} {
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

func aLockIsWaitedFor(t *testing.T) {
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

func anInterruptEndsTheWait(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := locks(t, clustertest.Config(t), "second").Acquire(ctx, namespace, "shop", "upgrade", never); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A lock is taken over from a holder that was not seen to renew for five seconds, or for fifteen where nothing else tells
// the lock's age; from one that renews it never is, whatever the server's clock says.
func aLockIsTakenOverFromWhoDoesNotRenewIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// ahead is as for dated, and silent whether the holder cannot renew.
		ahead  time.Duration
		silent bool
		taken  bool
		// least and most are how long it takes.
		least, most time.Duration
		// told is for how long the lock is said to be watched; 0 is not.
		told time.Duration
	}{
		"silent, and old by the server's clock": {
			ahead: 20 * time.Second, silent: true, taken: true, least: 5 * time.Second, most: 7 * time.Second, told: 5 * time.Second,
		},
		"silent, and young by the server's": {ahead: time.Second, silent: true, most: 2 * time.Second},
		"silent, and the server tells no time": {
			silent: true, taken: true, least: 15 * time.Second, most: 19 * time.Second, told: 15 * time.Second,
		},
		"renewing, and old by the server's":      {ahead: 20 * time.Second, most: 4 * time.Second, told: 5 * time.Second},
		"renewing, and the server tells no time": {most: 4 * time.Second, told: 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace, line := clustertest.Namespace(t), newLine(t)
			first := acquire(t, locks(t, line.Config, "first"), namespace)
			line.cut(test.silent)
			start := time.Now()
			taker, told := locks(t, dated(t, test.ahead), "second"), []time.Duration(nil)
			taker.Suspect = func(holder *storage.LockedError, watched time.Duration) {
				if holder.Holder.Run != "first" || holder.Name != "shop" {
					t.Errorf("told of %v", holder)
				}
				told = append(told, watched.Round(time.Second))
			}
			second, err := taker.Acquire(t.Context(), namespace, "shop", "rollback", 0)
			if (err == nil) != test.taken {
				t.Fatalf("got %v", err)
			}
			if want := test.told; len(told) > 1 || (len(told) == 1) != (want > 0) || want > 0 && told[0] != want {
				t.Errorf("told %v, want %v", told, want)
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

// holderEnv is the environment variable that makes of this test program one that takes a lock and keeps it.
const holderEnv = "SHERPACK_TEST_HOLD_IN"

func theLockOfAKilledProcessIsTakenOver(t *testing.T) {
	t.Parallel()
	if namespace := os.Getenv(holderEnv); namespace != "" {
		hold(t, namespace)
		return
	}
	namespace := clustertest.Namespace(t)
	command := exec.Command(os.Args[0], "-test.run=^TestAcquire$/^the_lock_of_a_killed_process_is_taken_over$")
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
func lockSurvivesALostRequest(t *testing.T) {
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

// A server that has no news, or does not know any more what was seen, is not asked without end.
func aWatchThatFailsIsNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"it has expired": `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}}` + "\n",
		"it ends":        "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := clustertest.Namespace(t)
			acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
			between := proxy.Start(t, clustertest.Config(t))
			between.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
				if request.URL.Query().Get("watch") == "" {
					return upstream.RoundTrip(request)
				}
				return &http.Response{
					StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
					Body: io.NopCloser(strings.NewReader(answer)), Request: request,
				}, nil
			})
			var locked *storage.LockedError
			_, err := locks(t, between.Config(), "second").Acquire(t.Context(), namespace, "shop", "rollback", 3*time.Second)
			if !errors.As(err, &locked) {
				t.Fatalf("got %v", err)
			}
			watches := 0
			for _, asked := range between.Requests() {
				if asked.Query.Has("watch") {
					watches++
				}
			}
			if watches < 2 || watches > 5 {
				t.Errorf("watched %d times in 3 seconds", watches)
			}
		})
	}
}

func aLockThatCouldNotBeRenewedIsNotTaken(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	lock, err := locks(t, limited(t, namespace, "create", "get", "delete"), "first").Acquire(t.Context(), namespace, "shop", "upgrade", 0)
	if lock != nil || !apierrors.IsForbidden(err) {
		t.Fatalf("got %v, %v", lock, err)
	}
	left, err := kubernetes.NewForConfigOrDie(clustertest.Config(t)).CoordinationV1().Leases(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("left are %v, %v", left.Items, err)
	}
}

func lockIsWaitedForWithoutWatch(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	first := acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
	second := locks(t, limited(t, namespace, "create", "get", "update", "delete"), "second")
	if _, err := second.Acquire(t.Context(), namespace, "shop", "upgrade", 0); err == nil || second.Unwatched() {
		t.Errorf("without patience: %v, unwatched %v", err, second.Unwatched())
	}
	done := make(chan error, 1)
	go func() {
		lock, err := second.Acquire(t.Context(), namespace, "shop", "upgrade", never)
		if err == nil {
			err = lock.Release(t.Context())
		}
		done <- err
	}()
	const often = 10 * time.Millisecond
	noticed := func(context.Context) (bool, error) { return second.Unwatched(), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), often, never, true, noticed); err != nil {
		t.Fatal(err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
