package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// UpdateStatus writes the status of a revision, on the condition that nobody else has written it since r was read or
// written; else the error is ErrConflict. A write that gets no answer is tried again, and one whose answer was lost is
// recognised by its writer and number.
func (s *Secrets) UpdateStatus(ctx context.Context, r *release.Release) error {
	r.Status.Writer = s.client.run
	r.Status.Seq++
	head, err := s.client.patchStatus(ctx, r)
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
	s.newest.noteWritten(r)
	return nil
}

func (c *client) patchStatus(ctx context.Context, r *release.Release) (*corev1.Secret, error) {
	patch, err := statusPatch(r)
	if err != nil {
		return nil, err
	}
	return c.patch(ctx, r.Namespace, headName(r.Name, r.Spec.Revision), patch)
}

// overOwn resolves a conflict. It comes from this run's own earlier write if the answer to that was lost: then the stored
// head is what r says, or an older status of this run, which r replaces. Else the error is ErrConflict.
func (s *Secrets) overOwn(ctx context.Context, r *release.Release) (*corev1.Secret, error) {
	head, err := s.client.secrets.Secrets(r.Namespace).Get(ctx, headName(r.Name, r.Spec.Revision), metav1.GetOptions{})
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
	case found.Status.Writer != s.client.run || found.Status.Seq >= r.Status.Seq:
		return nil, ErrConflict
	}
	r.ResourceVersion = head.ResourceVersion
	head, err = s.client.patchStatus(ctx, r)
	if apierrors.IsConflict(err) {
		err = ErrConflict
	}
	return head, err
}

// Supersede records of a stored revision that another one is deployed in its place, on the condition that nobody else has
// written it since r was read; else the error is ErrConflict. Only the label changes, which is what counts: r needs no more
// than what lists show.
func (s *Secrets) Supersede(ctx context.Context, r *release.Release) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": r.ResourceVersion, "labels": map[string]string{labelStatus: string(release.Superseded)},
	}})
	if err != nil {
		return err
	}
	head, err := s.client.patch(ctx, r.Namespace, headName(r.Name, r.Spec.Revision), patch)
	if apierrors.IsConflict(err) {
		head, err = s.superseded(ctx, r)
	}
	if err == nil {
		r.ResourceVersion = head.ResourceVersion
	}
	if err := ignoreNotFound(err); err != nil {
		return fmt.Errorf("recording that release %s/%s revision %d is superseded: %w", r.Namespace, r.Name, r.Spec.Revision, err)
	}
	return nil
}

// superseded resolves a conflict: an earlier try whose answer was lost may have done it.
func (s *Secrets) superseded(ctx context.Context, r *release.Release) (*corev1.Secret, error) {
	head, err := s.client.secrets.Secrets(r.Namespace).Get(ctx, headName(r.Name, r.Spec.Revision), metav1.GetOptions{})
	if err == nil && head.Labels[labelStatus] != string(release.Superseded) {
		err = ErrConflict
	}
	return head, err
}

// statusPatch is the merge patch that brings a head to the status of r, conditional on its resource version.
func statusPatch(r *release.Release) ([]byte, error) {
	status, err := json.Marshal(stored(r.Status))
	if err != nil {
		return nil, err
	}
	marks, annotations := map[string]string{labelStatus: string(r.Status.Phase)}, statusAnnotations(r)
	if r.Record.Damage.Head != nil {
		// What can be told of the head is written again.
		if r.Record.Run != "" {
			marks[labelRun] = r.Record.Run
		}
		marks[labelOwner], marks[labelName], marks[labelVersion] = owner, r.Name, strconv.Itoa(r.Spec.Revision)
		annotations[annotationFormat] = strconv.Itoa(release.FormatVersion)
	}
	return json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": r.ResourceVersion, "labels": marks, "annotations": annotations},
		"data":     map[string][]byte{statusKey: status},
	})
}

// stored returns the part of a status that is kept: what the shown object adds is omitted.
func stored(status release.Status) release.Status {
	status.Resources, status.DeployedRevision = nil, 0
	return status
}

// statusAnnotations are those that follow the status.
func statusAnnotations(r *release.Release) map[string]string {
	annotations := map[string]string{
		annotationOperation: string(r.Status.Operation),
		annotationMessage:   truncate(r.Status.Message, maxMessage),
		annotationCause:     truncate(r.Status.Cause, maxMessage),
	}
	switch {
	case r.Status.FinishedAt != nil:
		annotations[annotationUpdated] = r.Status.FinishedAt.UTC().Format(time.RFC3339)
	case r.Status.StartedAt != nil:
		annotations[annotationUpdated] = r.Status.StartedAt.UTC().Format(time.RFC3339)
	}
	return annotations
}

func decodeStatus(head *corev1.Secret, into *release.Release) error {
	into.Status = release.Status{}
	if err := json.Unmarshal(head.Data[statusKey], &into.Status); err != nil {
		return fmt.Errorf("secret %s/%s: %w: reading its status: %w", head.Namespace, head.Name, ErrDamaged, err)
	}
	if !into.Status.Phase.Known() {
		return fmt.Errorf("secret %s/%s: %w: its status has no known phase", head.Namespace, head.Name, ErrDamaged)
	}
	return nil
}

// readStatus reads the status of a head into a release that has what lists show, and keeps that where it cannot. A label
// that is lost, or says nothing that is known, does not count.
func readStatus(head *corev1.Secret, into *release.Release) {
	listed := into.Status
	if err := decodeStatus(head, into); err != nil {
		into.Status, into.Record.Damage.Status = listed, err
		return
	}
	if listed.Phase != "" && into.Status.Phase != listed.Phase && into.Status.FinishedAt != nil {
		// A revision is superseded by its label alone.
		into.Status.Phase = listed.Phase
		into.SetCondition(*into.Status.FinishedAt)
	}
}
