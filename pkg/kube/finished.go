package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

// awaitEnd waits while the Job is ending; for what is no such Job it waits for nothing. The watch that followed the Job as a
// hook is used where there is one.
func (c *Cluster) awaitEnd(ctx context.Context, ref corev1.ObjectReference) error {
	if !kinds.IsJob(kinds.Of(ref).GroupKind()) {
		return nil
	}
	opened, shared := c.following(ref)
	if !shared {
		var err error
		opened, err = c.openFeed(ctx, source{kind: kinds.Of(ref), namespace: ref.Namespace, fieldTerm: "metadata.name=" + ref.Name})
		if meta.IsNoMatchError(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("watch it: %w", err)
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
