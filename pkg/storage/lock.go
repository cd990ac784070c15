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

const (
	// renewEvery is how often the holder renews its lease, and retryEvery how soon it tries again when it could not.
	renewEvery = 2 * time.Second
	retryEvery = 500 * time.Millisecond
	// hesitateAfter is how long a holder that cannot renew goes on writing: until well before another may take over.
	hesitateAfter = 10 * time.Second
)

// ErrLockLost is returned for what was to be written after another command has taken the lock over.
var ErrLockLost = errors.New("another command has taken over the release")

// Lock is held by this run, and renewed until it is released.
type Lock struct {
	// Former is the holder that the lock was taken over from because it was gone; nil where there was none.
	Former *Former

	attempt *attempt
	stop    context.CancelFunc
	ended   chan struct{}

	mu    sync.Mutex
	lease *coordinationv1.Lease
	step  string
	// sure is until when nobody else can have taken the lock over. changed is closed, and replaced, when that is news.
	sure    time.Time
	changed chan struct{}
	// gone is closed when somebody has taken it over.
	gone chan struct{}
}

// hold keeps a lease that was just written, for longer than ctx: the end of the work must still be recorded.
func (a *attempt) hold(ctx context.Context, lease *coordinationv1.Lease, former *Former) *Lock {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	lock := &Lock{
		Former: former, attempt: a, stop: stop, ended: make(chan struct{}), lease: lease,
		sure: time.Now().Add(hesitateAfter), changed: make(chan struct{}), gone: make(chan struct{}),
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

// Await waits until it is sure that nobody else holds the lock. The error is ErrLockLost where somebody does, else that of
// ctx.
func (l *Lock) Await(ctx context.Context) error {
	for {
		l.mu.Lock()
		sure, changed := l.sure, l.changed
		l.mu.Unlock()
		switch {
		case l.isLost():
			return ErrLockLost
		case time.Now().Before(sure):
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Lost is closed when somebody else has taken the lock over.
func (l *Lock) Lost() <-chan struct{} { return l.gone }

func (l *Lock) isLost() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// Release gives the lock up. One that is lost already is left to its new holder.
func (l *Lock) Release(ctx context.Context) error {
	l.stop()
	<-l.ended
	if l.isLost() {
		return nil
	}
	for {
		preconditions := &metav1.Preconditions{UID: &l.lease.UID, ResourceVersion: &l.lease.ResourceVersion}
		_, err := patience.Repeat(ctx, func() error {
			return l.attempt.client.Delete(ctx, l.lease.Name, metav1.DeleteOptions{Preconditions: preconditions})
		})
		if !apierrors.IsConflict(err) {
			return releasing(l.attempt, ignoreNotFound(err))
		}
		// The answer to a renewal was lost, or somebody else holds it.
		if ours, err := l.look(ctx); err != nil || !ours {
			return releasing(l.attempt, err)
		}
	}
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
		again := renewEvery
		if err := l.renew(ctx); err != nil {
			again = retryEvery
		}
		if l.isLost() {
			return
		}
		pause.Reset(again)
	}
}

// renew writes the lease once more. It takes no longer than the time until the next try should come.
func (l *Lock) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	before := time.Now()
	lease := l.lease.DeepCopy()
	holder := l.attempt.self
	l.mu.Lock()
	holder.Step = l.step
	l.mu.Unlock()
	sign(lease, holder, metav1.NewMicroTime(before))
	renewed, err := l.attempt.client.Update(ctx, lease, metav1.UpdateOptions{FieldManager: fieldManager})
	switch {
	case apierrors.IsConflict(err):
		_, err = l.look(ctx)
		return errors.Join(err, errRenewAgain)
	case apierrors.IsNotFound(err):
		// Somebody has removed it: nobody holds it, so it is made again.
		renewed, err = l.attempt.client.Create(ctx, l.attempt.lease(nil), createOptions())
		if apierrors.IsAlreadyExists(err) {
			_, err = l.look(ctx)
			return errors.Join(err, errRenewAgain)
		}
	}
	if err != nil {
		return err
	}
	l.set(renewed, before.Add(hesitateAfter), false)
	return nil
}

// errRenewAgain says that a lease was read, and is to be written.
var errRenewAgain = errors.New("the lease has changed")

// look reads the lease again and reports whether it is still this run's.
func (l *Lock) look(ctx context.Context) (bool, error) {
	found, err := l.attempt.client.Get(ctx, l.lease.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ours := holderOf(found).Run == l.attempt.self.Run
	l.set(found, time.Time{}, !ours)
	return ours, nil
}

// set notes what is known of the lease. An empty time leaves it as it was.
func (l *Lock) set(lease *coordinationv1.Lease, sure time.Time, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lease = lease
	if !sure.IsZero() {
		l.sure = sure
	}
	if lost && !l.isLost() {
		close(l.gone)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}
