package manifest

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// PodSpec returns the specification of the object's Pods. It is not found where objects of the kind have none, and where its
// fields have other types than they should: the API server will refuse it.
func (o Object) PodSpec() (spec corev1.PodSpec, found bool) {
	path := kinds.PodSpec(o.GroupKind())
	if path == nil {
		return spec, false
	}
	return Part[corev1.PodSpec](o, path...)
}

// Part reads the part of an object at a path, or the whole without one, as a type. It is not found where the object has no such
// fields.
func Part[T any](object Object, path ...string) (part T, found bool) {
	value, found, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	fields, isMap := value.(map[string]any)
	if err != nil || !found || !isMap {
		return part, false
	}
	return part, runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &part) == nil
}
