package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// Deletion is an object to delete.
type Deletion struct {
	// Ref names the object. Its UID is the precondition: an object of another
	// UID under that name is left alone. An empty UID is no precondition.
	Ref corev1.ObjectReference
	// Propagation is what becomes of its dependents; "" is Background.
	Propagation metav1.DeletionPropagation
	// AfterEnd lets a Job whose verdict is known come to its end first: until then its Pods are being
	// ended, and would be orphans without it.
	AfterEnd bool
	// NoWait only starts the deletion: it is done once the API server has
	// accepted it, while the object may still be there.
	NoWait bool
	// DryRun has the API server do everything but delete; it needs NoWait.
	DryRun bool
	// Observe, which may be nil, is called with what keeps the object, once it has been waited for for some seconds and whenever
	// that changes. It takes turns with done of Delete.
	Observe func(why string)
}

// Delete deletes the objects, atOnce at a time, and waits until each is gone,
// finalizers and grace period included, unless its Deletion says NoWait. An
// object that is not there, is there with another UID, or is of a kind that is
// no longer served is gone. done, which may be nil, is called once for each
// deletion that was sent, one call at a time, in the order of completion, with
// the time since the call. Once ctx has ended nothing more is deleted. The
// error joins those of the objects in their order; when ctx ended the wait, it
// wraps the context's error and says what keeps the object.
func (c *Cluster) Delete(ctx context.Context, targets []Deletion, done func(i int, elapsed time.Duration, err error)) error {
	failures := make([]error, len(targets))
	start := time.Now()
	turns := inTurn(func(_ int, tell func()) { tell() })
	report := func(i int, err error) {
		turns(i, func() {
			failures[i] = err
			if done != nil {
				done(i, time.Since(start), err)
			}
		})
	}
	refs := make([]corev1.ObjectReference, len(targets))
	for i, target := range targets {
		refs[i] = target.Ref
	}
	exits := newExits(c.feeds, refs)
	defer exits.close()
	var waits sync.WaitGroup
	notStarted := each(ctx, len(targets), atOnce, func(i int) error {
		uid, err := deleter{c.feeds}.deleteOne(ctx, targets[i])
		if err != nil || uid == "" || targets[i].NoWait {
			report(i, err)
			return nil
		}
		gone := exits.watch(ctx, withUID(refs[i], uid))
		tell := func(why string) {
			if observe := targets[i].Observe; observe != nil {
				turns(i, func() { observe(why) })
			}
		}
		waits.Go(func() { report(i, gone(ctx, tell)) })
		return nil
	})
	waits.Wait()
	return errors.Join(append(failures, notStarted)...)
}

func withUID(ref corev1.ObjectReference, uid types.UID) corev1.ObjectReference {
	ref.UID = uid
	return ref
}

// AwaitGone waits until objects that are being deleted are gone: their UIDs,
// or with an empty UID whatever has their name. It only watches. observe, which
// may be nil, is called one call at a time, as Deletion.Observe is, and with ""
// when an object is gone. The error is as Delete's.
func (c *Cluster) AwaitGone(ctx context.Context, refs []corev1.ObjectReference, observe func(i int, why string)) error {
	if err := kinds.CheckRefs(refs...); err != nil {
		return fmt.Errorf("waiting for the end: %w", err)
	}
	exits := newExits(c.feeds, refs)
	defer exits.close()
	tell := inTurn(observe)
	return each(ctx, len(refs), -1, func(i int) error {
		err := exits.watch(ctx, refs[i])(ctx, func(why string) { tell(i, why) })
		if err == nil {
			tell(i, "")
		}
		return err
	})
}

// deleter deletes objects one by one.
type deleter struct{ *feeds }

// deleteOne returns the UID of the object if it is still there.
func (c deleter) deleteOne(ctx context.Context, target Deletion) (types.UID, error) {
	if target.AfterEnd {
		if err := c.awaitEnd(ctx, target.Ref); err != nil {
			return "", fmt.Errorf("deleting %s: %w", kinds.NameOf(target.Ref), err)
		}
	}
	return c.sendDelete(ctx, target)
}

// sendDelete returns the UID of the object if it is still there.
func (c deleter) sendDelete(ctx context.Context, target Deletion) (uid types.UID, err error) {
	if err := kinds.CheckRefs(target.Ref); err != nil {
		return "", fmt.Errorf("deleting: %w", err)
	}
	body, err := json.Marshal(deleteOptions(target))
	if err != nil {
		return "", fmt.Errorf("deleting %s: %w", kinds.NameOf(target.Ref), err)
	}
	answer := &metav1.PartialObjectMetadata{}
	err = c.kinds.AtStored(ctx, kinds.Of(target.Ref), func(mapping *meta.RESTMapping) error {
		result, _ := retried(ctx, func() *rest.Request {
			return c.rest.Delete().AbsPath(objectPath(mapping, target.Ref.Namespace, target.Ref.Name)...).
				SetHeader("Accept", metadataOnly).SetHeader("Content-Type", "application/json").Body(body)
		})
		_, err := decode(result, answer)
		return err
	})
	switch {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err), refusal.IsOtherUID(err), target.DryRun && refusal.NoDryRun(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("deleting %s: %w", kinds.NameOf(target.Ref), err)
	case answer.DeletionTimestamp == nil:
		// A Status, or the last state of an object that went at once.
		return "", nil
	}
	return answer.UID, nil
}

func deleteOptions(target Deletion) metav1.DeleteOptions {
	propagation := target.Propagation
	if propagation == "" {
		propagation = metav1.DeletePropagationBackground
	}
	options := metav1.DeleteOptions{
		TypeMeta:          metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		PropagationPolicy: &propagation,
	}
	if target.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	if target.Ref.UID != "" {
		options.Preconditions = &metav1.Preconditions{UID: &target.Ref.UID}
	}
	return options
}

// awaitEnd waits while the Job is ending; for what is no such Job it waits for nothing. The watch that followed the Job as a
// hook is used where there is one.
func (c deleter) awaitEnd(ctx context.Context, ref corev1.ObjectReference) error {
	if !kinds.IsJob(kinds.Of(ref).GroupKind()) {
		return nil
	}
	opened, shared := c.Following(ref)
	if !shared {
		var err error
		opened, err = c.Open(ctx, source{kind: kinds.Of(ref), namespace: ref.Namespace, fieldTerm: "metadata.name=" + ref.Name})
		if meta.IsNoMatchError(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("watching it: %w", err)
		}
		defer opened.Close()
	}
	box := feed.NewInbox()
	mine := &feed.Subscription{Inbox: box, Name: ref.Name, Expected: true}
	opened.Subscribe(mine)
	defer opened.Unsubscribe(mine)
	for {
		for _, news := range box.Take() {
			if news.Gone || ref.UID != "" && news.Object.GetUID() != ref.UID || !health.IsEnding(news.Object) {
				return nil
			}
		}
		select {
		case <-box.Ready:
		case <-ctx.Done():
			return fmt.Errorf("its Pods have not ended: %w", context.Cause(ctx))
		}
	}
}

// exits waits until objects that are being deleted are gone, by one watch per kind and namespace. A watch is opened when the
// first object needs it: most are gone at once. An object that is alone of its kind in its namespace is watched by its name.
type exits struct {
	source *feeds
	// counts are how many of the objects are of a kind in a namespace.
	counts map[source]int

	mu    sync.Mutex
	feeds map[source]exit
}

// exit is a feed of objects that are on their way out, and until when its first list is waited for.
type exit struct {
	source *feed.Feed
	until  time.Time
}

// listTime is how long the first list of a watch may hold up the deletions that need it. Where it takes longer, or fails for
// good, the other deletions must not wait for it, too.
const listTime = 5 * time.Second

func newExits(from *feeds, refs []corev1.ObjectReference) *exits {
	e := &exits{source: from, counts: map[source]int{}, feeds: map[source]exit{}}
	for _, ref := range refs {
		e.counts[source{kind: kinds.Of(ref), namespace: ref.Namespace}]++
	}
	return e
}

func (e *exits) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, open := range e.feeds {
		open.source.Close()
	}
}

// watch returns, once the state of the object is known, at the latest some seconds after its watch was opened, what waits
// until it is gone and tells what keeps it.
func (e *exits) watch(ctx context.Context, ref corev1.ObjectReference) (gone func(ctx context.Context, tell func(why string)) error) {
	open, err := e.feed(ctx, ref)
	switch {
	case meta.IsNoMatchError(err):
		return func(context.Context, func(string)) error { return nil }
	case err != nil:
		return func(context.Context, func(string)) error {
			return fmt.Errorf("waiting for the end of %s: %w", kinds.NameOf(ref), err)
		}
	}
	box := feed.NewInbox()
	open.source.Subscribe(&feed.Subscription{Inbox: box, Name: ref.Name, Expected: true})
	listed, cancel := context.WithDeadline(ctx, open.until)
	defer cancel()
	// That its state is unknown is said by what waits.
	_ = open.source.Sync(listed)
	return func(ctx context.Context, tell func(string)) error {
		return (&departure{ref: ref, from: open.source, box: box, tell: tell}).Await(ctx)
	}
}

func (e *exits) feed(ctx context.Context, ref corev1.ObjectReference) (exit, error) {
	from := source{kind: kinds.Of(ref), namespace: ref.Namespace}
	if e.counts[from] == 1 {
		from.fieldTerm = "metadata.name=" + ref.Name
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if known, open := e.feeds[from]; open {
		return known, nil
	}
	opened, err := e.source.Open(ctx, from)
	if err != nil {
		return exit{}, err
	}
	e.feeds[from] = exit{source: opened, until: time.Now().Add(listTime)}
	return e.feeds[from], nil
}

// departure is an object that is on its way out.
type departure struct {
	ref  corev1.ObjectReference
	from *feed.Feed
	box  *feed.Inbox
	// tell is called with what keeps the object.
	tell func(why string)
	// last is its last state; nil before that is known. said is what was told of it last.
	last *unstructured.Unstructured
	said string
}

// Await reads the news of a feed until the object is gone. What keeps it is told only of one that takes its time.
func (d *departure) Await(ctx context.Context) error {
	late := time.NewTimer(explainAfter)
	defer late.Stop()
	isLate := false
	for {
		if d.isGone() {
			return nil
		}
		if why := stillThere(d.last).Error(); isLate && why != d.said {
			d.said = why
			d.tell(why)
		}
		select {
		case <-d.box.Ready:
		case <-late.C:
			isLate = true
		case <-ctx.Done():
			why := errors.Join(stillThere(d.last), d.from.Trouble())
			return fmt.Errorf("%s is being deleted: %w: %w", kinds.NameOf(d.ref), why, context.Cause(ctx))
		}
	}
}

// isGone takes in the news, and reports whether the object is gone: another of its name counts for that, too.
func (d *departure) isGone() bool {
	for _, news := range d.box.Take() {
		if news.Gone || news.Object != nil && d.ref.UID != "" && news.Object.GetUID() != d.ref.UID {
			return true
		}
		if news.Object != nil {
			d.last = news.Object
		}
	}
	return false
}

// stillThere says what keeps a deleted object.
func stillThere(object *unstructured.Unstructured) error {
	if object == nil {
		return errors.New("its state is unknown")
	}
	finalizers := object.GetFinalizers()
	// A Namespace has finalizers of its own, and says what it waits for.
	own, _, _ := unstructured.NestedStringSlice(object.Object, "spec", "finalizers")
	if object.GetKind() == "Namespace" {
		finalizers = append(finalizers, own...)
	}
	seconds := object.GetDeletionGracePeriodSeconds()
	switch {
	case len(finalizers) > 0:
		return fmt.Errorf("it has the finalizers %s%s", strings.Join(finalizers, ", "), remaining(object))
	case seconds != nil && *seconds > 0:
		return fmt.Errorf("its grace period is %d s", *seconds)
	}
	return errors.New("the server has not removed it yet")
}

// remaining tells what a Namespace that is being deleted still holds.
func remaining(object *unstructured.Unstructured) string {
	var words []string
	for _, condition := range health.ConditionsOf(object) {
		if condition.Status == "True" && condition.Message != "" && strings.HasPrefix(condition.Type, "Namespace") {
			words = append(words, condition.Message)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "; " + strings.Join(words, "; ")
}
