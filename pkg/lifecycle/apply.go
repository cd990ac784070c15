package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// objects applies, deletes and awaits objects.
type objects struct {
	*ledger
	cluster  Cluster
	adoption *adoption
	// early are the objects that were applied because hooks need them.
	early []corev1.ObjectReference
}

// Apply applies the objects of one wave that have changed, and notes what became of them. What defines new kinds is
// waited for.
func (o *objects) Apply(ctx context.Context, step plan.Step) error {
	started := o.clock()
	o.Emit(WaveStarted, Outcome{Wave: step.Wave, Count: len(step.Objects), Message: words.Count(len(step.Objects), "object")})
	changed := o.changed(step.Objects)
	if step.Early {
		o.noteEarly(changed)
	}
	blocked, err := o.send(ctx, changed)
	if err == nil && len(blocked) > 0 {
		err = o.recreate(ctx, blocked)
	}
	if err == nil {
		err = o.established(ctx, changed)
	}
	o.Emit(WaveFinished, Outcome{Wave: step.Wave, Result: resultOf(err), ElapsedMS: o.Since(started)})
	return err
}

// noteEarly notes objects that are applied because hooks need them.
func (o *objects) noteEarly(changed []manifest.Object) {
	for _, object := range changed {
		o.early = append(o.early, object.Reference())
	}
}

// placed adds to the answer of the API server where the object stands.
func placed(object manifest.Object, err error) error {
	if err == nil || object.File == "" {
		return err
	}
	return fmt.Errorf("%s%w", placeOf(object), err)
}

// placeOf is where an object stands in the pack, as a prefix; "" for one of a stored manifest, whose lines nobody has.
func placeOf(object manifest.Object) string {
	if object.File == "" {
		return ""
	}
	return object.Position()
}

// changed returns the objects that are not on the cluster exactly as they were last applied. The others cost no request.
func (o *objects) changed(objects []manifest.Object) []manifest.Object {
	var changed []manifest.Object
	for _, object := range objects {
		if !o.IsUnchanged(object) {
			changed = append(changed, object)
			continue
		}
		ref := object.Reference()
		ref.UID = o.live[kinds.KeyOf(ref)].uid
		o.Emit(ObjectApplied, Outcome{Object: eventObject(ref), Result: ResultUnchanged})
	}
	return changed
}

// applied notes what became of one object.
func (o *objects) applied(object manifest.Object, applied kube.Applied) {
	outcome := Outcome{Object: eventObject(object.Reference()), ElapsedMS: applied.Elapsed.Milliseconds()}
	if applied.Err != nil {
		outcome.Result, outcome.Message = ResultFailed, applied.Err.Error()
		o.Emit(ObjectApplied, outcome)
		return
	}
	before := o.live[object.Key()]
	o.Note(object, applied)
	outcome.Object.UID = string(applied.Ref.UID)
	outcome.Result = ResultConfigured
	switch {
	case applied.Created:
		outcome.Result = ResultCreated
	case before.foreign != "":
		outcome.Result, outcome.Message = ResultAdopted, "it belonged to "+before.foreign
	case before.replaced:
		outcome.Message = replacedMessage
	case before.resourceVersion != "" && before.resourceVersion == applied.Ref.ResourceVersion:
		// The API server has found nothing to write.
		outcome.Result = ResultUnchanged
	}
	o.Emit(ObjectApplied, outcome)
}

// replacedMessage is what is said of an object that the release takes again.
const replacedMessage = "it was replaced or restored and carries the labels of this release; it is adopted again"

// send applies objects side by side and returns those that cannot be changed in place but may be recreated.
func (o *objects) send(ctx context.Context, objects []manifest.Object) (blocked []manifest.Object, err error) {
	for round := 0; ; round++ {
		more, moved, err := o.sendOnce(ctx, objects, round < maxRounds)
		blocked = append(blocked, more...)
		if err != nil || len(moved) == 0 {
			return blocked, err
		}
		if err := o.RefreshAndAwait(ctx, []plan.Step{{Action: plan.Apply, Objects: moved}}); err != nil {
			return blocked, err
		}
		// What is left to others now is not sent again.
		objects = o.changed(moved)
	}
}

// maxRounds is how often an object is read again that others delete and create at the same time.
const maxRounds = 3

// sendOnce applies objects side by side. Those that were deleted or replaced since they were read are returned as moved,
// if again says that they will be sent again.
func (o *objects) sendOnce(ctx context.Context, objects []manifest.Object, again bool) (blocked, moved []manifest.Object, err error) {
	if err := o.adoption.TakeOver(ctx, objects); err != nil {
		return nil, nil, err
	}
	if err := o.ownData(ctx, objects); err != nil {
		return nil, nil, err
	}
	bodies := make([]*unstructured.Unstructured, len(objects))
	for i, object := range objects {
		bodies[i] = o.Body(object)
	}
	options := kube.ApplyOptions{ForceConflicts: o.plan.Options.ForceConflicts, Claims: plan.MarkFields()}
	refused, later := make([]error, len(objects)), 0
	err = o.cluster.Apply(ctx, bodies, options, func(i int, applied kube.Applied) {
		switch {
		case o.MayRecreate(objects[i], applied.Err):
			blocked = append(blocked, objects[i])
		case again && isMoved(applied.Err):
			moved = append(moved, objects[i])
		default:
			applied.Err = o.NotRecreated(objects[i], applied.Err)
			o.applied(objects[i], applied)
			refused[i] = placed(objects[i], applied.Err)
			return
		}
		later++
	})
	if named := errors.Join(refused...); named != nil {
		return blocked, moved, named
	}
	if later > 0 {
		// What the error joins is about these.
		err = ctx.Err()
	}
	return blocked, moved, err
}

// isMoved reports whether an error says that an object is not the one that was read.
func isMoved(err error) bool {
	return errors.Is(err, refusal.ErrGone) || errors.Is(err, refusal.ErrReplaced)
}

// MayRecreate reports whether an error says that an object cannot be changed in place, and the object may be deleted and
// recreated: it says so itself, in an undo as it is on the cluster; it is what is left of a hook that has become a
// regular resource; or the user says so of everything and nothing would be lost with it. What is being adopted is not: it
// may have to be given back.
func (l *ledger) MayRecreate(object manifest.Object, err error) bool {
	key := object.Key()
	found, ours := l.live[key]
	var immutable *refusal.ImmutableError
	switch {
	case !ours || !errors.As(err, &immutable) || l.FormerOwner(key) != "":
		return false
	case plan.MayBeRecreated(object), l.plan.IsUndo && found.recreate:
		return true
	}
	return found.hook && kinds.RunsPods(key.GroupKind()) || l.plan.Options.RecreateImmutable && !kinds.Irreplaceable(key.GroupKind())
}

// recreate deletes objects with all that depends on them, and recreates them.
func (o *objects) recreate(ctx context.Context, objects []manifest.Object) error {
	if err := o.RemoveBlocked(ctx, objects, ""); err != nil {
		return err
	}
	blocked, err := o.send(ctx, objects)
	if err == nil && len(blocked) > 0 {
		err = fmt.Errorf("%s was recreated by somebody else meanwhile", blocked[0].Key())
	}
	return err
}

// RemoveBlocked deletes objects that are going to be recreated, so they stay on the inventory. phase is that of hooks.
func (o *objects) RemoveBlocked(ctx context.Context, objects []manifest.Object, phase string) error {
	targets := make([]kube.Deletion, len(objects))
	for i, object := range objects {
		ref := object.Reference()
		ref.UID = o.live[kinds.KeyOf(ref)].uid
		targets[i] = kube.Deletion{Ref: ref, Propagation: metav1.DeletePropagationForeground}
	}
	if err := o.Remove(ctx, targets, Outcome{Phase: phase}); err != nil {
		return fmt.Errorf("deleting what cannot be changed in place: %w", err)
	}
	for _, target := range targets {
		delete(o.gone, kinds.KeyOf(target.Ref))
	}
	return nil
}

// ownData makes the data of Secrets ours that was applied as stringData, by earlier versions of this program or by Helm: the
// apply that follows would not remove what it does not name.
func (o *objects) ownData(ctx context.Context, objects []manifest.Object) error {
	var refs []corev1.ObjectReference
	for _, object := range objects {
		if ref := object.Reference(); o.live[kinds.KeyOf(ref)].carried.stringData {
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return o.cluster.OwnData(ctx, refs)
}

// NotRecreated says of an object that cannot be changed in place that adopting it is why it is not recreated.
func (l *ledger) NotRecreated(object manifest.Object, err error) error {
	var immutable *refusal.ImmutableError
	if errors.As(err, &immutable) && l.FormerOwner(object.Key()) != "" {
		return &AdoptedError{err}
	}
	return err
}

// established waits for the custom resource definitions of a step, so that objects of their kinds can follow.
func (o *objects) established(ctx context.Context, objects []manifest.Object) error {
	var definitions []manifest.Object
	for _, object := range objects {
		if kinds.IsDefinition(object.GroupKind()) {
			definitions = append(definitions, object)
		}
	}
	if len(definitions) == 0 {
		return nil
	}
	return o.Wait(ctx, definitions)
}
