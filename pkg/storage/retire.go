package storage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Sweep removes what is left of a release without any revision, because the command that stored or dropped it was killed, and
// reports whether there was anything. The caller holds the release's lock: another command may just be storing one. The error
// is an *UnlistedError, and nothing is removed, where there is a revision whose labels have been changed.
func (s *Secrets) Sweep(ctx context.Context, namespace, name string) (bool, error) {
	found, err := s.list(ctx, namespace, labels.SelectorFromSet(labels.Set{labelOwner: owner, labelName: name}))
	if err != nil {
		return false, fmt.Errorf("looking for what is left of release %s/%s: %w", namespace, name, err)
	}
	heads, parts := split(found, ofRelease(name))
	if len(heads) > 0 || len(parts) == 0 {
		return false, nil
	}
	if err := s.checkHeadless(ctx, namespace, heads, parts); err != nil {
		return false, fmt.Errorf("removing what is left of release %s/%s: %w", namespace, name, err)
	}
	if err := s.delete(ctx, namespace, parts); err != nil {
		return false, fmt.Errorf("removing what is left of release %s/%s: %w", namespace, name, err)
	}
	return true, nil
}

// checkHeadless makes sure that parts do not belong to heads that are there, but were not listed.
func (s *Secrets) checkHeadless(ctx context.Context, namespace string, listed, parts []string) error {
	asked := map[string]bool{}
	for _, part := range parts {
		name := headOf(part)
		if asked[name] || slices.Contains(listed, name) {
			continue
		}
		asked[name] = true
		head, err := s.head(ctx, namespace, name)
		if err == nil {
			err = cmp.Or(checkListed(&head.ObjectMeta), ErrConflict)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// headOf returns the name of the head that a Secret belongs to by its own: that without what partName adds to it, or itself
// where it passes for a part.
func headOf(secret string) string {
	if _, revision := parseHeadName(secret); revision > 0 {
		return secret
	}
	return secret[:max(0, strings.LastIndex(secret, "."))]
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
	head, err := s.patch(ctx, r.Namespace, headName(r.Name, r.Spec.Revision), patch)
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
	head, err := s.secrets.Secrets(r.Namespace).Get(ctx, headName(r.Name, r.Spec.Revision), metav1.GetOptions{})
	if err == nil && head.Labels[labelStatus] != string(release.Superseded) {
		err = ErrConflict
	}
	return head, err
}

// Forget removes a stored revision: its head first, so that no head is ever left without its parts. It is no error if it
// is gone already.
func (s *Secrets) Forget(ctx context.Context, r *release.Release) error {
	if err := s.drop(ctx, r.Namespace, revisionLabels(r.Name, r.Spec.Revision), ofRevision(r.Name, r.Spec.Revision)); err != nil {
		return fmt.Errorf("removing release %s/%s revision %d from the history: %w", r.Namespace, r.Name, r.Spec.Revision, err)
	}
	return nil
}

// ofRelease tells by the names of Secrets what is stored of a release.
func ofRelease(name string) func(secret string) bool {
	return func(secret string) bool { return strings.HasPrefix(secret, headPrefix(name)) }
}

// ofRevision tells by the names of Secrets what is stored of a revision.
func ofRevision(name string, revision int) func(secret string) bool {
	head := headName(name, revision)
	return func(secret string) bool { return secret == head || strings.HasPrefix(secret, head+".") }
}

// split sorts out the names of heads, oldest revision first, and parts. A Secret that only has the labels, but not a name
// that belongs there, is another revision's or somebody else's and skipped.
func split(found []metav1.PartialObjectMetadata, belongs func(secret string) bool) (heads, parts []string) {
	slices.SortFunc(found, func(a, b metav1.PartialObjectMetadata) int {
		return cmp.Compare(revisionOf(&a.ObjectMeta), revisionOf(&b.ObjectMeta))
	})
	for i := range found {
		_, isPart := found[i].Labels[labelPart]
		switch {
		case !belongs(found[i].Name):
		case isPart:
			parts = append(parts, found[i].Name)
		default:
			heads = append(heads, found[i].Name)
		}
	}
	return heads, parts
}
