package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// aftermath bounds, each, what is still done for a revision that could not be recorded: finding out, and cleaning up.
const aftermath = 10 * time.Second

// Create stores a new revision whole: its parts first, the head last, so that a head stands for a complete record.
// The error is ErrConflict where the revision is there already, or an *UnlistedError where nobody could know; what was
// written for it is removed again.
func (s *Secrets) Create(ctx context.Context, r *release.Release) error {
	if err := s.create(ctx, r); err != nil {
		return fmt.Errorf("recording release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, err)
	}
	return nil
}

func (s *Secrets) create(ctx context.Context, r *release.Release) error {
	// What it was read from, where it was, is another record.
	r.Record, r.Status.Writer = release.Record{}, s.run
	parts, counts, err := s.encodeParts(r)
	if err != nil {
		return err
	}
	head, err := s.encodeHead(r, counts)
	if err != nil {
		return err
	}
	looked := make(chan []string, 1)
	go func() { looked <- s.strays(ctx, r) }()
	err = s.createParts(ctx, parts)
	strays := <-looked
	if err != nil {
		return err
	}
	created, err := s.createSecret(ctx, head)
	if err != nil {
		created, err = s.resolve(ctx, head, parts, err)
	}
	if err != nil {
		return err
	}
	r.Record = release.Record{
		Run: s.run, Inventory: versions(parts[counts.payload : counts.payload+counts.inventory]), Former: counts.former,
	}
	r.UID, r.ResourceVersion, r.CreationTimestamp = created.UID, created.ResourceVersion, created.CreationTimestamp
	s.noteWritten(r)
	// The revision is recorded, whether or not they can be deleted.
	_ = s.delete(ctx, r.Namespace, strays)
	return nil
}

// createSecret creates a Secret, and returns what the server has added to its metadata. One of this run that is there
// already counts as created where an earlier try may have been carried out.
func (s *Secrets) createSecret(ctx context.Context, secret *corev1.Secret) (*metav1.ObjectMeta, error) {
	created, options := &metav1.PartialObjectMetadata{}, createOptions()
	unsure, err := patience.Repeat(ctx, func() error {
		// Retries of the client's own would hide that there was a try before. The content need not come back.
		result := s.secrets.RESTClient().Post().MaxRetries(0).Namespace(secret.Namespace).Resource("secrets").
			VersionedParams(&options, scheme.ParameterCodec).SetHeader("Accept", metadataOnly).Body(secret).Do(ctx)
		// Raw alone does not tell what the server says of an error.
		if err := result.Error(); err != nil {
			return err
		}
		answer, err := result.Raw()
		if err != nil {
			return err
		}
		return json.Unmarshal(answer, created)
	})
	if !unsure || !apierrors.IsAlreadyExists(err) {
		return &created.ObjectMeta, err
	}
	found, failure := s.secrets.Secrets(secret.Namespace).Get(ctx, secret.Name, metav1.GetOptions{})
	if failure == nil && (found.Labels[labelRun] == s.run || found.Annotations[annotationWriter] == s.run) {
		return &found.ObjectMeta, nil
	}
	return nil, errors.Join(err, failure)
}

// resolve finds out what became of a head whose creation got no good answer, because that answer may have been lost. A
// head of this run is as good as created. Parts are removed only when there surely is none, so that no head is ever left
// without them.
func (s *Secrets) resolve(ctx context.Context, head *corev1.Secret, parts []*corev1.Secret, failure error) (*metav1.ObjectMeta, error) {
	lookup, cancel := context.WithTimeout(context.WithoutCancel(ctx), aftermath)
	defer cancel()
	found, err := s.secrets.Secrets(head.Namespace).Get(lookup, head.Name, metav1.GetOptions{})
	switch {
	case err == nil && found.Labels[labelRun] == s.run:
		return &found.ObjectMeta, nil
	case err == nil:
		failure = cmp.Or(checkListed(&found.ObjectMeta), ErrConflict)
	case !apierrors.IsNotFound(err):
		return nil, errors.Join(failure, err)
	}
	return nil, errors.Join(failure, s.dropParts(ctx, head.Namespace, parts))
}

// dropParts removes what this run wrote of a revision whose head could not be written.
func (s *Secrets) dropParts(ctx context.Context, namespace string, parts []*corev1.Secret) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aftermath)
	defer cancel()
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.Name
	}
	return s.delete(ctx, namespace, names)
}

// UpdateStatus writes the status of a revision, on the condition that nobody else has written it since r was read or
// written; else the error is ErrConflict. A write that gets no answer is tried again, and one whose answer was lost is
// recognised by its writer and number.
func (s *Secrets) UpdateStatus(ctx context.Context, r *release.Release) error {
	r.Status.Writer = s.run
	r.Status.Seq++
	head, err := s.patchStatus(ctx, r)
	if apierrors.IsConflict(err) {
		head, err = s.overOwn(ctx, r)
	}
	if errors.Is(err, ErrConflict) {
		// The number is for what may have been written.
		r.Status.Seq--
	}
	if err != nil {
		return fmt.Errorf("recording the status of release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, notFound(err))
	}
	r.ResourceVersion = head.ResourceVersion
	s.noteWritten(r)
	return nil
}

func (s *Secrets) patchStatus(ctx context.Context, r *release.Release) (*corev1.Secret, error) {
	patch, err := statusPatch(r)
	if err != nil {
		return nil, err
	}
	return s.patch(ctx, r.Namespace, headName(r.Name, r.Spec.Revision), patch)
}

// patch changes a Secret. It may be sent more than once: none of our patches does harm when it comes twice.
func (s *Secrets) patch(ctx context.Context, namespace, name string, patch []byte) (changed *corev1.Secret, err error) {
	_, err = patience.Repeat(ctx, func() error {
		changed, err = s.secrets.Secrets(namespace).Patch(ctx, name, types.MergePatchType, patch, patchOptions())
		return err
	})
	return changed, err
}

// overOwn resolves a conflict. It comes from this run's own earlier write if the answer to that was lost: then the stored
// head is what r says, or an older status of this run, which r replaces. Else the error is ErrConflict.
func (s *Secrets) overOwn(ctx context.Context, r *release.Release) (*corev1.Secret, error) {
	head, err := s.secrets.Secrets(r.Namespace).Get(ctx, headName(r.Name, r.Spec.Revision), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	found := &release.Release{}
	if err := decodeStatus(head, found); err != nil {
		return nil, err
	}
	status, err := json.Marshal(stored(r.Status))
	switch {
	case err != nil:
		return nil, err
	case bytes.Equal(status, head.Data[statusKey]):
		return head, nil
	case found.Status.Writer != s.run || found.Status.Seq >= r.Status.Seq:
		return nil, ErrConflict
	}
	r.ResourceVersion = head.ResourceVersion
	head, err = s.patchStatus(ctx, r)
	if apierrors.IsConflict(err) {
		err = ErrConflict
	}
	return head, err
}

// UpdateInventory writes the inventory of a revision that was created by this run or read, on the condition that nobody
// else has written it since; else the error is ErrConflict. Parts are written in order: an entry that moved is in two parts
// for a moment, never in none. Parts that could not be read are recreated.
func (s *Secrets) UpdateInventory(ctx context.Context, r *release.Release) error {
	parts, err := s.encodeInventory(r)
	if err == nil {
		err = s.updateInventory(ctx, r, parts)
	}
	if err != nil {
		return fmt.Errorf("recording the inventory of release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, notFound(err))
	}
	return nil
}

func (s *Secrets) updateInventory(ctx context.Context, r *release.Release, parts []*corev1.Secret) (err error) {
	damaged := r.Record.Damage.Inventory != nil
	if len(parts) > len(r.Record.Inventory) && !damaged {
		return fmt.Errorf("it has %d parts, the record has %d", len(parts), len(r.Record.Inventory))
	}
	for i, part := range parts {
		if i == len(r.Record.Inventory) {
			r.Record.Inventory = append(r.Record.Inventory, "")
		}
		write := s.patchPart
		if part.ResourceVersion = r.Record.Inventory[i]; part.ResourceVersion == "" {
			write = s.replacePart
		}
		if r.Record.Inventory[i], err = write(ctx, part); err != nil {
			return err
		}
	}
	if damaged {
		return s.leadTo(ctx, r, parts)
	}
	return nil
}

// replacePart writes a part whatever there is of it, and returns its version. What can be read of it is there until the new
// content is: only what cannot be changed, because somebody has made something else of it, is deleted before.
func (s *Secrets) replacePart(ctx context.Context, part *corev1.Secret) (version string, err error) {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"labels": part.Labels, "annotations": part.Annotations}, "type": part.Type, "data": part.Data,
	})
	if err != nil {
		return "", err
	}
	changed, err := s.patch(ctx, part.Namespace, part.Name, patch)
	switch {
	case err == nil:
		return changed.ResourceVersion, nil
	case apierrors.IsInvalid(err):
		err = s.delete(ctx, part.Namespace, []string{part.Name})
	default:
		err = ignoreNotFound(err)
	}
	if err == nil {
		err = s.createPart(ctx, part)
	}
	return part.ResourceVersion, err
}

// leadTo has a head say how many parts its inventory has, and whose they are, after parts were recreated.
func (s *Secrets) leadTo(ctx context.Context, r *release.Release, parts []*corev1.Secret) error {
	run, count := parts[0].Labels[labelRun], strconv.Itoa(len(parts))
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": r.ResourceVersion, "labels": map[string]string{labelRun: run},
		"annotations": map[string]string{annotationInventoryParts: count},
	}})
	if err != nil {
		return err
	}
	head, err := s.patch(ctx, r.Namespace, headName(r.Name, r.Spec.Revision), patch)
	if apierrors.IsConflict(err) {
		head, err = s.leadsTo(ctx, r, run, count)
	}
	if err == nil {
		r.ResourceVersion, r.Record.Run, r.Record.Damage.Inventory = head.ResourceVersion, run, nil
		s.noteWritten(r)
	}
	return err
}

// leadsTo resolves a conflict: an earlier try whose answer was lost may have led the head to the parts. Whoever else writes a
// head writes its status.
func (s *Secrets) leadsTo(ctx context.Context, r *release.Release, run, count string) (*corev1.Secret, error) {
	head, err := s.secrets.Secrets(r.Namespace).Get(ctx, headName(r.Name, r.Spec.Revision), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	found := &release.Release{}
	// One that cannot be read was not written by another command since it was read.
	if err := decodeStatus(head, found); err != nil && r.Record.Damage.Status == nil {
		return nil, err
	}
	leads := head.Labels[labelRun] == run && head.Annotations[annotationInventoryParts] == count
	if !leads || found.Status.Writer != r.Status.Writer || found.Status.Seq > r.Status.Seq {
		return nil, ErrConflict
	}
	return head, nil
}

// patchPart writes a part on the condition that it has its version, and returns the new one. A write of this run whose answer
// was lost does not count as another's.
func (s *Secrets) patchPart(ctx context.Context, part *corev1.Secret) (version string, err error) {
	patch, err := s.partPatch(part)
	if err != nil {
		return part.ResourceVersion, err
	}
	changed, err := s.patch(ctx, part.Namespace, part.Name, patch)
	if err == nil {
		return changed.ResourceVersion, nil
	}
	if !apierrors.IsConflict(err) {
		return part.ResourceVersion, err
	}
	found, err := s.secrets.Secrets(part.Namespace).Get(ctx, part.Name, metav1.GetOptions{})
	switch {
	case err != nil:
		return part.ResourceVersion, err
	case found.Annotations[annotationWriter] != s.run || found.ResourceVersion == part.ResourceVersion:
		return part.ResourceVersion, ErrConflict
	}
	part.ResourceVersion = found.ResourceVersion
	return s.patchPart(ctx, part)
}

// Drop removes all that is stored of a release: heads first, so that no head is ever left without its parts, and of them
// the newest last, so that what an interrupted Drop leaves still says how far the release got. The error is an *UnlistedError,
// and nothing is removed, where there is a revision whose labels have been changed: it may have an inventory of its own.
func (s *Secrets) Drop(ctx context.Context, namespace, name string) error {
	if err := s.drop(ctx, namespace, labels.Set{labelOwner: owner, labelName: name}, ofRelease(name)); err != nil {
		return fmt.Errorf("removing the record of release %s/%s: %w", namespace, name, err)
	}
	return nil
}

// drop removes the Secrets with some labels whose names belong to what is dropped.
func (s *Secrets) drop(ctx context.Context, namespace string, which labels.Set, belongs func(secret string) bool) error {
	found, err := s.list(ctx, namespace, labels.SelectorFromSet(which))
	if err != nil {
		return err
	}
	heads, parts := split(found, belongs)
	if err := s.checkHeadless(ctx, namespace, heads, parts); err != nil {
		return err
	}
	newest := max(0, len(heads)-1)
	for _, secrets := range [][]string{heads[:newest], heads[newest:], parts} {
		if err := s.delete(ctx, namespace, secrets); err != nil {
			return err
		}
	}
	return nil
}

// delete removes Secrets, several at a time. One that is gone already is no error.
func (s *Secrets) delete(ctx context.Context, namespace string, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, name := range names {
		group.Go(func() error {
			_, err := patience.Repeat(ctx, func() error {
				return s.secrets.Secrets(namespace).Delete(ctx, name, metav1.DeleteOptions{})
			})
			return ignoreNotFound(err)
		})
	}
	return group.Wait()
}

func createOptions() metav1.CreateOptions { return metav1.CreateOptions{FieldManager: fieldManager} }
func patchOptions() metav1.PatchOptions   { return metav1.PatchOptions{FieldManager: fieldManager} }
