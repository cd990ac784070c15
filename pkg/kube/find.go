package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// shelf is a kind in a namespace, and which of the wanted objects belong there.
type shelf struct {
	kind      schema.GroupVersionKind
	namespace string
	// wanted maps names to places in the result; a name may be wanted twice.
	wanted map[string][]int
}

// Find answers which of the objects exist, in the order of refs: their
// metadata, or nil for one that is not there. Of managedFields there is only
// what OwnData is about. Refs need no UID, and one is not looked at. It asks
// by one metadata-only list per kind and namespace, in parallel, or by name
// where lists are forbidden, which is a notice. An object of a kind that is
// no longer served, or in a namespace that is not there, is not there.
func (c *Cluster) Find(ctx context.Context, refs []corev1.ObjectReference) ([]*metav1.PartialObjectMetadata, error) {
	if err := kinds.CheckRefs(refs...); err != nil {
		return nil, fmt.Errorf("finding: %w", err)
	}
	// That an object is not there has records dropped, so it must not be concluded from what was so some time ago.
	c.api.kinds.LookAgain()
	found := make([]*metav1.PartialObjectMetadata, len(refs))
	shelves := sortByShelf(refs)
	ctx = quiet(ctx)
	err := each(ctx, len(shelves), atOnce, func(i int) error {
		shelf := shelves[i]
		err := c.api.findOn(ctx, shelf, found)
		if err == nil || apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			return nil
		}
		where := kinds.NameOf(corev1.ObjectReference{Kind: shelf.kind.Kind, Namespace: shelf.namespace, Name: "*"})
		return fmt.Errorf("finding %s: %w", where, err)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func sortByShelf(refs []corev1.ObjectReference) []shelf {
	type key struct {
		kind      schema.GroupVersionKind
		namespace string
	}
	places := map[key]int{}
	var shelves []shelf
	for i, ref := range refs {
		at := key{kinds.Of(ref), ref.Namespace}
		place, known := places[at]
		if !known {
			place = len(shelves)
			places[at] = place
			shelves = append(shelves, shelf{kind: at.kind, namespace: at.namespace, wanted: map[string][]int{}})
		}
		shelves[place].wanted[ref.Name] = append(shelves[place].wanted[ref.Name], i)
	}
	return shelves
}

func (c *connection) findOn(ctx context.Context, shelf shelf, found []*metav1.PartialObjectMetadata) error {
	return c.kinds.AtStored(ctx, shelf.kind, func(mapping *meta.RESTMapping) error {
		objects := c.Metadata(mapping, shelf.namespace)
		if len(shelf.wanted) == 1 {
			return findByName(ctx, objects, shelf, found)
		}
		err := findInList(ctx, objects, shelf, found)
		if apierrors.IsForbidden(err) {
			c.Lacks(err, right{"list", mapping.Resource.GroupResource(), namespaceOf(mapping, shelf.namespace)}, insteadOfList)
			return findByName(ctx, objects, shelf, found)
		}
		return err
	})
}

// findInList reads the list until all wanted objects are found.
func findInList(ctx context.Context, objects metadata.ResourceInterface, shelf shelf, found []*metav1.PartialObjectMetadata) error {
	seen := map[string]bool{}
	return scan(ctx, objects, func(item *metav1.PartialObjectMetadata) (enough bool) {
		if shelf.wanted[item.Name] != nil && !seen[item.Name] {
			seen[item.Name] = true
			keep(item.DeepCopy(), shelf, found)
		}
		return len(seen) == len(shelf.wanted)
	})
}

func findByName(ctx context.Context, objects metadata.ResourceInterface, shelf shelf, found []*metav1.PartialObjectMetadata) error {
	return askByName(ctx, slices.Collect(maps.Keys(shelf.wanted)), func(name string) error {
		object, err := objects.Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			keep(object, shelf, found)
		}
		return err
	})
}

// unreadError joins the errors of objects that were asked for by name. The others were read, or are not there.
type unreadError struct {
	error
	byName map[string]error
}

// Unwrap returns what is joined.
func (e *unreadError) Unwrap() error { return e.error }

// askByName asks for objects by their names, in parallel. The error is an unreadError; that one is not there is none.
func askByName(ctx context.Context, names []string, get func(name string) error) error {
	asked, failures := make([]bool, len(names)), make([]error, len(names))
	err := each(ctx, len(names), atOnce, func(i int) error {
		asked[i] = true
		if err := get(names[i]); !apierrors.IsNotFound(err) || refusal.IsUnserved(err) {
			failures[i] = err
		}
		return failures[i]
	})
	if err == nil {
		return nil
	}
	unread := &unreadError{err, map[string]error{}}
	for i, name := range names {
		if !asked[i] {
			failures[i] = context.Cause(ctx)
		}
		if failures[i] != nil {
			unread.byName[name] = failures[i]
		}
	}
	return unread
}

// keep puts the object where it is wanted. No two calls share a place.
func keep(object *metav1.PartialObjectMetadata, shelf shelf, found []*metav1.PartialObjectMetadata) {
	object.ManagedFields = stringDataOf(shelf.kind, object.ManagedFields)
	object.SetGroupVersionKind(shelf.kind)
	for _, i := range shelf.wanted[object.Name] {
		found[i] = object
	}
}
