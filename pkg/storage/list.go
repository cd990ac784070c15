package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// List returns the newest revision of each release in a namespace, "" for all namespaces, with what lists show. They are
// sorted by namespace and name. selector chooses among these revisions by the labels of their heads, such as name and
// status; nil selects all. Records that cannot be read are skipped, and are what the error is about: no older revision
// stands in for one.
func (s *Secrets) List(ctx context.Context, namespace string, selector labels.Selector) (release.History, error) {
	found, err := s.client.list(ctx, namespace, headSelector())
	if err != nil {
		return nil, fmt.Errorf("listing releases: %w", err)
	}
	// The server could select, too, but would find an older revision with a label that the newest does not have.
	selected := slices.DeleteFunc(newestOfEach(found), func(head metav1.PartialObjectMetadata) bool {
		return selector != nil && !selector.Matches(labels.Set(head.Labels))
	})
	newest, errs := release.History{}, []error(nil)
	for i := range selected {
		r, err := decodeHead(&selected[i].ObjectMeta)
		if err == nil {
			err = r.Record.Damage.Head
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		newest = append(newest, r)
	}
	slices.SortFunc(newest, compareRevisions)
	if err := errors.Join(errs...); err != nil {
		return newest, fmt.Errorf("listing releases: %w", err)
	}
	return newest, nil
}

// newestOfEach keeps the newest head of each release, and those that only look like heads: these are damaged. It may change
// the slice that it is given.
func newestOfEach(heads []metav1.PartialObjectMetadata) []metav1.PartialObjectMetadata {
	of := func(head *metav1.PartialObjectMetadata) (types.NamespacedName, int) {
		name, revision := parseHeadName(head.Name)
		return types.NamespacedName{Namespace: head.Namespace, Name: name}, revision
	}
	newest := map[types.NamespacedName]int{}
	for i := range heads {
		release, revision := of(&heads[i])
		newest[release] = max(newest[release], revision)
	}
	return slices.DeleteFunc(heads, func(head metav1.PartialObjectMetadata) bool {
		release, revision := of(&head)
		if revision == 0 {
			return head.Labels[labelStatus] == ""
		}
		return revision < newest[release]
	})
}

// History returns the revisions of one release, oldest first, with what lists show; empty where there is none. Revisions
// whose heads cannot be read are in it, see release.History. What a newer version wrote is an error.
func (s *Secrets) History(ctx context.Context, namespace, name string) (release.History, error) {
	history, err := s.history(ctx, namespace, name)
	if err != nil {
		return nil, fmt.Errorf("reading the history of release %s/%s: %w", namespace, name, err)
	}
	slices.SortFunc(history, compareRevisions)
	return history, nil
}

func (s *Secrets) history(ctx context.Context, namespace, name string) (release.History, error) {
	found, err := s.client.list(ctx, namespace, headSelector().Add(nameRequirement(name)...))
	if err != nil {
		return nil, err
	}
	s.newest.noteRead(namespace, name, found)
	history := make(release.History, 0, len(found))
	var errs []error
	for i := range found {
		if named, _ := parseHeadName(found[i].Name); named != name {
			// Somebody else's: it only has the labels.
			continue
		}
		revision, err := decodeHead(&found[i].ObjectMeta)
		history, errs = append(history, revision), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return history, s.completePhases(ctx, history)
}

// completePhases reads the heads whose labels do not say in which phase their revisions are: a release that is deployed must
// not pass for one that never was.
func (s *Secrets) completePhases(ctx context.Context, history release.History) error {
	for _, r := range history {
		if r.Status.Phase != "" {
			continue
		}
		head, err := s.client.head(ctx, r.Namespace, headName(r.Name, r.Spec.Revision))
		if errors.Is(err, ErrNotFound) {
			// It was dropped meanwhile, and counts as damaged until it is looked for again.
			continue
		}
		if err != nil {
			return err
		}
		stored := &release.Release{}
		if err := decodeStatus(head, stored); err != nil {
			// Then nobody knows.
			continue
		}
		status := stored.Status
		r.Status.Phase, r.Status.Operation = status.Phase, status.Operation
		r.Status.Message, r.Status.Cause = status.Message, status.Cause
		r.Status.StartedAt, r.Status.FinishedAt = status.StartedAt, status.FinishedAt
	}
	return nil
}
