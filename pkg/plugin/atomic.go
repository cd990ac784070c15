package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// AtomicError is work that failed and was taken back, or should have been.
type AtomicError struct {
	// Failure is why the work failed. It alone decides about the exit code.
	Failure error
	// Outcome says how the release stands now.
	Outcome string
}

// Error says why the work failed and how the release stands now.
func (e *AtomicError) Error() string { return e.Failure.Error() + "\n" + e.Outcome }

// Unwrap returns Failure.
func (e *AtomicError) Unwrap() error { return e.Failure }

// failedRun is the run of a plan that failed.
type failedRun struct {
	*target
	*proposal
	result plan.Result
}

// undo puts the release back as it was before work that failed, and returns the failure with what became of that. It
// has a time of its own. After an interrupt it is not interrupted itself: the next signal ends the program.
func (o *DeployOptions) undo(ctx context.Context, failed failedRun, failure error) error {
	if errors.Is(failure, storage.ErrLockLost) {
		// The release is another command's.
		return failure
	}
	if failed.result.Release.ResourceVersion == "" || failed.result.Release.Status.Phase == release.Deployed {
		// Nothing was recorded and so nothing was done, or everything was.
		return failure
	}
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	back, needed, err := failed.planUndo()
	result := plan.Result{Release: back.Release}
	if err == nil && needed {
		doing := "going back to revision " + strconv.Itoa(back.Release.Spec.FromRevision)
		if back.Operation == release.OperationUndo {
			doing = "removing what it made"
		}
		_, _ = fmt.Fprintf(o.ErrOut, "%s %s failed; %s\n", failed.Operation, o.Name, doing)
		result, err = o.run(ctx, failed.target, back)
	}
	undone := &AtomicError{Failure: failure}
	switch {
	case err != nil:
		undone.Outcome = "The way back failed, too: " + printers.Clean(err.Error())
	case !needed:
		undone.Outcome = fmt.Sprintf("Nothing had been changed. Revision %d is still deployed.", failed.deployed.Spec.Revision)
	case back.Operation == release.OperationUndo:
		undone.Outcome = "What it had made was removed again."
	default:
		undone.Outcome = fmt.Sprintf("Release %s is back at revision %d, as revision %d.", o.Name, failed.deployed.Spec.Revision, back.Release.Spec.Revision)
	}
	if len(result.Returned) > 0 {
		undone.Outcome += " What it had adopted was given back: " + words.List(result.Returned, words.Many) + "."
	}
	if needed {
		lookFor(failure, result.Release.Inventory)
	}
	return undone
}

// lookFor brings the error of a hook up to what the way back has left of its object.
func lookFor(failure error, inventory []release.Entry) {
	var failed *lifecycle.HookError
	if errors.As(failure, &failed) {
		failed.Kept = failed.Kept && slices.ContainsFunc(inventory, func(entry release.Entry) bool { return entry.UID == failed.Hook.UID })
	}
}

// errNoneDeployed says why there is no way back: what is there is not known to have been deployed.
var errNoneDeployed = errors.New("no revision is known to have been deployed before")

// planUndo plans to put the release back as it was; needed is false where there is nothing to do.
func (f failedRun) planUndo() (undo plan.Plan, needed bool, err error) {
	if f.Operation == release.OperationInstall {
		return plan.Undo(f.Plan, f.result, plan.Request{})
	}
	request, err := f.restoration(f.deployed, f.result.Release, f.History, f.Options)
	if err != nil {
		return undo, false, err
	}
	return plan.Undo(f.Plan, f.result, request)
}

// restoration completes the request to go back from a failed revision to the one that was deployed before; nil is none.
func (t *target) restoration(deployed, failed *release.Release, history release.History, options plan.Options) (plan.Request, error) {
	if deployed == nil {
		return plan.Request{}, errNoneDeployed
	}
	return t.rollback(deployed, failed, append(slices.Clip(history), failed), options)
}

// undoHooks are the hooks that run if an operation fails and is undone. deployed is the revision that was deployed before; nil
// is none. That there can be no undo is a warning.
func (t *target) undoHooks(request plan.Request, deployed *release.Release) []plan.Hook {
	if request.Operation == release.OperationInstall {
		return nil
	}
	restoration, err := t.restoration(deployed, request.Release, request.History, request.Options)
	var hooks []plan.Hook
	if err == nil {
		hooks, err = plan.UndoHooks(restoration)
	}
	if err != nil {
		t.warnings.warn("if this fails it cannot be taken back: %v", err)
	}
	return hooks
}

// rollback completes the request to restore an earlier revision.
func (t *target) rollback(earlier, newest *release.Release, history release.History, options plan.Options) (plan.Request, error) {
	request := plan.Rollback(earlier, newest, history, options)
	var err error
	if request.Nodes, err = nodesOf(earlier); err != nil {
		return request, err
	}
	if newest.Record.Damage.Content == nil {
		if request.Left, err = nodesOf(newest); err != nil {
			return request, err
		}
	}
	request.Scopes, err = t.scopes(append(request.Left, request.Nodes...))
	return request, err
}
