package lifecycle

import (
	"context"
	"fmt"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Wait waits until objects are ready.
func (o *objects) Wait(ctx context.Context, objects []manifest.Object) error {
	targets := make([]kube.WaitTarget, len(objects))
	for i, object := range objects {
		ref := object.Reference()
		ref.UID = o.live[kinds.KeyOf(ref)].uid
		ready, failed, err := conditions(object)
		if err != nil {
			return err
		}
		targets[i] = kube.WaitTarget{Ref: ref, Ready: ready, Failed: failed}
	}
	begun := o.clock()
	o.Emit(WaitStarted, Outcome{Count: len(objects), Message: words.Count(len(objects), "object")})
	err := o.cluster.Wait(ctx, targets, plan.OwnerOf(o.release).Selector(), o.observeWait)
	o.Emit(WaitFinished, Outcome{Result: resultOf(err), ElapsedMS: o.Since(begun)})
	return WithCause(ctx, err)
}

func (o *objects) observeWait(readiness kube.Readiness) {
	outcome := Outcome{
		Object: eventObject(readiness.Ref), Result: ResultWaiting, Summary: readiness.Brief(),
		Message: words.Sentences(append([]string{readiness.Message}, readiness.Reasons...)...),
	}
	switch {
	case readiness.Err != nil:
		outcome.Result, outcome.Message = ResultFailed, readiness.Err.Error()
	case readiness.Skipped:
		outcome.Result = ResultSkipped
	case readiness.Done:
		outcome.Result = ResultReady
	}
	o.Emit(WaitProgress, outcome)
}

// conditions reads what an object says about when it is ready or has failed.
func conditions(object manifest.Object) (ready, failed health.Conditions, err error) {
	if ready, err = condition(object, hook.ReadyWhenAnnotation); err != nil {
		return nil, nil, err
	}
	failed, err = condition(object, hook.FailedWhenAnnotation)
	return ready, failed, err
}

func condition(object manifest.Object, annotation string) (health.Conditions, error) {
	text, found := object.GetAnnotations()[annotation]
	if !found {
		return nil, nil
	}
	parsed, err := health.ParseConditions(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", object.Title(), annotation, err)
	}
	return parsed, nil
}
