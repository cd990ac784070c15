package storage

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// hesitateAfter is how long a holder that cannot renew goes on writing: until well before another may take over.
	hesitateAfter = 10 * time.Second
	// overrun is how much longer what is being written then may take. An API server may answer only after a minute, and
	// by then the lock may be another's.
	overrun = 3 * time.Second
)

// errCut is why a request that writes is ended while it is under way.
var errCut error = cutError{}

// cutError is an answer that did not come, for those who ask whether a request may have been carried out. Its text is for
// people, to whom that means nothing.
type cutError struct{}

// Error says why the request was ended.
func (cutError) Error() string {
	return fmt.Sprintf("the lock could not be renewed for %s", hesitateAfter+overrun)
}

// Unwrap returns io.ErrUnexpectedEOF.
func (cutError) Unwrap() error { return io.ErrUnexpectedEOF }

// fence stands before what the holder of a lock writes. It is open while nobody else can have taken the lock.
type fence struct {
	now func() instant

	mu sync.Mutex
	// renewed is when the request was sent that renewed the lease last: the server cannot have had it earlier.
	renewed instant
	// changed is closed, and replaced, when the fence is opened again or closed for good.
	changed chan struct{}
	// writes ends when what is being written must not reach the server any more: by limit, or when the lock is lost.
	writes context.Context
	cut    context.CancelCauseFunc
	limit  *time.Timer
	// lost is why the fence is closed for good; nil while it is not. gone is closed then.
	lost error
	gone chan struct{}
}

// newFence returns a fence that is open since a renewal that was sent at an instant. What is written is let through for
// longer than ctx.
func newFence(ctx context.Context, now func() instant, renewed instant) *fence {
	f := &fence{now: now, changed: make(chan struct{}), gone: make(chan struct{})}
	f.writes, f.cut = context.WithCancelCause(context.WithoutCancel(ctx))
	f.limit = time.AfterFunc(hesitateAfter+overrun, f.check)
	f.renew(renewed)
	return f
}

// renew opens the fence again after a renewal that was sent at an instant and has succeeded.
func (f *fence) renew(sent instant) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost != nil {
		return
	}
	f.renewed = sent
	if f.writes.Err() != nil {
		f.writes, f.cut = context.WithCancelCause(context.WithoutCancel(f.writes))
	}
	f.limit.Reset(hesitateAfter + overrun - f.now().since(sent))
	f.announce()
}

// check ends what is being written when it is too late for that. The limit's timer goes by the steady clock alone, so this
// must be called once in a while, too.
func (f *fence) check() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().since(f.renewed) >= hesitateAfter+overrun {
		f.cut(errCut)
	}
}

// fresh reports whether the lease was renewed so lately that nobody can have found it old since.
func (f *fence) fresh() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now().since(f.renewed) < hesitateAfter
}

// lose closes the fence for good. Only the first reason counts.
func (f *fence) lose(reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost != nil {
		return
	}
	f.lost = reason
	f.limit.Stop()
	f.cut(reason)
	close(f.gone)
	f.announce()
}

// reason returns why the fence is closed for good; nil while it is not.
func (f *fence) reason() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// stop ends the fence's timer.
func (f *fence) stop() { f.limit.Stop() }

// announce wakes up who waits at the fence.
func (f *fence) announce() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// pass waits until the fence is open, and returns a context that ends when what was let through must be over. The error is
// why the fence is closed for good, or that of ctx.
func (f *fence) pass(ctx context.Context) (context.Context, error) {
	for {
		f.mu.Lock()
		lost, writes, changed := f.lost, f.writes, f.changed
		open := f.now().since(f.renewed) < hesitateAfter
		f.mu.Unlock()
		switch {
		case lost != nil:
			return nil, lost
		case open:
			return writes, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
