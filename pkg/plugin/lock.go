package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// unlockTimeout bounds the request that gives a lock up. Where it fails, the lock expires by itself.
const unlockTimeout = 5 * time.Second

// releaseLock keeps all other commands off a release. It is this command's until Unlock, or until it is lost.
type releaseLock struct {
	held            *storage.Lock
	guard           *storage.Guard
	namespace, name string
	errOut          io.Writer
}

// Lock waits for the lock of a release, with events that tell of who holds it, and takes it. From then on the command heeds an interrupt and comes to its own end.
func (c *connection) Lock(ctx context.Context, options RunOptions, operation release.Operation, observe func(lifecycle.Event)) (*releaseLock, error) {
	if err := begin(ctx); err != nil {
		return nil, err
	}
	l := &releaseLock{guard: c.guard, namespace: c.namespace, name: options.Name, errOut: options.ErrOut}
	waiting := lockWaiting{release: options.Name, namespace: c.namespace, patience: options.LockTimeout, observe: observe}
	c.locks.Waiting = waiting.Tell
	held, err := c.locks.Acquire(ctx, l.namespace, l.name, string(operation), options.LockTimeout)
	waiting.End(err)
	if c.locks.Unwatched() {
		l.lacksRight("watch", "polling every second instead")
	}
	if err != nil {
		return nil, err
	}
	l.held = held
	l.guard.Watch(held)
	return l, nil
}

// lockWaiting tells of another command that is waited for, whenever that says something new.
type lockWaiting struct {
	release, namespace string
	patience           time.Duration
	observe            func(lifecycle.Event)
	// said is what the holder was doing when that was told last; "" before it is told.
	said string
}

// Tell tells who holds the lock, and at what it is, where that is new.
func (w *lockWaiting) Tell(holder *storage.LockedError, _ time.Duration) {
	said := holder.Holder.Run + holder.Holder.Step
	if said == w.said {
		return
	}
	w.said = said
	w.tell(lifecycle.LockWaiting, lifecycle.Outcome{
		Message: holder.Phrase(), Summary: holder.Brief(), TimeoutMS: w.patience.Milliseconds(),
	})
}

// End tells that the lock was acquired, if somebody was waited for.
func (w *lockWaiting) End(err error) {
	if w.said != "" && err == nil {
		w.tell(lifecycle.LockAcquired, lifecycle.Outcome{})
	}
}

func (w *lockWaiting) tell(kind lifecycle.EventType, outcome lifecycle.Outcome) {
	w.observe(lifecycle.Event{Time: time.Now().UTC(), Type: kind, Release: w.release, Namespace: w.namespace, Outcome: outcome})
}

// Unlock gives the lock up. It does so after an interrupt, too.
func (l *releaseLock) Unlock(ctx context.Context) {
	l.guard.Watch(nil)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	switch err := l.held.Release(ctx); {
	case apierrors.IsForbidden(err):
		l.lacksRight("delete", "the lock stays until another command takes it over")
	case err != nil:
		_, _ = fmt.Fprintf(l.errOut, "warning: %v; it expires by itself\n", err)
	}
}

// lacksRight names a right that the lock is worse without, as a cluster's notices do.
func (l *releaseLock) lacksRight(verb, instead string) {
	_, _ = fmt.Fprintf(l.errOut, "warning: no right to %s leases.coordination.k8s.io in namespace %s: %s\n", verb, l.namespace, instead)
}

// Former is who held the lock before and did not give it up; nil where nobody is known.
func (l *releaseLock) Former() *storage.Former { return l.held.Former }

// While returns a context that ends with lifecycle.ErrLockLost when somebody else has taken the lock over.
func (l *releaseLock) While(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-l.held.Lost():
			cancel(fmt.Errorf("%w: %w", lifecycle.ErrLockLost, l.held.Err()))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// Observe returns an observer that has the lock say what is being done, beside what another observer does.
func (l *releaseLock) Observe(others func(lifecycle.Event)) func(lifecycle.Event) {
	return func(event lifecycle.Event) {
		switch event.Type {
		case lifecycle.PreflightStarted:
			l.held.At("checking " + event.Message)
		case lifecycle.HookStarted:
			l.held.At(event.Title)
		case lifecycle.WaveStarted:
			l.held.At("applying " + event.Message)
		case lifecycle.WaitStarted:
			l.held.At("waiting for " + event.Message + " to be ready")
		}
		others(event)
	}
}

// LostOr returns the error of work, or that the lock was lost: then all else that is said of the work is of no account. A
// record that another command has written tells so, too.
func (l *releaseLock) LostOr(err error) error {
	switch {
	case err == nil:
		return nil
	case l.held.Err() != nil:
		return l.held.Err()
	case errors.Is(err, storage.ErrConflict):
		return &storage.LostError{Namespace: l.namespace, Name: l.name, Record: "its record was changed meanwhile"}
	}
	return err
}
