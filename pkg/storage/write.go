package storage

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Create stores a new revision whole: its parts first, the head last, so that a head stands for a complete record.
// The error is ErrConflict where the revision is there already; what was written for it is removed again.
func (s *Secrets) Create(ctx context.Context, r *release.Release) error {
	if err := s.create(ctx, r); err != nil {
		return fmt.Errorf("recording release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, err)
	}
	return nil
}

func (s *Secrets) create(ctx context.Context, r *release.Release) error {
	parts, counts, err := s.encodeParts(r)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := s.secrets.Secrets(r.Namespace).Create(ctx, part, createOptions()); err != nil {
			return errors.Join(err, s.dropParts(ctx, r, parts))
		}
	}
	head, err := s.encodeHead(r, counts)
	if err != nil {
		return err
	}
	created, err := s.secrets.Secrets(r.Namespace).Create(ctx, head, createOptions())
	if apierrors.IsAlreadyExists(err) {
		err = ErrConflict
	}
	if err != nil {
		return errors.Join(err, s.dropParts(ctx, r, parts))
	}
	r.Record = release.Record{Run: s.run, InventoryParts: counts.inventory}
	r.UID, r.ResourceVersion, r.CreationTimestamp = created.UID, created.ResourceVersion, created.CreationTimestamp
	return nil
}

// dropParts removes what this run wrote of a revision whose head could not be written.
func (s *Secrets) dropParts(ctx context.Context, r *release.Release, parts []*corev1.Secret) error {
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.Name
	}
	return s.delete(context.WithoutCancel(ctx), r.Namespace, names)
}

// UpdateStatus writes the status of a revision, on the condition that nobody else has written it since r was read or
// written; else the error is ErrConflict. A write whose answer was lost is recognised by its writer and number.
func (s *Secrets) UpdateStatus(ctx context.Context, r *release.Release) error {
	r.Status.Writer = s.run
	r.Status.Seq++
	patch, err := statusPatch(r)
	if err != nil {
		return err
	}
	head, err := s.secrets.Secrets(r.Namespace).Patch(ctx, headName(r.Name, r.Spec.Revision), types.MergePatchType, patch, patchOptions())
	if apierrors.IsConflict(err) {
		head, err = s.own(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("recording the status of release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, notFound(err))
	}
	r.ResourceVersion = head.ResourceVersion
	return nil
}

// own returns the stored head if it is what r says, so that the conflict comes from our own earlier try.
func (s *Secrets) own(ctx context.Context, r *release.Release) (*corev1.Secret, error) {
	head, err := s.secrets.Secrets(r.Namespace).Get(ctx, headName(r.Name, r.Spec.Revision), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	stored := &release.Release{}
	if err := decodeStatus(head, stored); err != nil {
		return nil, err
	}
	if stored.Status.Writer != r.Status.Writer || stored.Status.Seq != r.Status.Seq {
		return nil, ErrConflict
	}
	return head, nil
}

// UpdateInventory writes the inventory of a revision that was created by this run or read whole. Parts are written in
// order: an entry that moved is in two parts for a moment, never in none.
func (s *Secrets) UpdateInventory(ctx context.Context, r *release.Release) error {
	parts, err := s.encodeInventory(r)
	if err != nil {
		return err
	}
	for _, part := range parts {
		patch, err := partPatch(part)
		if err != nil {
			return err
		}
		_, err = s.secrets.Secrets(r.Namespace).Patch(ctx, part.Name, types.MergePatchType, patch, patchOptions())
		if err != nil {
			return fmt.Errorf("recording the inventory of release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, notFound(err))
		}
	}
	return nil
}

// Drop removes all that is stored of a release: heads first, so that no head is ever left without its parts.
func (s *Secrets) Drop(ctx context.Context, namespace, name string) error {
	all := labels.SelectorFromSet(labels.Set{labelOwner: owner, labelName: name})
	found, err := s.list(ctx, namespace, all)
	if err != nil {
		return fmt.Errorf("removing the record of release %s/%s: %w", namespace, name, err)
	}
	heads, parts := split(found)
	for _, secrets := range [][]string{heads, parts} {
		if err := s.delete(ctx, namespace, secrets); err != nil {
			return fmt.Errorf("removing the record of release %s/%s: %w", namespace, name, err)
		}
	}
	return nil
}

func split(found []metav1.PartialObjectMetadata) (heads, parts []string) {
	for i := range found {
		if _, isPart := found[i].Labels[labelPart]; isPart {
			parts = append(parts, found[i].Name)
		} else {
			heads = append(heads, found[i].Name)
		}
	}
	return heads, parts
}

// delete removes Secrets, several at a time. One that is gone already is no error.
func (s *Secrets) delete(ctx context.Context, namespace string, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, name := range names {
		group.Go(func() error {
			return ignoreNotFound(s.secrets.Secrets(namespace).Delete(ctx, name, metav1.DeleteOptions{}))
		})
	}
	return group.Wait()
}

func createOptions() metav1.CreateOptions { return metav1.CreateOptions{FieldManager: fieldManager} }
func patchOptions() metav1.PatchOptions   { return metav1.PatchOptions{FieldManager: fieldManager} }
