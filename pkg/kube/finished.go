package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

// awaitEnd waits while the Job is ending; for what is no such Job it waits for nothing. The watch that followed the Job as a
// hook is used where there is one.
func (c *Cluster) awaitEnd(ctx context.Context, ref corev1.ObjectReference) error {
	if !kinds.IsJob(kinds.Of(ref).GroupKind()) {
		return nil
	}
	feed, shared := c.following(ref)
	if !shared {
		var err error
		feed, err = c.openFeed(ctx, source{kind: kinds.Of(ref), namespace: ref.Namespace, fieldTerm: "metadata.name=" + ref.Name})
		if meta.IsNoMatchError(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("watch it: %w", err)
		}
		defer feed.close()
	}
	box := newInbox()
	mine := &subscription{box: box, name: ref.Name, expected: true}
	feed.subscribe(mine)
	defer feed.unsubscribe(mine)
	for {
		for _, news := range box.take() {
			if news.gone || ref.UID != "" && news.object.GetUID() != ref.UID || !health.IsEnding(news.object) {
				return nil
			}
		}
		select {
		case <-box.ready:
		case <-ctx.Done():
			return fmt.Errorf("its Pods have not ended: %w", context.Cause(ctx))
		}
	}
}

// following returns the shared feed that knows the object.
func (c *Cluster) following(ref corev1.ObjectReference) (*feed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for from, feed := range c.shared {
		if from.kind == kinds.Of(ref) && from.namespace == ref.Namespace && feed.find(ref.Name) != nil {
			return feed, true
		}
	}
	return nil, false
}

// find returns the present object of that name, which must not be changed; nil where there is none.
func (f *feed) find(name string) *unstructured.Unstructured {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.present[name]
}
