package storage

import (
	"net/http"
	"sync/atomic"
)

// Guard stands before everything that a run writes: what would be written while another may hold the lock waits until that
// is settled. Its zero value guards nothing.
type Guard struct{ lock atomic.Pointer[Lock] }

// Watch has what is written from now on depend on a lock; nil on none.
func (g *Guard) Watch(lock *Lock) { g.lock.Store(lock) }

// Wrap returns a transport whose requests that write are guarded. They fail with ErrLockLost when the lock is lost.
func (g *Guard) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		lock := g.lock.Load()
		if lock == nil || request.Method == http.MethodGet || request.Method == http.MethodHead {
			return next.RoundTrip(request)
		}
		if err := lock.Await(request.Context()); err != nil {
			return nil, err
		}
		return next.RoundTrip(request)
	})
}
