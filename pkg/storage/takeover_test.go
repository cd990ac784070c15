package storage_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
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

// A server that has no news, or does not know any more what was seen, is not asked without end.
func TestAWatchThatFailsIsNotRepeatedAtOnce(t *testing.T) {
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
