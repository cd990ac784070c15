package kube

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
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
	return c.changeManagers(ctx, "take over", refs, func(object *metav1.PartialObjectMetadata) ([]byte, error) {
		managers := slices.Clone(object.ManagedFields)
		for i := range managers {
			if slices.Contains(predecessors(), managers[i].Manager) && managers[i].Subresource == "" {
				// Only what was updated is taken over, so that what they applied must look like it.
				managers[i].Operation = metav1.ManagedFieldsOperationUpdate
			}
		}
		object.ManagedFields = managers
		return csaupgrade.UpgradeManagedFieldsPatch(object, sets.New(predecessors()...), fieldManager)
	})
}

// onlyPredecessors reports whether an error is a conflict that TakeOver would
// have solved, but for fields that are claimed.
func onlyPredecessors(err error, claims []string) bool {
	var conflict *refusal.ConflictError
	return errors.As(err, &conflict) && !slices.ContainsFunc(conflict.Conflicts, func(found refusal.FieldConflict) bool {
		return !slices.Contains(predecessors(), found.Manager) && !slices.Contains(claims, found.Field)
	})
}
