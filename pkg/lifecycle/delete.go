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

// Delete deletes what is still there and belongs to the release, and takes it off the inventory once it is gone. What is
// only being deleted stays on it, by its name alone.
func (o *objects) Delete(ctx context.Context, step plan.Step) error {
	var targets []kube.Deletion
	var errs []error
	for _, entry := range step.Entries {
		key := entry.Key()
		found, there := o.Deletable(entry)
		if !there {
			// What is spared carries our marks, so it stays on the inventory.
			_, spared := o.live[key]
			o.gone[key] = !spared
			continue
		}
		entry.UID = found.uid
		needed, err := o.stillUsed(ctx, entry)
		if needed || err != nil {
			errs = append(errs, err)
			continue
		}
		targets = append(targets, kube.Deletion{
			Ref: entry.Reference(), Propagation: o.propagationOf(entry), NoWait: step.NoWait || found.ending,
		})
	}
	o.stale = o.stale || len(o.gone) > 0
	errs = append(errs, o.Remove(ctx, targets, Outcome{}))
	o.KeepHooks(step.Entries)
	return errors.Join(errs...)
}

// stillUsed reports whether an entry is a Namespace with something in it, and says so.
func (o *objects) stillUsed(ctx context.Context, entry release.Entry) (bool, error) {
	if !kinds.IsNamespace(entry.GroupKind()) {
		return false, nil
	}
	const few = 3
	contents, err := o.cluster.Contents(ctx, entry.Name)
	if err != nil {
		return true, fmt.Errorf("checking whether namespace %s is empty: %w", entry.Name, err)
	}
	if len(contents) == 0 {
		return false, nil
	}
	outcome := Outcome{Object: eventObject(entry.Reference()), Result: ResultKept, Message: "it is not empty: " + words.List(titles(contents), few)}
	o.Emit(ObjectKept, outcome)
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
func (o *objects) propagationOf(entry release.Entry) metav1.DeletionPropagation {
	if entry.Role == release.HookRun && kinds.RunsPods(entry.GroupKind()) {
		return metav1.DeletePropagationForeground
	}
	if o.plan.Operation == release.OperationUninstall && o.plan.Options.Wait && hasDependents(entry) {
		// In the background, what is gone may have Pods that still end.
		return cmp.Or(o.plan.Options.Cascade, metav1.DeletePropagationForeground)
	}
	return cmp.Or(o.plan.Options.Cascade, metav1.DeletePropagationBackground)
}

// hasDependents reports whether objects of a kind may have others that somebody waits for: Pods, or what controllers make for
// custom resources. For all else the foreground would only cost time: the garbage collector comes to each object one by one.
func hasDependents(entry release.Entry) bool {
	return !kinds.BuiltIn(entry.Group) || kinds.PodTemplate(entry.GroupKind()) != nil
}

// Keep says what is left in place.
func (o *objects) Keep(step plan.Step) {
	for _, entry := range step.Entries {
		if found, live := o.live[entry.Key()]; live {
			entry.UID = found.uid
			o.Emit(ObjectKept, Outcome{Object: eventObject(entry.Reference()), Result: ResultKept})
		}
	}
}

// Remove deletes objects and waits until they are gone, save where a deletion says otherwise. about is what all events about it have
// in common; its phase is that of hooks, which stay on the inventory because they may run again, else empty.
func (o *objects) Remove(ctx context.Context, targets []kube.Deletion, about Outcome) error {
	if len(targets) == 0 {
		return nil
	}
	for i := range targets {
		ref := targets[i].Ref
		targets[i].Observe = func(why string) { o.tellRemaining(ref, why, about) }
	}
	started := about
	started.Count, started.Message = len(targets), "deleting "+words.Count(len(targets), "object")
	return o.telling(started, func() error { return o.remove(ctx, targets, about) })
}

func (o *objects) remove(ctx context.Context, targets []kube.Deletion, about Outcome) error {
	return o.cluster.Delete(ctx, targets, func(i int, elapsed time.Duration, err error) {
		key := kinds.KeyOf(targets[i].Ref)
		outcome := about
		outcome.Object, outcome.Result, outcome.ElapsedMS = eventObject(targets[i].Ref), ResultDeleted, elapsed.Milliseconds()
		switch {
		case err != nil:
			outcome.Result, outcome.Message = ResultFailed, err.Error()
		case !targets[i].NoWait:
			o.Forget(key)
			o.gone[key] = about.Phase == ""
		default:
			o.Leave(key)
		}
		o.Emit(ObjectDeleted, outcome)
	})
}

// telling reports the start and the end of deletions around what waits for them.
func (l *ledger) telling(started Outcome, wait func() error) error {
	begun := l.clock()
	l.Emit(DeletionStarted, started)
	err := wait()
	l.Emit(DeletionFinished, Outcome{Phase: started.Phase, Reason: started.Reason, Result: resultOf(err), ElapsedMS: l.Since(begun)})
	return err
}

// tellRemaining reports what keeps an object that is being deleted; "" says that it is gone.
func (l *ledger) tellRemaining(ref corev1.ObjectReference, why string, about Outcome) {
	about.Object, about.Result, about.Message = eventObject(ref), ResultWaiting, why
	if why == "" {
		about.Result = ResultDeleted
	}
	l.Emit(DeletionProgress, about)
}
