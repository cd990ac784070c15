package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/pager"

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
	found, _ := c.Warnings(ctx, warningsOf(ref))
	for _, found := range found {
		last = pods.Later(last, pods.WarningOf(found))
	}
	return last
}

// Warnings lists events; none where they cannot be read. partial says that there are more.
func (c *connection) Warnings(ctx context.Context, from source) (events []*unstructured.Unstructured, partial bool) {
	mapping, err := c.kinds.Mapping(from.kind)
	if err != nil {
		return nil, false
	}
	events, err = listMost(ctx, c.Objects(mapping, from.namespace), metav1.ListOptions{FieldSelector: from.fieldTerm})
	c.Lacks(err, right{"list", mapping.Resource.GroupResource(), from.namespace}, insteadOfEvents)
	return events, err != nil && len(events) > 0
}

// mostListed is how many objects are looked at, at most, that may explain something.
const mostListed = 20 * pageSize

// listMost lists objects page by page. Those that were listed before an error are returned with it; that there are more than are
// looked at is one.
func listMost(ctx context.Context, objects dynamic.ResourceInterface, options metav1.ListOptions) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return objects.List(ctx, options)
	})
	err := pages.EachListItem(quiet(ctx), options, func(item runtime.Object) error {
		if len(found) == mostListed {
			return fmt.Errorf("there are more than %d", mostListed)
		}
		object, isObject := item.(*unstructured.Unstructured)
		if isObject {
			found = append(found, object)
		}
		return nil
	})
	return found, err
}
