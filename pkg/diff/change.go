// Package diff holds two versions of an object as they are compared: without what changes with every write, and without the values
// of Secrets.
package diff

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// Change is an object before and after something.
type Change struct {
	Ref corev1.ObjectReference
	// Action says what becomes of the object, in one word.
	Action string
	// Before and After are the object's versions; nil where there is none. They are not changed.
	Before, After *unstructured.Unstructured
}

// New returns the change from one version of an object to another, without what is of no interest, and reports whether there is
// any.
func New(ref corev1.ObjectReference, action string, before, after *unstructured.Unstructured) (change Change, differs bool) {
	change = Change{Ref: ref, Action: action, Before: plain(before), After: plain(after)}
	return change, !equality.Semantic.DeepEqual(content(change.Before), content(change.After))
}

func content(object *unstructured.Unstructured) map[string]any {
	if object == nil {
		return nil
	}
	return object.Object
}

// noise is what the API server and its controllers keep of each object, and change by themselves.
func noise() [][]string {
	return [][]string{
		{"status"},
		{"metadata", "managedFields"},
		{"metadata", "resourceVersion"},
		{"metadata", "generation"},
		{"metadata", "uid"},
		{"metadata", "creationTimestamp"},
		{"metadata", "selfLink"},
		{"metadata", "annotations", "deployment.kubernetes.io/revision"},
		// kubectl's copy of the object: it says everything twice, the values of Secrets included.
		{"metadata", "annotations", corev1.LastAppliedConfigAnnotation},
	}
}

// generated are what the API server gives to a Job and its Pods, anew for each Job of a name.
func generated() [][]string {
	var paths [][]string
	for _, label := range []string{"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"} {
		paths = append(paths, []string{"spec", "selector", "matchLabels", label},
			[]string{"spec", "template", "metadata", "labels", label}, []string{"metadata", "labels", label})
	}
	return paths
}

// plain returns a copy of an object without noise; nil for nil.
func plain(object *unstructured.Unstructured) *unstructured.Unstructured {
	if object == nil {
		return nil
	}
	object = object.DeepCopy()
	paths := noise()
	if kinds.IsJob(object.GroupVersionKind().GroupKind()) {
		paths = append(paths, generated()...)
	}
	for _, path := range paths {
		unstructured.RemoveNestedField(object.Object, path...)
	}
	for _, path := range [][]string{{"metadata", "annotations"}, {"metadata", "labels"}} {
		if values, found, err := unstructured.NestedMap(object.Object, path...); found && err == nil && len(values) == 0 {
			unstructured.RemoveNestedField(object.Object, path...)
		}
	}
	return object
}

// Between compares two lists of objects, such as the manifests of two revisions, and returns what differs in the order of the
// second, and then what the second does not have. Of several objects of one name the first is compared with the first, and so on.
func Between(before, after []*unstructured.Unstructured) []Change {
	left := slices.Clone(before)
	var changes []Change
	add := func(action string, before, after *unstructured.Unstructured) {
		named := after
		if named == nil {
			named = before
		}
		if change, differs := New(kinds.RefOf(named), action, before, after); differs {
			changes = append(changes, change)
		}
	}
	for _, object := range after {
		i := slices.IndexFunc(left, func(other *unstructured.Unstructured) bool { return sameObject(object, other) })
		if i < 0 {
			add(Created, nil, object)
			continue
		}
		add(Configured, left[i], object)
		left = slices.Delete(left, i, i+1)
	}
	for _, object := range left {
		add(Deleted, object, nil)
	}
	return changes
}

// What becomes of an object from one manifest to another.
const (
	Created    = "created"
	Configured = "configured"
	Deleted    = "deleted"
)

func sameObject(a, b *unstructured.Unstructured) bool {
	return a.GroupVersionKind().GroupKind() == b.GroupVersionKind().GroupKind() && a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}
