package storage_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

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
