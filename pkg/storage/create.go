package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

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
	r.Record, r.Status.Writer = release.Record{}, s.client.run
	parts, counts, err := encodeParts(r, s.client.run)
	if err != nil {
		return err
	}
	head, err := encodeHead(r, counts, s.client.run)
	if err != nil {
		return err
	}
	looked := make(chan []string, 1)
	go func() { looked <- s.strays(ctx, r) }()
	err = s.client.createParts(ctx, parts)
	strays := <-looked
	if err != nil {
		return err
	}
	created, err := s.client.create(ctx, head)
	if err != nil {
		created, err = s.resolve(ctx, head, parts, err)
	}
	if err != nil {
		return err
	}
	r.Record = release.Record{
		Run: s.client.run, Inventory: versions(parts[counts.payload : counts.payload+counts.inventory]), Former: counts.former,
	}
	r.UID, r.ResourceVersion, r.CreationTimestamp = created.UID, created.ResourceVersion, created.CreationTimestamp
	s.newest.noteWritten(r)
	// The revision is recorded, whether or not they can be deleted.
	_ = s.client.delete(ctx, r.Namespace, strays)
	return nil
}

// resolve finds out what became of a head whose creation got no good answer, because that answer may have been lost. A
// head of this run is as good as created. Parts are removed only when there surely is none, so that no head is ever left
// without them.
func (s *Secrets) resolve(ctx context.Context, head *corev1.Secret, parts []*corev1.Secret, failure error) (*metav1.ObjectMeta, error) {
	lookup, cancel := context.WithTimeout(context.WithoutCancel(ctx), aftermath)
	defer cancel()
	found, err := s.client.secrets.Secrets(head.Namespace).Get(lookup, head.Name, metav1.GetOptions{})
	switch {
	case err == nil && found.Labels[labelRun] == s.client.run:
		return &found.ObjectMeta, nil
	case err == nil:
		failure = cmp.Or(checkListed(&found.ObjectMeta), ErrConflict)
	case !apierrors.IsNotFound(err):
		return nil, errors.Join(failure, err)
	}
	return nil, errors.Join(failure, s.client.dropParts(ctx, head.Namespace, parts))
}

// strays returns the names of parts that other runs have stored of a revision, in no order. Where this run records the revision,
// no head belongs to them: those runs were killed, or lost the connection, before they could write one or take their parts
// away. What cannot be listed now goes when the revision is forgotten, like all that bears its number.
func (s *Secrets) strays(ctx context.Context, r *release.Release) []string {
	selector := labels.SelectorFromSet(revisionLabels(r.Name, r.Spec.Revision)).Add(has(labelPart)...)
	found, err := s.client.list(ctx, r.Namespace, selector)
	if err != nil {
		return nil
	}
	others := slices.DeleteFunc(found, func(part metav1.PartialObjectMetadata) bool { return part.Labels[labelRun] == s.client.run })
	_, parts := split(others, ofRevision(r.Name, r.Spec.Revision))
	return parts
}

// createParts creates all parts, or none.
func (c *client) createParts(ctx context.Context, parts []*corev1.Secret) error {
	// If this run has recorded the revision before, then its first part is there, and the others are not ours to drop.
	err := c.createPart(ctx, parts[0])
	if apierrors.IsAlreadyExists(err) {
		return ErrConflict
	}
	if err == nil {
		err = c.createSideBySide(ctx, parts[1:])
	}
	if err != nil {
		// All of them: of those that failed, too, the answer may have been lost.
		return errors.Join(err, c.dropParts(ctx, parts[0].Namespace, parts))
	}
	return nil
}

// createSideBySide creates parts, several at a time.
func (c *client) createSideBySide(ctx context.Context, parts []*corev1.Secret) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelParts)
	for _, part := range parts {
		group.Go(func() error { return c.createPart(ctx, part) })
	}
	return group.Wait()
}

func (c *client) createPart(ctx context.Context, part *corev1.Secret) error {
	created, err := c.create(ctx, part)
	if err == nil {
		part.ResourceVersion = created.ResourceVersion
	}
	return err
}

// dropParts removes what this run wrote of a revision whose head could not be written.
func (c *client) dropParts(ctx context.Context, namespace string, parts []*corev1.Secret) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aftermath)
	defer cancel()
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.Name
	}
	return c.delete(ctx, namespace, names)
}
