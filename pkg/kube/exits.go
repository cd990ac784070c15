package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

// exits waits until objects that are being deleted are gone, by one watch per kind and namespace. A watch is opened when the
// first object needs it: most are gone at once. An object that is alone of its kind in its namespace is watched by its name.
type exits struct {
	cluster *Cluster
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

func (c *Cluster) newExits(refs []corev1.ObjectReference) *exits {
	e := &exits{cluster: c, counts: map[source]int{}, feeds: map[source]exit{}}
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
// until it is gone.
func (e *exits) watch(ctx context.Context, ref corev1.ObjectReference) (gone func(context.Context) error) {
	open, err := e.feed(ctx, ref)
	switch {
	case meta.IsNoMatchError(err):
		return func(context.Context) error { return nil }
	case err != nil:
		return func(context.Context) error { return fmt.Errorf("await the end of %s: %w", kinds.NameOf(ref), err) }
	}
	box := feed.NewInbox()
	open.source.Subscribe(&feed.Subscription{Inbox: box, Name: ref.Name, Expected: true})
	listed, cancel := context.WithDeadline(ctx, open.until)
	defer cancel()
	// That its state is not known is said by what waits.
	_ = open.source.Sync(listed)
	return func(ctx context.Context) error { return awaitGone(ctx, open.source, box, ref) }
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
	opened, err := e.cluster.openFeed(ctx, from)
	if err != nil {
		return exit{}, err
	}
	e.feeds[from] = exit{source: opened, until: time.Now().Add(listTime)}
	return e.feeds[from], nil
}

// awaitGone reads the news of a feed about one object until that is gone.
func awaitGone(ctx context.Context, from *feed.Feed, box *feed.Inbox, ref corev1.ObjectReference) error {
	var last *unstructured.Unstructured
	for {
		for _, news := range box.Take() {
			if news.Gone || news.Object != nil && ref.UID != "" && news.Object.GetUID() != ref.UID {
				return nil
			}
			if news.Object != nil {
				last = news.Object
			}
		}
		select {
		case <-box.Ready:
		case <-ctx.Done():
			why := errors.Join(stillThere(last), from.Trouble())
			return fmt.Errorf("%s is being deleted: %w: %w", kinds.NameOf(ref), why, context.Cause(ctx))
		}
	}
}

// stillThere says what keeps a deleted object.
func stillThere(object *unstructured.Unstructured) error {
	if object == nil {
		return errors.New("its state is not known")
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
