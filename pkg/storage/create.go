package storage

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// createParts creates all parts, or none.
func (s *Secrets) createParts(ctx context.Context, parts []*corev1.Secret) error {
	// If this run has recorded the revision before, then its first part is there, and the others are not ours to drop.
	err := s.createPart(ctx, parts[0])
	if apierrors.IsAlreadyExists(err) {
		return ErrConflict
	}
	if err == nil {
		err = s.createSideBySide(ctx, parts[1:])
	}
	if err != nil {
		// All of them: of those that failed, too, the answer may have been lost.
		return errors.Join(err, s.dropParts(ctx, parts[0].Namespace, parts))
	}
	return nil
}

// createSideBySide creates parts, several at a time.
func (s *Secrets) createSideBySide(ctx context.Context, parts []*corev1.Secret) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelParts)
	for _, part := range parts {
		group.Go(func() error { return s.createPart(ctx, part) })
	}
	return group.Wait()
}

func (s *Secrets) createPart(ctx context.Context, part *corev1.Secret) error {
	created, err := s.createSecret(ctx, part)
	if err == nil {
		part.ResourceVersion = created.ResourceVersion
	}
	return err
}
