package storage_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestLock(t *testing.T) {
	t.Parallel()
	t.Run("it is renewed and says what its holder is at", lockIsRenewedAndSaysWhatItsHolderIsAt)
	t.Run("a holder that cannot renew hesitates", aHolderThatCannotRenewHesitates)
	t.Run("a holder whose Lease is gone", aHolderWhoseLeaseIsGone)
	t.Run("giving it up does not give up another's", givingUpALockDoesNotGiveUpAnothers)
}

func lockIsRenewedAndSaysWhatItsHolderIsAt(t *testing.T) {
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
func aHolderThatCannotRenewHesitates(t *testing.T) {
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

// Whoever took a lock over gives it up by deleting its lease. Where that is gone the lock is lost, unless nobody can have
// taken it over.
func aHolderWhoseLeaseIsGone(t *testing.T) {
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
		"has lost it where the record was removed":           {record: "removed", want: "its Lease and its record are gone; another command or somebody has removed them"},
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
	r.Status.Phase, r.Status.Operation = phase, release.Operation(strings.TrimPrefix(string(phase), "pending-"))
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

// A lock that was taken over while its holder gave it up belongs to its new holder.
func givingUpALockDoesNotGiveUpAnothers(t *testing.T) {
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
