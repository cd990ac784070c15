package storage

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// Guard stands before everything that a run writes: what would be written while another may hold the lock waits until that
// is settled, and what is under way then is ended. Its zero value guards nothing.
type Guard struct{ lock atomic.Pointer[Lock] }

// Watch has what is written from now on depend on a lock; nil on none.
func (g *Guard) Watch(lock *Lock) { g.lock.Store(lock) }

// Wrap returns a transport whose requests that write are guarded. They fail with ErrLockLost when the lock is lost. Those
// that are ended because it could not be renewed may have been carried out.
func (g *Guard) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		lock := g.lock.Load()
		if lock == nil || request.Method == http.MethodGet || request.Method == http.MethodHead {
			return next.RoundTrip(request)
		}
		writes, err := lock.fence.pass(request.Context())
		if err != nil {
			discard(request)
			return nil, err
		}
		return sendWithin(writes, request, next)
	})
}

// discard closes the body of a request that is not sent, as a transport must.
func discard(request *http.Request) {
	if request.Body != nil {
		_ = request.Body.Close()
	}
}

// sendWithin sends a request, which ends with another context, too. The error is then why that has ended.
func sendWithin(limit context.Context, request *http.Request, next http.RoundTripper) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	unlink := context.AfterFunc(limit, func() { cancel(context.Cause(limit)) })
	end := func() {
		unlink()
		cancel(context.Canceled)
	}
	response, err := next.RoundTrip(request.WithContext(ctx))
	if err != nil {
		end()
		if limit.Err() != nil && request.Context().Err() == nil {
			err = context.Cause(limit)
		}
		return nil, err
	}
	response.Body = &limited{ReadCloser: response.Body, end: end}
	return response, nil
}

// limited is an answer that is read within a limit.
type limited struct {
	io.ReadCloser
	end func()
}

// Close implements io.Closer.
func (l *limited) Close() error {
	defer l.end()
	return l.ReadCloser.Close()
}
