package storage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
)

func TestFence(t *testing.T) {
	t.Parallel()
	t.Run("it is open for ten seconds from the request that renewed", fenceIsOpenForTenSeconds)
	t.Run("a Lease is held from the request that renewed it", aLeaseIsHeldFromTheRequestThatRenewedIt)
	t.Run("it closes when the machine has slept", fenceClosesWhenTheMachineHasSlept)
	t.Run("what is being written ends with the lock", whatIsBeingWrittenEndsWithTheLock)
}

func fenceIsOpenForTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent := now()
		// The answer took three seconds.
		elapse(3 * time.Second)
		f := newFence(t.Context(), now, sent)
		defer f.stop()
		elapse(6900 * time.Millisecond)
		if !isOpen(f) {
			t.Error("it is closed 9.9 s after the request")
		}
		elapse(200 * time.Millisecond)
		if isOpen(f) {
			t.Error("it is open 10.1 s after the request")
		}
		f.renew(now())
		if !isOpen(f) {
			t.Error("a renewal does not open it")
		}
	})
}

// elapse lets time pass, which is not real.
func elapse(d time.Duration) { <-time.After(d) }

func isOpen(f *fence) bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := f.pass(ctx)
	return err == nil
}

// An answer may take long: the server has counted from the request on.
func aLeaseIsHeldFromTheRequestThatRenewedIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFence(t.Context(), now, now())
		defer f.stop()
		lock := &Lock{attempt: &attempt{Locks: &Locks{now: now}}, fence: f}
		err := lock.write(t.Context(), &coordinationv1.Lease{}, func(_ context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
			elapse(1900 * time.Millisecond)
			return lease, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		elapse(8200 * time.Millisecond)
		if isOpen(f) {
			t.Error("it is open 10.1 s after the request")
		}
	})
}

// machineClock is the clocks of a machine that can be put to sleep.
type machineClock struct{ slept time.Duration }

func (c *machineClock) now() instant {
	t := time.Now()
	return instant{steady: t, wall: t.Round(0).Add(c.slept)}
}

func fenceClosesWhenTheMachineHasSlept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := &machineClock{}
		f := newFence(t.Context(), clock.now, clock.now())
		defer f.stop()
		writes, err := f.pass(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		elapse(time.Second)
		clock.slept = time.Minute
		if isOpen(f) {
			t.Error("it is open after a minute of sleep")
		}
		// Whoever renews looks in.
		f.check()
		if !errors.Is(context.Cause(writes), errCut) {
			t.Errorf("what was being written goes on: %v", context.Cause(writes))
		}
		f.renew(clock.now())
		if writes, err = f.pass(t.Context()); err != nil || writes.Err() != nil {
			t.Errorf("a renewal does not open it: %v, %v", err, writes.Err())
		}
		// A clock that is set back does not keep it open.
		clock.slept = -time.Hour
		elapse(11 * time.Second)
		if isOpen(f) {
			t.Error("it is open because the clock was set back")
		}
	})
}

func whatIsBeingWrittenEndsWithTheLock(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		during func(f *fence)
		after  time.Duration
		want   error
	}{
		"no renewal":     {during: func(*fence) {}, after: 13 * time.Second, want: errCut},
		"a late renewal": {during: func(f *fence) { elapse(12 * time.Second); f.renew(now()) }, after: 25 * time.Second, want: errCut},
		"the lock lost":  {during: func(f *fence) { elapse(2 * time.Second); f.lose(&LostError{}) }, after: 2 * time.Second, want: ErrLockLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, start := newFence(t.Context(), now, now()), time.Now()
				defer f.stop()
				var guard Guard
				guard.Watch(&Lock{fence: f})
				go test.during(f)
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://server/", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				_, err = guard.Wrap(roundTripper(silent)).RoundTrip(request) //nolint:bodyclose // There is none.
				if !errors.Is(err, test.want) || time.Since(start) != test.after {
					t.Errorf("ended after %s with %v", time.Since(start), err)
				}
				if errors.Is(test.want, errCut) && err.Error() != "the lock could not be renewed for 13s" {
					t.Errorf("it says %q", err)
				}
				if errors.Is(test.want, errCut) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Error("it is not sent again")
				}
			})
		})
	}
}

// silent is an API server that takes requests and does not answer.
func silent(request *http.Request) (*http.Response, error) {
	<-request.Context().Done()
	return nil, context.Cause(request.Context())
}
