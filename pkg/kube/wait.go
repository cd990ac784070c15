package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// WaitTarget is an object to wait for.
type WaitTarget struct {
	// Ref names the object. With a UID, another object of that name is not
	// waited for; with a ResourceVersion, older states are passed over.
	Ref corev1.ObjectReference
	// Ready and Failed say when it is ready and when it has failed for good.
	// Without them its kind does.
	Ready, Failed health.Conditions
}

// Readiness is news of an object that is waited for.
type Readiness struct {
	// Ref names the object.
	Ref corev1.ObjectReference
	// Done tells that it is ready, Skipped that it is not waited for: a paused
	// rollout, or one of strategy OnDelete.
	Done, Skipped bool
	// Message says what it waits for, or why it is skipped.
	Message string
	// Reasons are what is known of the why, once it is not ready for a while: what its Pods wait for and the last Warning events.
	Reasons []string
	// Err is why it will not become ready any more.
	Err error
}

// Unready is an object that is not ready.
type Unready struct {
	// Ref names the object.
	Ref corev1.ObjectReference
	// Failed tells that it has failed for good or is gone.
	Failed bool
	// Late tells of one that has failed that it ran out of a time of its own: a Deployment past its
	// progress deadline.
	Late bool
	// Message says how far it is.
	Message string
	// Reasons are what is known of the why: what its Pods wait for and the
	// last Warning events.
	Reasons []string
}

// ErrProgressDeadline is in the chain of a NotReadyError when Deployments did not
// make progress within their spec.progressDeadlineSeconds.
var ErrProgressDeadline = errors.New("progress deadline exceeded")

// NotReadyError lists what is not ready.
type NotReadyError struct {
	// Objects, at least one, are in the order of the targets: those that have failed, or when
	// none has, all that were not ready when the time was over.
	Objects []Unready

	err error
}

// Error has a line for each object and, indented, for each reason.
func (e *NotReadyError) Error() string {
	text := fmt.Sprintf("%d not ready", len(e.Objects))
	if e.err == nil || errors.Is(e.err, ErrProgressDeadline) {
		text = fmt.Sprintf("%d failed", len(e.Objects))
	}
	for _, object := range e.Objects {
		text += "\n  " + words.Sentence(kinds.NameOf(object.Ref), object.Message)
		for _, reason := range object.Reasons {
			text += "\n    " + reason
		}
	}
	return text
}

// First says of the first object in a short line why it is not ready. What a controller has said of it may have more.
func (e *NotReadyError) First() string {
	first := e.Objects[0]
	why, _ := cause(first.Message, first.Reasons)
	line, _, _ := strings.Cut(words.Sentence(first.Ref.Kind+"/"+first.Ref.Name, why), "\n")
	return strings.TrimSpace(line)
}

// Brief is why the object is not ready with what matters most at the beginning: a line may end anywhere.
func (r Readiness) Brief() string {
	why, pod := cause(r.Message, r.Reasons)
	switch {
	case pod != "":
		return why + " (" + pod + ")"
	case len(r.Reasons) > 0:
		return strings.Join(r.Reasons, "; ")
	}
	return why
}

// cause is why an object is not ready without what introduces it. Where a Pod of it waits, that says more than how many replicas
// there are; pod is its name, else "".
func cause(message string, reasons []string) (why, pod string) {
	for _, reason := range reasons {
		if who, why, waits := strings.Cut(reason, " is waiting: "); waits {
			pod, _, _ := strings.Cut(strings.TrimPrefix(who, "Pod/"), ": container ")
			return why, pod
		}
	}
	if _, rest, found := strings.Cut(message, " rollout to finish: "); found {
		message = rest
	}
	return message, ""
}

// Unwrap returns the context's error when the time was over, ErrProgressDeadline
// when all that failed did so because a time of their own was over, nil when
// objects have failed for good otherwise.
func (e *NotReadyError) Unwrap() error { return e.err }

// Wait waits until all targets are ready at the same time. It opens one watch
// per kind and namespace, all at once, narrowed by the label selector, which
// the targets should match; "" selects all. A target that it does not select is
// looked for without it. observe, which may be nil, is called from this call
// whenever the state of a target has changed.
//
// A target that has failed for good, or was deleted, ends the wait at once:
// the error is a *NotReadyError that lists all such targets. At the deadline
// of ctx it is one that lists all that are not ready, and wraps
// context.DeadlineExceeded. When ctx is cancelled its error is wrapped.
func (c *Cluster) Wait(ctx context.Context, targets []WaitTarget, selector string, observe func(Readiness)) error {
	if observe == nil {
		observe = func(Readiness) {}
	}
	w := &waiter{
		api: c.feeds, targets: targets, observe: observe, box: feed.NewInbox(), open: map[source]*feed.Feed{}, narrow: map[int]*feed.Subscription{},
		known:  make([]known, len(targets)),
		claims: claims{late: map[string]bool{}, watched: map[string]bool{}},
	}
	defer w.stop()
	// Controllers may define kinds as they get ready.
	defer c.api.kinds.LookAgain()
	if err := w.watch(ctx, selector); err != nil {
		return err
	}
	return w.wait(ctx)
}

// waiter waits for a set of objects.
type waiter struct {
	api     *feeds
	targets []WaitTarget
	observe func(Readiness)
	box     *feed.Inbox
	// open are the feeds by what they follow, and feeds the same in the order in which they were opened.
	open  map[source]*feed.Feed
	feeds []*feed.Feed
	// narrow are the subscriptions of targets that are looked for with a selector.
	narrow map[int]*feed.Subscription
	// known is what is known of each target.
	known  []known
	claims claims
}

// known is what is known of a target.
type known struct {
	state health.State
	// object is nil before it is seen and after it is gone.
	object *unstructured.Unstructured
	// reasons are those that were told of why it is in this state; "" for none.
	reasons string
}

func (w *waiter) stop() {
	for _, opened := range w.feeds {
		opened.Close()
	}
}

func (w *waiter) watch(ctx context.Context, selector string) error {
	for i := range w.targets {
		w.known[i].state = health.State{Message: "its state is unknown"}
		mine, err := w.follow(ctx, i, selector)
		if err != nil {
			return err
		}
		if selector != "" {
			w.narrow[i] = mine
		}
	}
	return nil
}

// follow subscribes to a target in the watch of its kind and namespace.
func (w *waiter) follow(ctx context.Context, i int, selector string) (*feed.Subscription, error) {
	ref := w.targets[i].Ref
	from := source{kind: kinds.Of(ref), namespace: ref.Namespace, labels: selector}
	if w.open[from] == nil {
		opened, err := w.api.Open(ctx, from)
		if err != nil {
			return nil, fmt.Errorf("watching %s: %w", ref.Kind, err)
		}
		w.open[from] = opened
		w.feeds = append(w.feeds, opened)
	}
	mine := &feed.Subscription{Inbox: w.box, Tag: i, Name: ref.Name, Expected: true, Since: ref.ResourceVersion}
	w.open[from].Subscribe(mine)
	return mine, nil
}

// widened looks without the selector for a target that was never seen with it, and reports whether that is news to wait for:
// an admission webhook may have dropped the label that is selected.
func (w *waiter) widened(ctx context.Context, news feed.Change) bool {
	mine := w.narrow[news.Tag]
	if mine == nil || !news.Gone || news.Object != nil {
		return false
	}
	delete(w.narrow, news.Tag)
	for _, opened := range w.feeds {
		opened.Unsubscribe(mine)
	}
	_, err := w.follow(ctx, news.Tag, "")
	return err == nil
}

func (w *waiter) wait(ctx context.Context) error {
	explain := time.NewTimer(explainAfter)
	defer explain.Stop()
	explained := make(chan []Readiness, 1)
	looking, stop := context.WithCancel(ctx)
	defer stop()
	for {
		w.readNews(ctx)
		if failed := w.unready(true); len(failed) > 0 {
			return w.failure(ctx, failed)
		}
		if len(w.unready(false)) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return w.outOfTime(ctx)
		}
		select {
		case <-w.box.Ready:
		case <-explain.C:
			w.explain(looking, explained)
		case found := <-explained:
			w.tellReasons(found)
			explain.Reset(explainEvery)
		case <-ctx.Done():
		}
	}
}

// failure is the error of targets that have failed.
func (w *waiter) failure(ctx context.Context, failed []int) error {
	err := &NotReadyError{Objects: w.withReasons(ctx, failed), err: ErrProgressDeadline}
	for _, i := range failed {
		if !w.known[i].state.Late {
			err.err = nil
		}
	}
	return err
}

func (w *waiter) readNews(ctx context.Context) {
	for _, news := range w.box.Take() {
		if news.Tag == aboutClaims {
			w.takeLate(ctx, news)
		} else {
			w.take(ctx, news)
		}
	}
}

// take notes the state of one target and tells the observer what has changed.
func (w *waiter) take(ctx context.Context, news feed.Change) {
	if w.widened(ctx, news) {
		return
	}
	target := w.targets[news.Tag]
	if last := w.known[news.Tag].object; last != nil && w.known[news.Tag].state.Ready && health.Finished(last) && !news.IsOther(last) {
		// A Job that has ended well may be removed, by its time to live for one: that undoes nothing.
		return
	}
	if !news.Gone && feed.Older(news.Object.GetResourceVersion(), target.Ref.ResourceVersion) {
		return
	}
	w.known[news.Tag].object = news.Object
	if news.Gone {
		w.known[news.Tag].object = nil
	}
	w.setState(news.Tag, w.stateOf(ctx, target, news))
}

func (w *waiter) setState(i int, state health.State) {
	if state == w.known[i].state {
		return
	}
	w.known[i].state, w.known[i].reasons = state, ""
	w.observe(w.readiness(i))
}

// readiness is what is known of a target.
func (w *waiter) readiness(i int) Readiness {
	state := w.known[i].state
	readiness := Readiness{Ref: w.targets[i].Ref, Done: state.Ready, Skipped: state.Skipped, Message: state.Message}
	if state.Failed {
		readiness.Err = errors.New(state.Message)
	}
	return readiness
}

func (w *waiter) stateOf(ctx context.Context, target WaitTarget, news feed.Change) health.State {
	switch {
	case news.Gone && target.Ready.MetByDeletion():
		return health.State{Ready: true}
	case news.Gone:
		return health.State{Failed: true, Message: "it was deleted"}
	case target.Ref.UID != "" && news.Object.GetUID() != target.Ref.UID:
		return health.State{Failed: true, Message: "it was deleted, and another object has taken its place"}
	}
	state, err := health.Readiness(news.Object, target.Ready, target.Failed)
	if err != nil {
		return health.State{Failed: true, Message: err.Error()}
	}
	if state.Ready {
		w.api.kinds.Promise(news.Object)
	}
	if state.Class != "" && w.waitsForConsumer(ctx, news.Object, state.Class) {
		return health.State{Ready: true, Message: "waiting for its first consumer"}
	}
	return state
}

// unready lists the targets that have failed, or all that are to be waited for.
func (w *waiter) unready(failedOnly bool) []int {
	var open []int
	for i, known := range w.known {
		if state := known.state; state.Failed || !failedOnly && !state.Ready && !state.Skipped {
			open = append(open, i)
		}
	}
	return open
}

func (w *waiter) outOfTime(ctx context.Context) error {
	open := w.unready(false)
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("waiting for %d objects: %w", len(open), ctx.Err())
	}
	var troubles []error
	for _, opened := range w.feeds {
		troubles = append(troubles, opened.Trouble())
	}
	err := ctx.Err()
	if trouble := errors.Join(troubles...); trouble != nil {
		err = fmt.Errorf("%w (%w)", err, trouble)
	}
	return &NotReadyError{Objects: w.withReasons(ctx, open), err: err}
}

// aboutClaims tags the events of claims among a waiter's changes.
const aboutClaims = -1

// claims knows which volumes are made for their first consumer only.
type claims struct {
	// late holds what is known of StorageClasses by name, and of claims by UID.
	late map[string]bool
	// watched namespaces tell by their events what the unreadable
	// StorageClasses would have told.
	watched map[string]bool
}

// waitsForConsumer tells whether a claim that is not bound is as far as it gets
// without a Pod. It reads the StorageClass, once; where that is forbidden, the
// claim's events say it.
func (w *waiter) waitsForConsumer(ctx context.Context, claim *unstructured.Unstructured, class string) bool {
	if w.claims.late[string(claim.GetUID())] {
		return true
	}
	late, known := w.claims.late[class]
	if known {
		return late
	}
	late, err := w.api.bindsLate(ctx, class)
	if err != nil {
		w.watchClaimEvents(ctx, claim.GetNamespace())
		return false
	}
	w.claims.late[class] = late
	return late
}

func (c *connection) bindsLate(ctx context.Context, class string) (bool, error) {
	mapping, err := c.kinds.Mapping(storagev1.SchemeGroupVersion.WithKind("StorageClass"))
	if err != nil {
		return false, err
	}
	found, err := c.Objects(mapping, "").Get(quiet(ctx), class, metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	return field.Text(found, "volumeBindingMode") == string(storagev1.VolumeBindingWaitForFirstConsumer), nil
}

func (w *waiter) watchClaimEvents(ctx context.Context, namespace string) {
	if w.claims.watched[namespace] {
		return
	}
	w.claims.watched[namespace] = true
	events, err := w.api.Open(ctx, source{
		kind: corev1.SchemeGroupVersion.WithKind("Event"), namespace: namespace, optional: true,
		fieldTerm: "involvedObject.kind=PersistentVolumeClaim,reason=WaitForFirstConsumer",
	})
	if err != nil {
		return
	}
	w.feeds = append(w.feeds, events)
	events.Subscribe(&feed.Subscription{Inbox: w.box, Tag: aboutClaims})
}

// takeLate notes by an event that a claim waits for its first consumer.
func (w *waiter) takeLate(ctx context.Context, news feed.Change) {
	uid := field.Text(news.Object, "involvedObject", "uid")
	if news.Gone || w.claims.late[uid] {
		return
	}
	w.claims.late[uid] = true
	for i, known := range w.known {
		if string(uidOf(known.object)) == uid {
			w.take(ctx, feed.Change{Tag: i, Object: known.object})
		}
	}
}
