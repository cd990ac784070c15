// Package storage keeps releases in Secrets of their namespace. A revision is one head, the only part that is patched
// while hooks run; payload parts, which never change; and inventory parts. Lists read the heads' metadata only.
package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

var (
	// ErrNotFound is returned where a release or a revision is not there.
	ErrNotFound = errors.New("not found")
	// ErrConflict is returned where another run has written the record meanwhile. Nothing was overwritten.
	ErrConflict = errors.New("changed by another command meanwhile")
	// ErrDamaged is returned where parts of a record are missing or do not belong together.
	ErrDamaged = errors.New("the stored record is damaged")
	// ErrNewerFormat is returned for a record that a newer version of this program wrote.
	ErrNewerFormat = errors.New("written by a newer version of kubectl-sherpack")
)

// Secrets stores releases. It is safe for concurrent use.
type Secrets struct {
	secrets  corev1client.CoreV1Interface
	metadata metadata.Interface
	// run marks what this run writes, so that parts of two runs never get in each other's way.
	run string

	mu sync.Mutex
	// newest is what this run knows of the releases whose locks it has taken.
	newest map[types.NamespacedName]newestHead
}

// NewSecrets returns a store that talks to the API server of config. run identifies this run of the program; it is
// part of Secrets' names, so it has lower-case letters and digits only.
func NewSecrets(config *rest.Config, run string) (*Secrets, error) {
	typed, err := corev1client.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Secrets{secrets: typed, metadata: meta, run: run}, nil
}

// List returns the newest revision of each release in a namespace, "" for all namespaces, with what lists show. They are
// sorted by namespace and name. selector chooses among these revisions by the labels of their heads, such as name and
// status; nil selects all. Records that cannot be read are skipped, and are what the error is about: no older revision
// stands in for one.
func (s *Secrets) List(ctx context.Context, namespace string, selector labels.Selector) (release.History, error) {
	found, err := s.list(ctx, namespace, headSelector())
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
	found, err := s.list(ctx, namespace, headSelector().Add(nameRequirement(name)...))
	if err != nil {
		return nil, err
	}
	s.noteRead(namespace, name, found)
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
		head, err := s.head(ctx, r.Namespace, headName(r.Name, r.Spec.Revision))
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
		r.Status.Phase, r.Status.Operation, r.Status.Message = status.Phase, status.Operation, status.Message
		r.Status.StartedAt, r.Status.FinishedAt = status.StartedAt, status.FinishedAt
	}
	return nil
}

func (s *Secrets) list(ctx context.Context, namespace string, selector labels.Selector) ([]metav1.PartialObjectMetadata, error) {
	resource := corev1.SchemeGroupVersion.WithResource("secrets")
	found, err := s.metadata.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	return found.Items, nil
}

func notFound(err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
