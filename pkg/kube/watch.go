package kube

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
)

// Watch tells that something has changed about objects, not what. Where watching is forbidden it asks every two seconds, which is a
// notice.
type Watch struct {
	api   *feeds
	inbox *feed.Inbox
	open  map[source]*feed.Feed
}

// Watch returns a watch of nothing. Close it when done.
func (c *Cluster) Watch() *Watch {
	return &Watch{api: c.feeds, inbox: feed.NewInbox(), open: map[source]*feed.Feed{}}
}

// Follow adds the objects of a kind in a namespace that labels select; "" selects all. What is followed already is passed over.
func (w *Watch) Follow(ctx context.Context, kind schema.GroupVersionKind, namespace, labels string) error {
	from := source{kind: kind, namespace: namespace, labels: labels}
	if w.open[from] != nil {
		return nil
	}
	opened, err := w.api.Open(ctx, from)
	if err != nil {
		return fmt.Errorf("watching %s: %w", kind.Kind, err)
	}
	w.open[from] = opened
	opened.Subscribe(&feed.Subscription{Inbox: w.inbox})
	return nil
}

// Changed has a value when something has changed since Seen was called last.
func (w *Watch) Changed() <-chan struct{} { return w.inbox.Ready }

// Seen says that whoever watches looks at the objects now.
func (w *Watch) Seen() { w.inbox.Take() }

// Close ends the watch.
func (w *Watch) Close() {
	for _, opened := range w.open {
		opened.Close()
	}
}
