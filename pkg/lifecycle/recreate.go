package lifecycle

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// mayRecreate reports whether an error says that an object cannot be changed in place, and the object may be deleted and
// made anew: it says so itself, on the way back as it is on the cluster; it is what is left of a hook that has become a
// regular resource; or the user says so of everything and nothing would be lost with it. What is being adopted is not: it
// may have to be given back.
func (l *ledger) mayRecreate(object manifest.Object, err error) bool {
	key := object.Key()
	found, ours := l.live[key]
	var immutable *kube.ImmutableError
	switch {
	case !ours || !errors.As(err, &immutable) || l.formerOwner(key) != "":
		return false
	case plan.MayBeRecreated(object), l.plan.IsUndo && found.recreate:
		return true
	}
	return found.hook && kinds.RunsPods(key.GroupKind()) || l.plan.Options.RecreateImmutable && !kinds.Irreplaceable(key.GroupKind())
}

// recreate deletes objects with all that depends on them, and makes them anew.
func (x *execution) recreate(ctx context.Context, objects []manifest.Object) error {
	if err := x.removeBlocked(ctx, objects, ""); err != nil {
		return err
	}
	blocked, err := x.send(ctx, objects)
	if err == nil && len(blocked) > 0 {
		err = fmt.Errorf("%s was made again by somebody else meanwhile", blocked[0].Key())
	}
	return err
}

// removeBlocked deletes objects that are going to be made anew, so they stay on the inventory. phase is that of hooks.
func (x *execution) removeBlocked(ctx context.Context, objects []manifest.Object, phase string) error {
	targets := make([]kube.Deletion, len(objects))
	for i, object := range objects {
		ref := object.Reference()
		ref.UID = x.live[kinds.KeyOf(ref)].uid
		targets[i] = kube.Deletion{Ref: ref, Propagation: metav1.DeletePropagationForeground}
	}
	if err := x.remove(ctx, targets, phase); err != nil {
		return fmt.Errorf("deleting what cannot be changed in place: %w", err)
	}
	for _, target := range targets {
		delete(x.gone, kinds.KeyOf(target.Ref))
	}
	return nil
}
