package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// delete deletes what is still there and belongs to the release, and takes it off the inventory once it is gone. What is
// only being deleted stays on it, by its name alone.
func (x *execution) delete(ctx context.Context, step plan.Step) error {
	var targets []kube.Deletion
	var errs []error
	for _, entry := range step.Entries {
		key := entry.Key()
		found, there := x.deletable(entry)
		if !there {
			// What is spared carries our marks, so it stays on the inventory.
			_, spared := x.live[key]
			x.gone[key] = !spared
			continue
		}
		entry.UID = found.uid
		needed, err := x.stillUsed(ctx, entry)
		if needed || err != nil {
			errs = append(errs, err)
			continue
		}
		targets = append(targets, kube.Deletion{
			Ref: entry.Reference(), Propagation: x.propagationOf(entry), NoWait: step.NoWait || found.ending,
		})
	}
	x.stale = x.stale || len(x.gone) > 0
	errs = append(errs, x.remove(ctx, targets, ""))
	x.keepHooks(step.Entries)
	return errors.Join(errs...)
}

// stillUsed reports whether an entry is a Namespace with something in it, and says so.
func (x *execution) stillUsed(ctx context.Context, entry release.Entry) (bool, error) {
	if !kinds.IsNamespace(entry.GroupKind()) {
		return false, nil
	}
	const few = 3
	contents, err := x.Cluster.Contents(ctx, entry.Name)
	if err != nil {
		return true, fmt.Errorf("looking whether namespace %s is empty: %w", entry.Name, err)
	}
	if len(contents) == 0 {
		return false, nil
	}
	outcome := Outcome{Object: eventObject(entry.Reference()), Result: "kept", Message: "it is not empty: " + words.List(titles(contents), few)}
	x.emit(ObjectKept, outcome)
	return true, nil
}

// titles are objects as people name them.
func titles(refs []corev1.ObjectReference) []string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.Kind + "/" + ref.Name
	}
	return names
}

// propagationOf waits for the Pods of a hook, which may still run; all else goes as the user said.
func (x *execution) propagationOf(entry release.Entry) metav1.DeletionPropagation {
	if entry.Role == release.HookRun && kinds.RunsPods(entry.GroupKind()) {
		return metav1.DeletePropagationForeground
	}
	if x.plan.Operation == release.OperationUninstall && x.plan.Options.Wait && hasDependents(entry) {
		// In the background, what is gone may have Pods that still end.
		return cmp.Or(x.plan.Options.Cascade, metav1.DeletePropagationForeground)
	}
	return cmp.Or(x.plan.Options.Cascade, metav1.DeletePropagationBackground)
}

// hasDependents reports whether objects of a kind may have others that somebody waits for: Pods, or what controllers make for
// custom resources. For all else the foreground would only cost time: the garbage collector comes to each object one by one.
func hasDependents(entry release.Entry) bool {
	return !kinds.BuiltIn(entry.Group) || kinds.PodTemplate(entry.GroupKind()) != nil
}

// keep says what is left in place.
func (x *execution) keep(step plan.Step) {
	for _, entry := range step.Entries {
		if found, live := x.live[entry.Key()]; live {
			entry.UID = found.uid
			x.emit(ObjectKept, Outcome{Object: eventObject(entry.Reference()), Result: "kept"})
		}
	}
}

// remove deletes objects and waits until they are gone, save where a deletion says otherwise. phase is that of hooks, which
// stay on the inventory because they may run again; else empty.
func (x *execution) remove(ctx context.Context, targets []kube.Deletion, phase string) error {
	return x.Cluster.Delete(ctx, targets, func(i int, elapsed time.Duration, err error) {
		key := kinds.KeyOf(targets[i].Ref)
		outcome := Outcome{
			Phase: phase, Object: eventObject(targets[i].Ref), Result: "deleted", ElapsedMS: elapsed.Milliseconds(),
		}
		switch {
		case err != nil:
			outcome.Result, outcome.Message = "Failed", err.Error()
		case !targets[i].NoWait:
			x.forget(key)
			x.gone[key] = phase == ""
		default:
			x.leave(key)
		}
		x.emit(ObjectDeleted, outcome)
	})
}
