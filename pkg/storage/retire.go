package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Drop removes all that is stored of a release: heads first, so that no head is ever left without its parts, and of them
// the newest last, so that what an interrupted Drop leaves still says how far the release got. The error is an *UnlistedError,
// and nothing is removed, where there is a revision whose labels have been changed: it may have an inventory of its own.
func (s *Secrets) Drop(ctx context.Context, namespace, name string) error {
	if err := s.drop(ctx, namespace, labels.Set{labelOwner: owner, labelName: name}, ofRelease(name)); err != nil {
		return fmt.Errorf("removing the record of release %s/%s: %w", namespace, name, err)
	}
	return nil
}

// Forget removes a stored revision: its head first, so that no head is ever left without its parts. It is no error if it
// is gone already.
func (s *Secrets) Forget(ctx context.Context, r *release.Release) error {
	if err := s.drop(ctx, r.Namespace, revisionLabels(r.Name, r.Spec.Revision), ofRevision(r.Name, r.Spec.Revision)); err != nil {
		return fmt.Errorf("removing release %s/%s revision %d from the history: %w", r.Namespace, r.Name, r.Spec.Revision, err)
	}
	return nil
}

// Sweep removes what is left of a release without any revision, because the command that stored or dropped it was killed, and
// reports whether there was anything. The caller holds the release's lock: another command may just be storing one. The error
// is an *UnlistedError, and nothing is removed, where there is a revision whose labels have been changed.
func (s *Secrets) Sweep(ctx context.Context, namespace, name string) (bool, error) {
	found, err := s.client.list(ctx, namespace, labels.SelectorFromSet(labels.Set{labelOwner: owner, labelName: name}))
	if err != nil {
		return false, fmt.Errorf("looking for leftovers of release %s/%s: %w", namespace, name, err)
	}
	heads, parts := split(found, ofRelease(name))
	if len(heads) > 0 || len(parts) == 0 {
		return false, nil
	}
	if err := s.checkHeadless(ctx, namespace, heads, parts); err != nil {
		return false, fmt.Errorf("removing leftovers of release %s/%s: %w", namespace, name, err)
	}
	if err := s.client.delete(ctx, namespace, parts); err != nil {
		return false, fmt.Errorf("removing leftovers of release %s/%s: %w", namespace, name, err)
	}
	return true, nil
}

// drop removes the Secrets with some labels whose names belong to what is dropped.
func (s *Secrets) drop(ctx context.Context, namespace string, which labels.Set, belongs func(secret string) bool) error {
	found, err := s.client.list(ctx, namespace, labels.SelectorFromSet(which))
	if err != nil {
		return err
	}
	heads, parts := split(found, belongs)
	if err := s.checkHeadless(ctx, namespace, heads, parts); err != nil {
		return err
	}
	newest := max(0, len(heads)-1)
	for _, secrets := range [][]string{heads[:newest], heads[newest:], parts} {
		if err := s.client.delete(ctx, namespace, secrets); err != nil {
			return err
		}
	}
	return nil
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
		head, err := s.client.head(ctx, namespace, name)
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
