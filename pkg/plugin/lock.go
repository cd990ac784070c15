package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

// unlockTimeout bounds the request that gives a lock up. Where it fails, the lock expires by itself.
const unlockTimeout = 5 * time.Second

// isPending reports whether a command works on the release, or was killed while it did: what cannot be planned now may be
// possible then.
func (o *RunOptions) isPending(ctx context.Context, target *target) bool {
	history, err := target.store.History(ctx, target.namespace, o.Name)
	return err == nil && history.Newest() != nil && history.Newest().Status.Phase.Pending()
}

// lock takes the lock of the release, unless it is held already.
func (o *RunOptions) lock(ctx context.Context, target *target, operation release.Operation) (err error) {
	if target.held != nil {
		return nil
	}
	if err := begin(ctx); err != nil {
		return err
	}
	target.held, err = target.locks.Acquire(ctx, target.namespace, o.Name, string(operation), o.LockTimeout)
	if target.locks.Unwatched() {
		o.lacksOnLeases("watch", target, "asking every second instead")
	}
	if err == nil {
		target.guard.Watch(target.held)
	}
	return err
}

// sameRecord reports whether nobody has written a revision between two looks at it.
func sameRecord(a, b *release.Release) bool {
	return a.UID == b.UID && a.ResourceVersion == b.ResourceVersion
}

// recover closes the newest revision if a command was killed while it worked on it, and reports whether it has. Nobody
// works on it any more, because this command holds the lock.
func (o *RunOptions) recover(ctx context.Context, target *target, newest *release.Release) (bool, error) {
	if newest == nil || !newest.Status.Phase.Pending() {
		return false, nil
	}
	whole, err := target.salvage(ctx, newest)
	if err != nil {
		return false, err
	}
	holder := "a command that was killed"
	if former := target.held.Former; former != nil {
		holder = former.String() + seen(former, "before")
	}
	lifecycle.CloseInterrupted(whole, holder, time.Now())
	if err := target.store.UpdateStatus(ctx, whole); err != nil {
		return false, err
	}
	_, _ = fmt.Fprintf(o.ErrOut, "revision %d was %s\n", whole.Spec.Revision, whole.Status.Message)
	return true, nil
}

// unlock gives the lock up if it is held.
func (o *RunOptions) unlock(ctx context.Context, target *target) {
	if target.held == nil {
		return
	}
	target.guard.Watch(nil)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	switch err := target.held.Release(ctx); {
	case apierrors.IsForbidden(err):
		o.lacksOnLeases("delete", target, "the lock stays until another command takes it over")
	case err != nil:
		_, _ = fmt.Fprintf(o.ErrOut, "warning: %v; it expires by itself\n", err)
	}
	target.held = nil
}

// lacksOnLeases names a right that the lock is worse without, as a cluster's notices do.
func (o *RunOptions) lacksOnLeases(verb string, target *target, instead string) {
	_, _ = fmt.Fprintf(o.ErrOut, "warning: no right to %s leases.coordination.k8s.io in namespace %s: %s\n", verb, target.namespace, instead)
}

// whileHeld returns a context that ends with lifecycle.ErrLockLost when somebody else has taken the lock over.
func (t *target) whileHeld(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	// The target may have given the lock up before the goroutine begins.
	held := t.held
	go func() {
		select {
		case <-held.Lost():
			cancel(fmt.Errorf("%w: %w", lifecycle.ErrLockLost, held.Err()))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// told returns an observer that has the lock say what is being done, beside what another observer does; nil is none.
func (t *target) told(others func(lifecycle.Event)) func(lifecycle.Event) {
	return func(event lifecycle.Event) {
		switch event.Type {
		case lifecycle.PreflightStarted:
			t.held.At("checking " + event.Message)
		case lifecycle.HookStarted:
			t.held.At(event.Title)
		case lifecycle.WaveStarted:
			t.held.At("applying " + event.Message)
		case lifecycle.WaitStarted:
			t.held.At("waiting for " + event.Message + " to be ready")
		}
		if others != nil {
			others(event)
		}
	}
}

// orLost returns the error of work, or that the lock was lost: then all else that is said of the work is of no account. A
// record that another command has written tells so, too.
func (t *target) orLost(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case t.held.Err() != nil:
		return t.held.Err()
	case errors.Is(err, storage.ErrConflict):
		return &storage.LostError{Namespace: t.namespace, Name: name, Record: "its record was changed meanwhile"}
	}
	return err
}
