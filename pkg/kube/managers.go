package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// managersPatch returns the JSON patch that makes the managers of an object's
// fields what they are to be, on the condition of its resourceVersion; nil
// where they are that.
type managersPatch func(*metav1.PartialObjectMetadata) ([]byte, error)

// changeManagers changes who manages the fields of some objects, several at a
// time. An object that is not there is left out. doing is what errors say is
// done to an object.
func (c *Cluster) changeManagers(ctx context.Context, doing string, refs []corev1.ObjectReference, patch managersPatch) error {
	if err := kinds.CheckRefs(refs...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	ctx = quiet(ctx)
	return each(ctx, len(refs), atOnce, func(i int) error {
		mapping, err := c.kinds.mapping(kinds.Of(refs[i]))
		if err == nil {
			err = patch.write(ctx, c.metadataOf(mapping, refs[i].Namespace), refs[i].Name)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", doing, kinds.NameOf(refs[i]), err)
		}
		return nil
	})
}

// write reads and writes until nobody else writes between.
func (p managersPatch) write(ctx context.Context, objects metadata.ResourceInterface, name string) error {
	for {
		object, err := objects.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		patch, err := p(object)
		if err != nil || patch == nil {
			return err
		}
		// Where an answer was lost, the next one is a conflict, and what is read then needs no change any more.
		_, err = patience.Repeat(ctx, func() error {
			_, err := objects.Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
			return err
		})
		if !apierrors.IsConflict(err) {
			return err
		}
	}
}
