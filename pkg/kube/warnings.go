package kube

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
)

// warning is what a Warning event says.
type warning struct {
	reason, message string
	at              time.Time
}

// warningsOf is the source of an object's Warning events.
func warningsOf(ref corev1.ObjectReference) source {
	return source{
		kind: corev1.SchemeGroupVersion.WithKind("Event"), namespace: ref.Namespace, optional: true,
		fieldTerm: fmt.Sprintf("involvedObject.uid=%s,type=Warning", ref.UID),
	}
}

func warningOf(event *unstructured.Unstructured) warning {
	found := warning{reason: field.Text(event, "reason"), message: field.Text(event, "message")}
	for _, at := range []string{"lastTimestamp", "eventTime"} {
		if said, err := time.Parse(time.RFC3339, field.Text(event, at)); err == nil && said.After(found.at) {
			found.at = said
		}
	}
	if found.at.IsZero() {
		found.at = event.GetCreationTimestamp().Time
	}
	return found
}

func later(a, b warning) warning {
	if b.at.Before(a.at) {
		return a
	}
	return b
}

// lastWarning asks for the newest Warning event of the object; the zero value
// when there is none, or it cannot be read.
func (c *Cluster) lastWarning(ctx context.Context, ref corev1.ObjectReference) warning {
	last := warning{}
	for _, found := range c.warnings(ctx, warningsOf(ref)) {
		last = later(last, warningOf(found))
	}
	return last
}

// warnings lists events; none where they cannot be read.
func (c *Cluster) warnings(ctx context.Context, from source) []*unstructured.Unstructured {
	mapping, err := c.kinds.mapping(from.kind)
	if err != nil {
		return nil
	}
	list, err := c.objects(mapping, from.namespace).List(quiet(ctx), metav1.ListOptions{FieldSelector: from.fieldTerm, Limit: pageSize})
	if err != nil {
		c.lacks(err, right{"list", mapping.Resource.GroupResource(), from.namespace}, insteadOfEvents)
		return nil
	}
	events := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		events[i] = &list.Items[i]
	}
	return events
}
