package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// expireAfter is how old a lease is that another command takes over. It is counted from the last write of the lease by the
// API server's clock, which all commands share.
const expireAfter = 15 * time.Second

// annotationHolder is where a Lease says who holds it.
const annotationHolder = "sherpack.io/holder"

const (
	// watchBefore is how long a lease must be seen unchanged before it is taken over, whatever else speaks for that: the clocks
	// of two API servers may differ, and a machine that was resumed from a snapshot takes itself for another.
	watchBefore = 5 * time.Second
	// watchUndated is the same where the API server does not tell its time, so that nothing else tells a lease's age.
	watchUndated = expireAfter
)

// Locks lets one command at a time work on a release, by a Lease for each release.
type Locks struct {
	leases    coordinationv1client.LeasesGetter
	clock     *serverClock
	now       func() instant
	processes processes
	// newest tells whether a release's record is as this run knows it.
	newest *newest
	self   Holder
	// Suspect is told when a command begins to watch a lock whose holder looks dead, and for how long, before it takes that
	// over; nil is not.
	Suspect func(holder *LockedError, watched time.Duration)
	// Waiting is told, again and again, whom a command waits for that may wait, and how long it still does; nil is not.
	Waiting func(holder *LockedError, left time.Duration)
	// unwatched says that Leases may not be watched.
	unwatched atomic.Bool
}

// Unwatched reports whether another holder had to be waited for without the right to watch Leases: its end is noticed up to
// a second later.
func (l *Locks) Unwatched() bool { return l.unwatched.Load() }

// NewLocks returns the locks that the API server of config keeps, for the run that store belongs to.
func NewLocks(config *rest.Config, store *Secrets) (*Locks, error) {
	clock := &serverClock{}
	config = rest.CopyConfig(config)
	config.Wrap(clock.wrap)
	client, err := coordinationv1client.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	pid, processes := os.Getpid(), hostProcesses()
	return &Locks{leases: client, clock: clock, now: now, processes: processes, newest: store.newest, self: Holder{
		Run: store.client.run, Host: host, PID: pid, Machine: processes.machine(), Started: processes.started(pid),
	}}, nil
}

// serverClock keeps the API server's time as its last answer told it; nil where that told none.
type serverClock struct{ last atomic.Pointer[time.Time] }

func (c *serverClock) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if err == nil {
			c.note(response.Header.Get("Date"))
		}
		return response, err
	})
}

func (c *serverClock) note(date string) {
	now, err := http.ParseTime(date)
	if err != nil {
		c.last.Store(nil)
		return
	}
	c.last.Store(&now)
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// age returns how long ago a Lease was written. It is not known where the server does not tell its time.
func (c *serverClock) age(lease *coordinationv1.Lease) (age time.Duration, known bool) {
	written := lease.CreationTimestamp.Time
	for _, entry := range lease.ManagedFields {
		if entry.Time != nil && entry.Time.After(written) {
			written = entry.Time.Time
		}
	}
	now := c.last.Load()
	if now == nil {
		return 0, false
	}
	return max(0, now.Sub(written)), true
}

// Acquire takes the lock of a release for an operation. Another holder is waited for as long as patience lasts; 0 is not at
// all, but for the time it takes to see whether one that looks dead is. The error is a *LockedError where somebody else
// holds it. The caller releases the lock.
func (l *Locks) Acquire(ctx context.Context, namespace, name, operation string, patience time.Duration) (*Lock, error) {
	self := l.self
	self.Operation = operation
	attempt := &attempt{Locks: l, client: l.leases.Leases(namespace), namespace: namespace, name: name, self: self}
	lock, err := attempt.run(ctx, patience)
	if err != nil && !errors.As(err, new(*LockedError)) {
		return nil, fmt.Errorf("locking release %s/%s: %w", namespace, name, err)
	}
	return lock, err
}

// attempt is an attempt to get a lock.
type attempt struct {
	*Locks
	client          coordinationv1client.LeaseInterface
	namespace, name string
	self            Holder
	// seen is the lease that somebody else holds, and since when it is seen unchanged. renewed tells that it was seen to
	// change: whoever holds it lives.
	seen    *coordinationv1.Lease
	since   instant
	renewed bool
	// suspected is the lease that is watched because its holder looks dead.
	suspected *coordinationv1.Lease
}

// run tries until the lock is got, or patience is over.
func (a *attempt) run(ctx context.Context, patience time.Duration) (*Lock, error) {
	start := a.now()
	for {
		lock, err := a.once(ctx)
		if err != nil || lock != nil {
			return lock, err
		}
		left := patience - a.now().ran(start)
		if ctx.Err() != nil || left <= 0 && !a.isWorthWatching() {
			return nil, errors.Join(a.locked(), ctx.Err())
		}
		most, suspect := a.watch()
		if suspect && most > 0 {
			a.suspect(most)
		}
		if left > 0 {
			most = min(most, left)
			a.tellWaiting(left)
		}
		a.await(ctx, most)
	}
}

// watch returns how long the lease that was seen must still be seen unchanged before it is taken over. suspect tells that
// its holder looks dead; else that is how long it takes until it does.
func (a *attempt) watch() (left time.Duration, suspect bool) {
	watched := a.now().ran(a.since)
	age, dated := a.clock.age(a.seen)
	switch holder := holderOf(a.seen); {
	case holder.Run == a.self.Run:
		// The answer to this run's own request was lost.
		return 0, true
	case !dated:
		return watchUndated - watched, true
	case age >= expireAfter || a.isDead(holder):
		return watchBefore - watched, true
	}
	return expireAfter - age, false
}

// suspect says, once, that the lease that was seen is watched before it is taken over.
func (a *attempt) suspect(watched time.Duration) {
	// Without a date every lease is watched. One that is renewed belongs to somebody who lives.
	_, dated := a.clock.age(a.seen)
	if a.Suspect != nil && a.suspected != a.seen && (dated || !a.renewed) {
		a.Suspect(a.locked(), watched)
	}
	a.suspected = a.seen
}

func (a *attempt) tellWaiting(left time.Duration) {
	if a.Waiting != nil {
		a.Waiting(a.locked(), left)
	}
}

// isWorthWatching reports whether a command without patience stays nevertheless: the holder looks dead, and has not been
// seen to renew.
func (a *attempt) isWorthWatching() bool {
	_, suspect := a.watch()
	return suspect && !a.renewed
}

// mayTake reports whether the lease that was seen may be taken over.
func (a *attempt) mayTake() bool {
	left, suspect := a.watch()
	return suspect && left <= 0
}

// note notes a lease that was read.
func (a *attempt) note(found *coordinationv1.Lease) {
	if a.seen != nil && a.seen.UID == found.UID && a.seen.ResourceVersion == found.ResourceVersion {
		return
	}
	a.seen, a.since, a.renewed = found, a.now(), a.seen != nil
}

// once tries once. It returns the lock, or notes the lease that somebody else holds.
func (a *attempt) once(ctx context.Context) (*Lock, error) {
	var former *Former
	for {
		sent := a.now()
		created, err := patiently(ctx, func() (*coordinationv1.Lease, error) {
			return a.client.Create(ctx, a.lease(nil), createOptions())
		})
		if err == nil {
			if err := a.mayRenew(ctx, created); err != nil {
				return nil, err
			}
			return a.hold(ctx, created, former, sent), nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
		found, err := a.client.Get(ctx, leaseName(a.name), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			// It was released meanwhile.
			continue
		}
		if err != nil {
			return nil, err
		}
		if a.note(found); !a.mayTake() {
			return nil, nil
		}
		former = a.former(former)
		sent = a.now()
		taken, err := patiently(ctx, func() (*coordinationv1.Lease, error) {
			return a.client.Update(ctx, a.lease(found), metav1.UpdateOptions{FieldManager: fieldManager})
		})
		if err == nil {
			return a.hold(ctx, taken, former, sent), nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
}

// former is whom the lease that was seen is taken over from: who holds it, or who did before this run, whose answer was lost.
func (a *attempt) former(before *Former) *Former {
	holder := holderOf(a.seen)
	if holder.Run == a.self.Run {
		return before
	}
	return &Former{Holder: holder, Age: a.age(), Dated: true}
}

// age is how long ago the lease that was seen was written, as far as that is known.
func (a *attempt) age() time.Duration {
	age, _ := a.clock.age(a.seen)
	return max(age, a.now().ran(a.since))
}

// mayRenew asks whether a lease that was just created may be written again, and removes it if not: the work would have to
// stop in the middle. Other trouble is left to the renewals.
func (a *attempt) mayRenew(ctx context.Context, lease *coordinationv1.Lease) error {
	_, err := a.client.Update(ctx, lease, metav1.UpdateOptions{FieldManager: fieldManager, DryRun: []string{metav1.DryRunAll}})
	if !apierrors.IsForbidden(err) {
		return nil
	}
	// One that cannot be deleted expires by itself.
	_ = a.client.Delete(ctx, lease.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &lease.UID}})
	return err
}

// patiently writes a lease, on the condition that it is as it was: an earlier try that was carried out makes the next one
// fail, and the lease is this run's when it is looked at again.
func patiently(ctx context.Context, write func() (*coordinationv1.Lease, error)) (lease *coordinationv1.Lease, err error) {
	_, err = patience.Repeat(ctx, func() error {
		lease, err = write()
		return err
	})
	return lease, err
}

// await waits until the lease that was seen is written or released, at most for a time.
func (a *attempt) await(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	changes, err := a.client.Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", a.seen.Name).String(), ResourceVersion: a.seen.ResourceVersion,
	})
	if err != nil {
		if apierrors.IsForbidden(err) {
			a.unwatched.Store(true)
		}
		pause(ctx)
		return
	}
	defer changes.Stop()
	select {
	case change, open := <-changes.ResultChan():
		// A version that the server does not know any more is answered with an error at once, time and again.
		if !open || change.Type == watch.Error {
			pause(ctx)
		}
	case <-ctx.Done():
	}
}

// pause waits where nothing can be watched, or until ctx ends: a lease is asked for often enough not to miss a holder that is
// quick.
func pause(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	<-ctx.Done()
}

func (a *attempt) locked() *LockedError {
	locked := &LockedError{Namespace: a.namespace, Name: a.name, Holder: holderOf(a.seen), Age: a.age()}
	if taken := a.seen.Spec.AcquireTime; taken != nil {
		locked.Held = max(0, a.now().wall.Sub(taken.Time))
	}
	return locked
}

// lease is the lease as it is written: a new one, or one that is taken over.
func (a *attempt) lease(found *coordinationv1.Lease) *coordinationv1.Lease {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Name: leaseName(a.name), Namespace: a.namespace, Labels: map[string]string{labelOwner: owner, labelName: a.name},
	}}
	if found != nil {
		lease = found.DeepCopy()
		lease.Spec.LeaseTransitions = ptr.To(ptr.Deref(lease.Spec.LeaseTransitions, 0) + 1)
	}
	now := metav1.NowMicro()
	lease.Spec.HolderIdentity, lease.Spec.AcquireTime = ptr.To(a.self.Run), &now
	lease.Spec.LeaseDurationSeconds = ptr.To(int32(expireAfter / time.Second))
	sign(lease, a.self, now)
	return lease
}

// sign writes into a lease who holds it, and when that was true.
func sign(lease *coordinationv1.Lease, holder Holder, now metav1.MicroTime) {
	lease.Spec.RenewTime = &now
	// A Holder is made of strings and a number, which JSON always takes.
	text, _ := json.Marshal(holder)
	metav1.SetMetaDataAnnotation(&lease.ObjectMeta, annotationHolder, string(text))
}

// holderOf reads who holds a lease. What cannot be read leaves the holder unknown, which never counts as gone.
func holderOf(lease *coordinationv1.Lease) Holder {
	var holder Holder
	_ = json.Unmarshal([]byte(lease.Annotations[annotationHolder]), &holder)
	holder.Run = ptr.Deref(lease.Spec.HolderIdentity, "")
	return holder
}

func leaseName(name string) string { return "sh.sherpack.release.v1." + name }

// Abandoned reports whether nobody holds the lock of a release any more: there is no Lease, it is so old that another
// command may take it over, or its holder is gone. It only reads, once, and waits for nothing. former is who held it; nil
// where no Lease says so.
func (l *Locks) Abandoned(ctx context.Context, namespace, name string) (abandoned bool, former *Former, err error) {
	lease, err := l.leases.Leases(namespace).Get(ctx, leaseName(name), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return true, nil, nil
	}
	if err != nil {
		return false, nil, fmt.Errorf("reading the lock of release %s/%s: %w", namespace, name, err)
	}
	// Where the server does not say what time it is, the age is not known.
	age, dated := l.clock.age(lease)
	former = &Former{Holder: holderOf(lease), Age: age, Dated: dated}
	return age >= expireAfter || l.isDead(former.Holder), former, nil
}
