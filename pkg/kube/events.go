package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

// warningsOf is the source of an object's Warning events.
func warningsOf(ref corev1.ObjectReference) source {
	return source{
		kind: corev1.SchemeGroupVersion.WithKind("Event"), namespace: ref.Namespace, optional: true,
		fieldTerm: fmt.Sprintf("involvedObject.uid=%s,type=Warning", ref.UID),
	}
}

// LastWarning asks for the newest Warning event of the object; the zero value
// when there is none, or it cannot be read.
func (c *connection) LastWarning(ctx context.Context, ref corev1.ObjectReference) pods.Warning {
	last := pods.Warning{}
	for _, found := range c.Warnings(ctx, warningsOf(ref)) {
		last = pods.Later(last, pods.WarningOf(found))
	}
	return last
}

// Warnings lists events; none where they cannot be read.
func (c *connection) Warnings(ctx context.Context, from source) []*unstructured.Unstructured {
	mapping, err := c.kinds.Mapping(from.kind)
	if err != nil {
		return nil
	}
	list, err := c.Objects(mapping, from.namespace).List(quiet(ctx), metav1.ListOptions{FieldSelector: from.fieldTerm, Limit: pageSize})
	if err != nil {
		c.Lacks(err, right{"list", mapping.Resource.GroupResource(), from.namespace}, insteadOfEvents)
		return nil
	}
	events := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		events[i] = &list.Items[i]
	}
	return events
}
