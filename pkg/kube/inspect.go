package kube

import (
	"context"
	"errors"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

// Condition is how an object is right now, in one word.
type Condition string

// The conditions of objects.
const (
	IsReady    Condition = "Ready"
	IsNotReady Condition = "NotReady"
	// IsFailed will not become ready by itself.
	IsFailed Condition = "Failed"
	// IsSkipped is not waited for by anybody: a paused rollout, or one of strategy OnDelete.
	IsSkipped  Condition = "Skipped"
	IsNotFound Condition = "NotFound"
	// IsReplaced is another object of the same name.
	IsReplaced Condition = "Replaced"
	// IsUnknown could not be read.
	IsUnknown Condition = "Unknown"
)

// Inspected is what is known of an object right now.
type Inspected struct {
	Condition Condition
	// Message says why; it may be empty.
	Message string
	// Reasons are what is known of the why: what its Pods wait for and the last Warning events.
	Reasons []string
	// Created is when the object was created; zero where that is not known.
	Created metav1.Time

	// object is what was read; nil where only the metadata was, or nothing.
	object *unstructured.Unstructured
}

// HasState reports whether objects of a kind tell more about whether they are ready than that they are there.
func HasState(kind schema.GroupKind) bool { return health.HasState(kind) }

// insteadOfState is what is done without the right to read an object.
const insteadOfState = "whether it is ready is not known"

// Inspect tells how objects are right now, in their order. It asks by one list per kind and namespace, in parallel, of the metadata
// alone where an object of that kind is ready once it is there, or by name where lists are forbidden. Full objects are narrowed
// by the label selector, which the targets should match; one that it does not select is asked for by name. What cannot be read
// is unknown; a right that is missing for it is a notice. Of what is not ready it asks for the reasons.
func (c *Cluster) Inspect(ctx context.Context, targets []WaitTarget, selector string) []Inspected {
	ctx = quiet(ctx)
	refs := make([]corev1.ObjectReference, len(targets))
	for i, target := range targets {
		refs[i] = target.Ref
	}
	i := &inspection{connection: c.api, targets: targets, selector: selector, found: make([]Inspected, len(targets))}
	shelves := sortByShelf(refs)
	// Errors are in what is found.
	_ = each(ctx, len(shelves), atOnce, func(at int) error {
		i.inspect(ctx, shelves[at])
		return nil
	})
	for at := range i.found {
		if i.found[at].Condition == "" {
			i.found[at].Condition, i.found[at].Message = IsUnknown, "it was not asked for in time"
		}
	}
	i.explain(ctx)
	return i.found
}

// inspection looks at some objects. No two calls of its methods that are under way share a place in found.
type inspection struct {
	*connection
	targets  []WaitTarget
	selector string
	found    []Inspected
}

// inspect looks at the objects of a kind in a namespace.
func (i *inspection) inspect(ctx context.Context, on shelf) {
	var err error
	if i.needsObjects(on) {
		err = i.kinds.AtStored(ctx, on.kind, func(mapping *meta.RESTMapping) error { return i.read(ctx, mapping, on) })
	} else {
		err = i.readMetadata(ctx, on)
	}
	for name, places := range on.wanted {
		err := reasonFor(name, err)
		i.noteRefusal(err, on)
		for _, at := range places {
			if i.found[at].Condition != "" {
				continue
			}
			i.found[at].Condition = IsNotFound
			if err != nil && !meta.IsNoMatchError(err) {
				i.found[at].Condition, i.found[at].Message = IsUnknown, unknownBecause(err)
			}
		}
	}
}

// reasonFor is why an object could not be read, by the error of reading all of its kind and namespace; nil where it could.
func reasonFor(name string, err error) error {
	var unread *unreadError
	if errors.As(err, &unread) {
		return unread.byName[name]
	}
	return err
}

// unknownBecause says in a few words why an object could not be read.
func unknownBecause(err error) string {
	if apierrors.IsForbidden(err) {
		return "no right to get it"
	}
	return err.Error()
}

func (i *inspection) noteRefusal(err error, on shelf) {
	mapping, unknown := i.kinds.Stored(on.kind)
	if err == nil || unknown != nil {
		return
	}
	i.Lacks(err, right{"get", mapping.Resource.GroupResource(), namespaceOf(mapping, on.namespace)}, insteadOfState)
}

// needsObjects reports whether it takes more than metadata to tell whether the objects are ready.
func (i *inspection) needsObjects(on shelf) bool {
	if health.HasState(on.kind.GroupKind()) {
		return true
	}
	for _, places := range on.wanted {
		if slices.ContainsFunc(places, func(at int) bool { return len(i.targets[at].Ready)+len(i.targets[at].Failed) > 0 }) {
			return true
		}
	}
	return false
}

func (i *inspection) readMetadata(ctx context.Context, on shelf) error {
	found := make([]*metav1.PartialObjectMetadata, len(i.targets))
	err := i.findOn(ctx, on, found)
	for at, object := range found {
		if object == nil {
			continue
		}
		seen := Inspected{Condition: IsReady, Created: object.CreationTimestamp}
		if object.DeletionTimestamp != nil {
			seen.Condition, seen.Message = IsFailed, "it is being deleted"
		}
		i.put(at, object.UID != "" && i.isOther(at, string(object.UID)), seen)
	}
	return err
}

// read reads whole objects: by a list, or by name where only one is wanted, lists are forbidden, or the selector has not found it.
func (i *inspection) read(ctx context.Context, mapping *meta.RESTMapping, on shelf) error {
	objects := i.Objects(mapping, on.namespace)
	missing := map[string]bool{}
	for name := range on.wanted {
		missing[name] = true
	}
	take := func(object *unstructured.Unstructured) {
		if missing[object.GetName()] {
			delete(missing, object.GetName())
			for _, at := range on.wanted[object.GetName()] {
				i.take(ctx, at, object)
			}
		}
	}
	if len(on.wanted) > 1 {
		list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: i.selector})
		switch {
		case apierrors.IsForbidden(err):
			i.Lacks(err, right{"list", mapping.Resource.GroupResource(), namespaceOf(mapping, on.namespace)}, insteadOfList)
		case err != nil:
			return err
		default:
			for at := range list.Items {
				take(&list.Items[at])
			}
		}
	}
	return askByName(ctx, slices.Collect(maps.Keys(missing)), func(name string) error {
		object, err := objects.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, at := range on.wanted[name] {
			i.take(ctx, at, object)
		}
		return nil
	})
}

// take notes the state of an object.
func (i *inspection) take(ctx context.Context, at int, object *unstructured.Unstructured) {
	seen := Inspected{Condition: IsNotReady, Created: object.GetCreationTimestamp(), object: object}
	state, err := health.Readiness(object, i.targets[at].Ready, i.targets[at].Failed)
	seen.Message = state.Message
	switch {
	case err != nil:
		seen.Condition, seen.Message = IsUnknown, err.Error()
	case state.Ready:
		seen.Condition, seen.Message = IsReady, ""
	case state.Failed:
		seen.Condition = IsFailed
	case state.Skipped:
		seen.Condition = IsSkipped
	case state.Class != "":
		if late, err := i.bindsLate(ctx, state.Class); err == nil && late {
			seen.Condition, seen.Message = IsReady, "it waits for its first consumer"
		}
	}
	i.put(at, i.isOther(at, string(object.GetUID())), seen)
}

// isOther reports whether a UID is not that of the object that is meant.
func (i *inspection) isOther(at int, uid string) bool {
	wanted := string(i.targets[at].Ref.UID)
	return wanted != "" && wanted != uid
}

func (i *inspection) put(at int, isOther bool, seen Inspected) {
	if isOther {
		seen = Inspected{Condition: IsReplaced, Message: "another object has taken its place", Created: seen.Created}
	}
	i.found[at] = seen
}

// explain adds the reasons of what is not ready.
func (i *inspection) explain(ctx context.Context) {
	var places []int
	var objects []*unstructured.Unstructured
	for at, seen := range i.found {
		if seen.object != nil && (seen.Condition == IsNotReady || seen.Condition == IsFailed) && len(places) < explainedAtAll {
			places, objects = append(places, at), append(objects, seen.object)
		}
	}
	if len(places) == 0 {
		return
	}
	for place, reasons := range i.reasons(ctx, objects) {
		i.found[places[place]].Reasons = reasons
	}
}
