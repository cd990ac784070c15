package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// survey looks at what is on the cluster under the names of the plan. An object of somebody else is an error, unless
// the plan only deletes; one that is being deleted is waited for, because applying onto it would silently be lost.
func (x *execution) survey(ctx context.Context) error {
	refs := x.references()
	found, err := x.Cluster.Find(ctx, refs)
	if err != nil {
		return fmt.Errorf("looking for existing objects: %w", err)
	}
	own := ownerOf(x.plan.Release)
	var leaving []corev1.ObjectReference
	var foreign []error
	for i, object := range found {
		switch {
		case object == nil:
		case !own.owns(object):
			foreign = append(foreign, &ForeignError{Ref: refs[i], Owner: ownerPhrase(object)})
		case object.DeletionTimestamp != nil:
			refs[i].UID = object.UID
			leaving = append(leaving, refs[i])
		default:
			x.live[manifest.KeyOf(refs[i])] = object.UID
		}
	}
	if len(foreign) > 0 && x.plan.Operation != Uninstall {
		return errors.Join(foreign...)
	}
	for _, err := range foreign {
		x.emit(Warning, Outcome{Message: err.Error() + "; it is left alone"})
	}
	if len(leaving) == 0 {
		return nil
	}
	return x.awaitGone(ctx, leaving)
}

// references names everything that the plan applies or deletes.
func (x *execution) references() []corev1.ObjectReference {
	var refs []corev1.ObjectReference
	for _, object := range x.plan.objects() {
		refs = append(refs, object.Reference())
	}
	for _, step := range x.plan.Steps {
		for _, entry := range step.Entries {
			ref := entry.Reference()
			ref.UID = ""
			refs = append(refs, ref)
		}
	}
	return refs
}

func (x *execution) awaitGone(ctx context.Context, refs []corev1.ObjectReference) error {
	if err := x.Cluster.AwaitGone(ctx, refs); err != nil {
		return fmt.Errorf("waiting for objects that are being deleted: %w", err)
	}
	return nil
}
