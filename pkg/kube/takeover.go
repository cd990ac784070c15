package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// predecessors are the field managers whose objects are taken over: kubectl's,
// client-side and server-side, and Helm's.
func predecessors() []string {
	return []string{"kubectl-client-side-apply", "kubectl-create", "kubectl-replace", "kubectl", "helm"}
}

// TakeOver makes the fields of some objects ours that kubectl or Helm manages,
// as if they had been applied through this package: what the next apply does
// not name is removed. Other managers keep theirs. An object that is not there
// is left out.
func (c *Cluster) TakeOver(ctx context.Context, refs []corev1.ObjectReference) error {
	if err := checkPath(refs...); err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	ctx = quiet(ctx)
	return each(ctx, len(refs), atOnce, func(i int) error {
		mapping, err := c.kinds.mapping(kindOf(refs[i]))
		if err == nil {
			err = takeOver(ctx, c.metadataOf(mapping, refs[i].Namespace), refs[i].Name)
		}
		if err != nil {
			return fmt.Errorf("take over %s: %w", nameOf(refs[i]), err)
		}
		return nil
	})
}

// takeOver reads and writes until nobody else writes between.
func takeOver(ctx context.Context, objects metadata.ResourceInterface, name string) error {
	for {
		object, err := objects.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		managers := slices.Clone(object.ManagedFields)
		for i := range managers {
			if slices.Contains(predecessors(), managers[i].Manager) && managers[i].Subresource == "" {
				// Only what was updated is taken over, so that what they applied must look like it.
				managers[i].Operation = metav1.ManagedFieldsOperationUpdate
			}
		}
		object.ManagedFields = managers
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(object, sets.New(predecessors()...), fieldManager)
		if err != nil || patch == nil {
			return err
		}
		_, err = patience.Repeat(ctx, func() error {
			_, err := objects.Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
			return err
		})
		if !apierrors.IsConflict(err) {
			return err
		}
	}
}

// onlyPredecessors reports whether an error is a conflict that TakeOver would
// have solved, but for fields that are claimed.
func onlyPredecessors(err error, claims []string) bool {
	var conflict *ConflictError
	return errors.As(err, &conflict) && !slices.ContainsFunc(conflict.Conflicts, func(found FieldConflict) bool {
		return !slices.Contains(predecessors(), found.Manager) && !slices.Contains(claims, found.Field)
	})
}
