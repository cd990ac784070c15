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
// status; nil selects all. Records that cannot be read are left out, and are what the error is about: no older revision
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
	newest, err := decodeHeads(selected)
	if err != nil {
		return newest, fmt.Errorf("listing releases: %w", err)
	}
	return newest, nil
}

// newestOfEach keeps the newest head of each release, and those that belong to none: these are damaged. It may change the
// slice that it is given.
func newestOfEach(heads []metav1.PartialObjectMetadata) []metav1.PartialObjectMetadata {
	newest := map[types.NamespacedName]int{}
	of := func(head *metav1.PartialObjectMetadata) types.NamespacedName {
		return types.NamespacedName{Namespace: head.Namespace, Name: head.Labels[labelName]}
	}
	for i := range heads {
		if head := &heads[i]; named(&head.ObjectMeta) {
			newest[of(head)] = max(newest[of(head)], revisionOf(&head.ObjectMeta))
		}
	}
	return slices.DeleteFunc(heads, func(head metav1.PartialObjectMetadata) bool {
		return named(&head.ObjectMeta) && revisionOf(&head.ObjectMeta) < newest[of(&head)]
	})
}

// History returns the revisions of one release, oldest first, with what lists show; empty where there is none.
func (s *Secrets) History(ctx context.Context, namespace, name string) (release.History, error) {
	found, err := s.list(ctx, namespace, headSelector().Add(nameRequirement(name)...))
	if err != nil {
		return nil, fmt.Errorf("reading the history of release %s/%s: %w", namespace, name, err)
	}
	s.noteRead(namespace, name, found)
	history, err := decodeHeads(found)
	if err != nil {
		return nil, fmt.Errorf("reading the history of release %s/%s: %w", namespace, name, err)
	}
	return history, nil
}

func (s *Secrets) list(ctx context.Context, namespace string, selector labels.Selector) ([]metav1.PartialObjectMetadata, error) {
	resource := corev1.SchemeGroupVersion.WithResource("secrets")
	found, err := s.metadata.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	return found.Items, nil
}

func decodeHeads(heads []metav1.PartialObjectMetadata) (release.History, error) {
	history := make(release.History, 0, len(heads))
	var errs []error
	for i := range heads {
		revision, err := decodeHead(&heads[i].ObjectMeta)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		history = append(history, revision)
	}
	slices.SortFunc(history, compareRevisions)
	return history, errors.Join(errs...)
}

// Get returns a revision whole. The error is ErrNotFound, ErrDamaged or ErrNewerFormat where these apply.
func (s *Secrets) Get(ctx context.Context, namespace, name string, revision int) (*release.Release, error) {
	found, err := s.get(ctx, namespace, name, revision)
	if err != nil {
		return nil, fmt.Errorf("reading release %s/%s revision %d: %w", namespace, name, revision, err)
	}
	return found, nil
}

func (s *Secrets) get(ctx context.Context, namespace, name string, revision int) (*release.Release, error) {
	head, err := s.secrets.Secrets(namespace).Get(ctx, headName(name, revision), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	found, err := decodeHead(&head.ObjectMeta)
	if err != nil {
		return nil, err
	}
	phase := found.Status.Phase
	if err := decodeStatus(head, found); err != nil {
		return nil, err
	}
	if found.Status.Phase != phase && found.Status.FinishedAt != nil {
		// A revision is superseded by its label alone.
		found.Status.Phase = phase
		found.SetCondition(*found.Status.FinishedAt)
	}
	parts, err := s.parts(ctx, head)
	if err != nil {
		return nil, err
	}
	return found, decodeParts(head, parts, found)
}

// parts reads the parts of a revision in one request, keyed by name.
func (s *Secrets) parts(ctx context.Context, head *corev1.Secret) (map[string]*corev1.Secret, error) {
	selector := labels.SelectorFromSet(labels.Set{
		labelOwner: owner, labelName: head.Labels[labelName], labelVersion: head.Labels[labelVersion],
		labelRun: head.Labels[labelRun],
	}).Add(has(labelPart)...)
	found, err := s.secrets.Secrets(head.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	parts := make(map[string]*corev1.Secret, len(found.Items))
	for i := range found.Items {
		parts[found.Items[i].Name] = &found.Items[i]
	}
	return parts, nil
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
