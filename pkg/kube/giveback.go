package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// returning is the annotation of an object whose content has been given back
// and whose managedFields have not; its value is Return.Owner. The two are two
// writes: what is changed together with managedFields would count as a change
// of whoever writes them.
const returning = "sherpack.io/returning"

// ErrContentStays is the error of an adopted object that belongs to its owner
// again, but whose content the server does not let be what it was: a ConfigMap
// that was made immutable, for example.
var ErrContentStays = errors.New("its content stays as it is")

// Return is an adopted object that is to be as it was before.
type Return struct {
	// Ref names the object.
	Ref corev1.ObjectReference
	// Before is what Snapshot returned before the object was adopted; nil where
	// that is not known any more: then it loses Marks and stays as it is.
	Before *unstructured.Unstructured
	// Owner is the release that gives the object back, as namespace/name.
	Owner string
	// Marked reports whether an object carries the marks of Owner.
	Marked func(metav1.Object) bool
	// Marks are the keys of labels and annotations that are the marks of any
	// release.
	Marks []string
}

// Snapshot returns objects whole, with managedFields and without status, in
// the order of refs; nil for one that is not there. Refs need no UID.
func (c *Cluster) Snapshot(ctx context.Context, refs []corev1.ObjectReference) ([]*unstructured.Unstructured, error) {
	if err := kinds.CheckRefs(refs...); err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	found := make([]*unstructured.Unstructured, len(refs))
	err := each(ctx, len(refs), atOnce, func(i int) error {
		object, err := c.api.whole(ctx, refs[i])
		if err != nil {
			return fmt.Errorf("reading %s: %w", kinds.NameOf(refs[i]), err)
		}
		found[i] = object
		return nil
	})
	return found, err
}

// whole reads an object without its status; nil where there is none.
func (c *connection) whole(ctx context.Context, ref corev1.ObjectReference) (*unstructured.Unstructured, error) {
	mapping, err := c.kinds.Stored(kinds.Of(ref))
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object, err := c.Objects(mapping, ref.Namespace).Get(quiet(ctx), ref.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	unstructured.RemoveNestedField(object.Object, "status")
	return object, nil
}

// GiveBack makes adopted objects what they were before they were adopted,
// atOnce at a time: content, labels, annotations and managedFields. What other
// managers have changed since stays as they left it. An object that is not
// adopted any more, or is another one, is not changed, so that it may be called
// again after it was cut short at any point. done, which may be nil, is called
// once for each object that was sent for, one call at a time; an error that is
// ErrContentStays, or ErrGone or ErrReplaced of an object that no longer exists,
// is told to it alone.
func (c *Cluster) GiveBack(ctx context.Context, returns []Return, done func(i int, err error)) error {
	for _, r := range returns {
		if err := kinds.CheckRefs(r.Ref); err != nil {
			return fmt.Errorf("giving back: %w", err)
		}
	}
	report := inTurn(done)
	return each(ctx, len(returns), atOnce, func(i int) error {
		err := restorer{c.api, returns[i]}.giveBack(ctx)
		if err != nil {
			err = fmt.Errorf("giving back %s: %w", kinds.NameOf(returns[i].Ref), returns[i].withoutSecrets(err))
		}
		report(i, err)
		if errors.Is(err, ErrContentStays) || errors.Is(err, refusal.ErrGone) || errors.Is(err, refusal.ErrReplaced) {
			return nil
		}
		return err
	})
}

// withoutSecrets hides what a Secret held from an error.
func (r Return) withoutSecrets(err error) error {
	if r.Before == nil {
		return err
	}
	return refusal.WithoutSecrets(r.Before, err)
}

// restorer gives one object back.
type restorer struct {
	*connection
	Return
}

// giveBack reads and writes until nobody else writes between.
func (r restorer) giveBack(ctx context.Context) error {
	for {
		live, err := r.whole(ctx, r.Ref)
		if err != nil {
			return err
		}
		switch {
		case live == nil, live.GetDeletionTimestamp() != nil:
			return refusal.ErrGone
		case r.Before == nil:
			err = r.unmark(ctx, live)
		case r.Before.GetUID() != live.GetUID():
			return refusal.ErrReplaced
		case r.Before.GetResourceVersion() == live.GetResourceVersion():
			return nil
		case live.GetAnnotations()[returning] == r.Owner:
			err = r.restoreManagers(ctx, live)
		case r.Marked(live) || r.marksAsBefore(live) && takenOver(r.Before, live):
			err = r.restore(ctx, live)
		}
		if apierrors.IsNotFound(err) {
			return refusal.ErrGone
		}
		if !apierrors.IsConflict(err) {
			return err
		}
	}
}

// restore gives back content and managers. What the server will never take
// back is at least not ours any more.
func (r restorer) restore(ctx context.Context, live *unstructured.Unstructured) error {
	restored, err := r.restoreContent(ctx, live)
	if apierrors.IsInvalid(err) {
		if failure := r.unmark(ctx, live); failure != nil {
			return failure
		}
		return fmt.Errorf("%w: %w", ErrContentStays, err)
	}
	if err != nil {
		return err
	}
	return r.restoreManagers(ctx, restored)
}

// marksAsBefore reports whether nobody has put other marks on an object since
// it was read.
func (r Return) marksAsBefore(live *unstructured.Unstructured) bool {
	labels, annotations := live.GetLabels(), live.GetAnnotations()
	return !slices.ContainsFunc(r.Marks, func(mark string) bool {
		return labels[mark] != r.Before.GetLabels()[mark] || annotations[mark] != r.Before.GetAnnotations()[mark]
	})
}

// takenOver reports whether TakeOver has run, and no apply after it: fields of
// a predecessor have become ours.
func takenOver(before, live *unstructured.Unstructured) bool {
	managers := live.GetManagedFields()
	return slices.ContainsFunc(before.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return slices.Contains(predecessors(), entry.Manager) && entry.Subresource == "" && !slices.ContainsFunc(managers, func(other metav1.ManagedFieldsEntry) bool {
			return sameManager(entry, other)
		})
	}) && slices.ContainsFunc(managers, isOurs)
}

// restoreContent applies, in our own name, the fields that were ours before or
// have become so, with the values that they had: so the fields that the
// adoption has added go, those that it has changed go back, and those that it
// has dropped return. It returns the object after that. An object that
// somebody has written since it was read is a conflict: what they have written
// is not ours to overwrite.
func (r restorer) restoreContent(ctx context.Context, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	mapping, err := r.kinds.Mapping(live.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	content, err := former{r.Before, live}.Content()
	if err != nil {
		return nil, err
	}
	annotations := content.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[returning] = r.Owner
	content.SetAnnotations(annotations)
	content.SetResourceVersion(live.GetResourceVersion())
	body, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	result, _ := retried(ctx, func() *rest.Request {
		return r.rest.Patch(types.ApplyPatchType).AbsPath(objectPath(mapping, r.Ref.Namespace, r.Ref.Name)...).
			Param("fieldManager", fieldManager).Param("force", "true").Body(body)
	})
	after := map[string]any{}
	if _, err := decode(result, &after); err != nil {
		return nil, refusal.Classify(r.Ref, err)
	}
	return &unstructured.Unstructured{Object: after}, nil
}

// restoreManagers writes the managers of fields as they were, if the object is
// still the one that was read.
func (r restorer) restoreManagers(ctx context.Context, live *unstructured.Unstructured) error {
	managers, err := former{r.Before, live}.Managers()
	if err != nil {
		return err
	}
	return r.patchMetadata(ctx, map[string]any{
		"managedFields": managers, "annotations": map[string]any{returning: nil}, "resourceVersion": live.GetResourceVersion(),
	})
}

// unmark takes our marks off an object of which nobody knows what it was.
func (r restorer) unmark(ctx context.Context, live *unstructured.Unstructured) error {
	if !r.Marked(live) {
		return nil
	}
	marks := map[string]any{}
	for _, mark := range r.Marks {
		marks[mark] = nil
	}
	return r.patchMetadata(ctx, map[string]any{
		"labels": marks, "annotations": marks, "resourceVersion": live.GetResourceVersion(),
	})
}

// patchMetadata changes metadata and nothing else. The version in it makes the
// patch one that may be sent again: a lost answer is told as a conflict.
func (r restorer) patchMetadata(ctx context.Context, metadata map[string]any) error {
	mapping, err := r.kinds.Stored(kinds.Of(r.Ref))
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return err
	}
	ctx = quiet(ctx)
	_, err = patience.Repeat(ctx, func() error {
		options := metav1.PatchOptions{FieldManager: fieldManager}
		_, err := r.Metadata(mapping, r.Ref.Namespace).Patch(ctx, r.Ref.Name, types.MergePatchType, patch, options)
		return err
	})
	return err
}
