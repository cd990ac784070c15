package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// renewEvery is how often the holder renews its lease, and retryEvery how soon it tries again when it could not.
const (
	renewEvery = 2 * time.Second
	retryEvery = 500 * time.Millisecond
)

// Lock is held by this run, and renewed until it is released.
type Lock struct {
	// Former is the holder that the lock was taken over from because it was gone; nil where there was none.
	Former *Former

	attempt *attempt
	fence   *fence
	stop    context.CancelFunc
	ended   chan struct{}
	// lease is as it was written or read last, by whoever renews or releases it.
	lease *coordinationv1.Lease

	mu   sync.Mutex
	step string
}

// hold keeps a lease that was just written, by a request that was sent at an instant, for longer than ctx: the end of the
// work must still be recorded.
func (a *attempt) hold(ctx context.Context, lease *coordinationv1.Lease, former *Former, sent instant) *Lock {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.newest.expect(a.namespace, a.name)
	lock := &Lock{
		Former: former, attempt: a, fence: newFence(ctx, a.now, sent), stop: stop, ended: make(chan struct{}), lease: lease,
	}
	go lock.keep(ctx)
	return lock
}

// At says what the holder is at; others are told so from the next renewal on.
func (l *Lock) At(step string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.step = step
}

// Lost is closed when the lock is lost: somebody else has taken it over, or had.
func (l *Lock) Lost() <-chan struct{} { return l.fence.gone }

// Err returns a *LostError when the lock is lost, else nil.
func (l *Lock) Err() error { return l.fence.reason() }

// Release gives the lock up. One that is lost already is left to its new holder.
func (l *Lock) Release(ctx context.Context) error {
	l.stop()
	<-l.ended
	defer l.fence.stop()
	for l.Err() == nil {
		// Whoever takes it over writes it, so that it has another version.
		preconditions := &metav1.Preconditions{UID: &l.lease.UID, ResourceVersion: &l.lease.ResourceVersion}
		_, err := patience.Repeat(ctx, func() error {
			return l.attempt.client.Delete(ctx, l.lease.Name, metav1.DeleteOptions{Preconditions: preconditions})
		})
		if !apierrors.IsConflict(err) {
			return releasing(l.attempt, ignoreNotFound(err))
		}
		// The answer to a renewal was lost, or somebody else holds it.
		if err := l.look(ctx); err != nil && !errors.Is(err, errAbsent) && !errors.Is(err, ErrLockLost) {
			return releasing(l.attempt, err)
		}
	}
	return nil
}

func releasing(a *attempt, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("releasing the lock of release %s/%s: %w", a.namespace, a.name, err)
}

// keep renews the lease until ctx ends or the lock is lost.
func (l *Lock) keep(ctx context.Context) {
	defer close(l.ended)
	pause := time.NewTimer(renewEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		l.fence.check()
		again := renewEvery
		if err := l.renew(ctx); err != nil {
			again = retryEvery
		}
		if l.Err() != nil {
			return
		}
		pause.Reset(again)
	}
}

// renew writes the lease once more. No request of it takes longer than until the next try should come.
func (l *Lock) renew(ctx context.Context) error {
	err := l.write(ctx, l.lease.DeepCopy(), func(ctx context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
		return l.attempt.client.Update(ctx, lease, metav1.UpdateOptions{FieldManager: fieldManager})
	})
	if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return err
	}
	// One that is gone answers with a conflict, too: it does not have the UID that the request names.
	switch err = l.look(ctx); {
	case errors.Is(err, errAbsent):
		return l.replace(ctx)
	case err != nil:
		return err
	}
	return errRenewAgain
}

// errRenewAgain says that a lease was read, and is to be written.
var errRenewAgain = errors.New("the lease has changed")

// write writes a lease with what the holder is at, and notes that it was renewed.
func (l *Lock) write(ctx context.Context, lease *coordinationv1.Lease, send func(context.Context, *coordinationv1.Lease) (*coordinationv1.Lease, error)) error {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	holder, sent := l.attempt.self, l.attempt.now()
	l.mu.Lock()
	holder.Step = l.step
	l.mu.Unlock()
	sign(lease, holder, metav1.NewMicroTime(sent.wall))
	written, err := send(ctx, lease)
	if err != nil {
		return err
	}
	l.lease = written
	l.fence.renew(sent)
	return nil
}

// errAbsent says that the lease does not exist any more.
var errAbsent = errors.New("the lease is gone")

// look reads the lease again. The lock is lost where it is another run's; the error is errAbsent where there is none.
func (l *Lock) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	found, err := l.attempt.client.Get(ctx, l.lease.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return errAbsent
	}
	if err != nil {
		return err
	}
	if holder := holderOf(found); holder.Run != l.attempt.self.Run {
		l.fence.lose(&LostError{Namespace: l.attempt.namespace, Name: l.attempt.name, Holder: &holder})
		return l.Err()
	}
	l.lease = found
	return nil
}

// replace follows the end of the lease. Whoever takes a lock over gives it up by deleting it, so it is lost; but where
// nobody can have taken it over, because it was renewed lately and the record is as this run knows it, somebody has removed
// it by hand, and it is made again.
func (l *Lock) replace(ctx context.Context) error {
	found, err := l.compare(ctx)
	if l.fence.fresh() && err != nil {
		return err
	}
	if !l.fence.fresh() || !found.same {
		l.fence.lose(&LostError{
			Namespace: l.attempt.namespace, Name: l.attempt.name, Record: found.record, Removed: found.removed,
		})
		return l.Err()
	}
	return l.write(ctx, l.attempt.lease(nil), func(ctx context.Context, lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
		return l.attempt.client.Create(ctx, lease, createOptions())
	})
}

func (l *Lock) compare(ctx context.Context) (comparison, error) {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	return l.attempt.newest.compare(ctx, l.attempt.namespace, l.attempt.name)
}
