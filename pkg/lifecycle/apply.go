package lifecycle

import (
	"context"
	"fmt"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// apply applies the objects of one wave that have changed, and notes what became of them. What defines new kinds is
// waited for.
func (x *execution) apply(ctx context.Context, step plan.Step) error {
	started := x.clock()
	x.emit(WaveStarted, Outcome{Wave: step.Wave, Message: words.Count(len(step.Objects), "object")})
	changed := x.changed(step.Objects)
	blocked, err := x.send(ctx, changed)
	if err == nil && len(blocked) > 0 {
		err = x.recreate(ctx, blocked)
	}
	if err == nil {
		err = x.established(ctx, changed)
	}
	x.emit(WaveFinished, Outcome{Wave: step.Wave, Result: result(err), ElapsedMS: x.since(started)})
	return err
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
func (x *execution) changed(objects []manifest.Object) []manifest.Object {
	var changed []manifest.Object
	for _, object := range objects {
		if !x.isUnchanged(object) {
			changed = append(changed, object)
			continue
		}
		ref := object.Reference()
		ref.UID = x.live[kinds.KeyOf(ref)].uid
		x.emit(ObjectApplied, Outcome{Object: eventObject(ref), Result: "unchanged"})
	}
	return changed
}

// applied notes what became of one object.
func (x *execution) applied(object manifest.Object, applied kube.Applied) {
	outcome := Outcome{Object: eventObject(object.Reference()), ElapsedMS: applied.Elapsed.Milliseconds()}
	if applied.Err != nil {
		outcome.Result, outcome.Message = "Failed", applied.Err.Error()
		x.emit(ObjectApplied, outcome)
		return
	}
	before := x.live[object.Key()]
	x.note(object, applied)
	outcome.Object.UID = string(applied.Ref.UID)
	outcome.Result = "configured"
	switch {
	case applied.Created:
		outcome.Result = "created"
	case before.foreign != "":
		outcome.Result, outcome.Message = "adopted", "it belonged to "+before.foreign
	case before.replaced:
		outcome.Message = replacedMessage
	}
	x.emit(ObjectApplied, outcome)
}

// replacedMessage is what is said of an object that the release takes again.
const replacedMessage = "it was replaced or restored since the release has made it, and carries its marks; the release takes it again"

// established waits for the custom resource definitions of a step, so that objects of their kinds can follow.
func (x *execution) established(ctx context.Context, objects []manifest.Object) error {
	var definitions []manifest.Object
	for _, object := range objects {
		if kinds.IsDefinition(object.GroupKind()) {
			definitions = append(definitions, object)
		}
	}
	if len(definitions) == 0 {
		return nil
	}
	return x.wait(ctx, definitions)
}

// wait waits until objects are ready.
func (x *execution) wait(ctx context.Context, objects []manifest.Object) error {
	targets := make([]kube.WaitTarget, len(objects))
	for i, object := range objects {
		ref := object.Reference()
		ref.UID = x.live[kinds.KeyOf(ref)].uid
		ready, failed, err := conditions(object)
		if err != nil {
			return err
		}
		targets[i] = kube.WaitTarget{Ref: ref, Ready: ready, Failed: failed}
	}
	begun := x.clock()
	x.emit(WaitStarted, Outcome{Message: words.Count(len(objects), "object")})
	err := x.Cluster.Wait(ctx, targets, ownerOf(x.release).Selector(), x.observeWait)
	x.emit(WaitFinished, Outcome{Result: result(err), ElapsedMS: x.since(begun)})
	return Because(ctx, err)
}

func (x *execution) observeWait(readiness kube.Readiness) {
	outcome := Outcome{Object: eventObject(readiness.Ref), Message: readiness.Message, Result: "Waiting"}
	switch {
	case readiness.Err != nil:
		outcome.Result, outcome.Message = "Failed", readiness.Err.Error()
	case readiness.Skipped:
		outcome.Result = "Skipped"
	case readiness.Done:
		outcome.Result = "Ready"
	}
	x.emit(WaitProgress, outcome)
}

// conditions reads what an object says about when it is ready or has failed.
func conditions(object manifest.Object) (ready, failed kube.Conditions, err error) {
	if ready, err = condition(object, hook.ReadyWhenAnnotation); err != nil {
		return nil, nil, err
	}
	failed, err = condition(object, hook.FailedWhenAnnotation)
	return ready, failed, err
}

func condition(object manifest.Object, annotation string) (kube.Conditions, error) {
	text, found := object.GetAnnotations()[annotation]
	if !found {
		return nil, nil
	}
	parsed, err := kube.ParseConditions(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", object.Title(), annotation, err)
	}
	return parsed, nil
}

func result(err error) string {
	if err != nil {
		return "Failed"
	}
	return "Succeeded"
}
