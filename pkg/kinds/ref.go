package kinds

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// RefOf returns the reference of an object as it is known before it is sent: with its UID where it has one, and without its
// resourceVersion.
func RefOf(object *unstructured.Unstructured) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: object.GetAPIVersion(),
		Kind:       object.GetKind(),
		Namespace:  object.GetNamespace(),
		Name:       object.GetName(),
		UID:        object.GetUID(),
	}
}

// Of returns the kind of a reference.
func Of(ref corev1.ObjectReference) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
}

// NameOf names an object in messages: Kind/namespace/name, or Kind/name, or Kind.
func NameOf(ref corev1.ObjectReference) string {
	parts := []string{ref.Kind, ref.Namespace, ref.Name}
	if ref.Namespace == "" {
		parts = []string{ref.Kind, ref.Name}
	}
	if ref.Name == "" {
		parts = []string{ref.Kind}
	}
	return strings.Join(parts, "/")
}

// CheckRefs is CheckPath for references; the error joins those of the references in their order.
func CheckRefs(refs ...corev1.ObjectReference) error {
	var errs []error
	for _, ref := range refs {
		if err := CheckPath(ref.Namespace, ref.Name); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", ref.Kind, err))
		}
	}
	return errors.Join(errs...)
}
