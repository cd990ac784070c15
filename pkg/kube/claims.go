package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
)

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
	late, err := w.cluster.bindsLate(ctx, class)
	if err != nil {
		w.watchClaimEvents(ctx, claim.GetNamespace())
		return false
	}
	w.claims.late[class] = late
	return late
}

func (c *Cluster) bindsLate(ctx context.Context, class string) (bool, error) {
	mapping, err := c.kinds.mapping(storagev1.SchemeGroupVersion.WithKind("StorageClass"))
	if err != nil {
		return false, err
	}
	found, err := c.objects(mapping, "").Get(quiet(ctx), class, metav1.GetOptions{})
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
	events, err := w.cluster.openFeed(ctx, source{
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
	for i, object := range w.objects {
		if string(uidOf(object)) == uid {
			w.take(ctx, feed.Change{Tag: i, Object: object})
		}
	}
}
