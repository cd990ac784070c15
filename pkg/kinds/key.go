package kinds

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Key identifies an object across API versions: two objects with the same key are one object on the cluster.
type Key struct {
	Group, Kind, Namespace, Name string
}

// KeyOf returns the key of a reference.
func KeyOf(ref corev1.ObjectReference) Key {
	group := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).Group
	return Key{Group: group, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
}

// String names the key as "Deployment/web", with the namespace where there is one: "Deployment/shop/web".
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind + "/" + k.Name
	}
	return k.Kind + "/" + k.Namespace + "/" + k.Name
}

// GroupKind returns the kind of the object.
func (k Key) GroupKind() schema.GroupKind { return schema.GroupKind{Group: k.Group, Kind: k.Kind} }

// Compare orders two objects as they are installed: by wave, then by kyaml's order of kinds, then by namespace
// and name. It returns a negative number, zero or a positive number.
func Compare(a, b Key) int {
	if order := cmp.Compare(Wave(a.GroupKind()), Wave(b.GroupKind())); order != 0 {
		return order
	}
	left, right := gvk(a), gvk(b)
	switch {
	case left.IsLessThan(right):
		return -1
	case right.IsLessThan(left):
		return 1
	}
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func gvk(k Key) resid.Gvk { return resid.NewGvk(k.Group, "", k.Kind) }
