package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// end records how the operation went. The record is written even when the work was interrupted, but not when the lock was
// lost: it is another command's then.
func (x *execution) end(ctx context.Context, failure error) error {
	if isLockLost(ctx) {
		failure = errors.Join(ErrLockLost, failure)
		x.emit(OperationFinished, x.outcome(failure))
		return failure
	}
	x.closeHooks()
	if failure == nil {
		x.keepAsApplied()
	}
	x.shrink()
	x.conclusion(failure)
	err := detached(ctx, x.recordEnd)
	if err == nil {
		x.makeFinal(ctx, failure == nil)
	}
	x.emit(OperationFinished, x.outcome(failure))
	if err != nil {
		err = fmt.Errorf("the end of the operation could not be recorded: %w", err)
	}
	return errors.Join(failure, err)
}

// outcome is how the operation went.
func (x *execution) outcome(failure error) Outcome {
	outcome := Outcome{Result: "Succeeded", ElapsedMS: x.since(x.started)}
	if failure != nil {
		outcome.Result, outcome.Message = "Failed", failure.Error()
	}
	return outcome
}

// conclusion writes into the status how the operation went.
func (x *execution) conclusion(failure error) {
	r := x.release
	if errors.Is(failure, ErrInterrupted) && x.plan.Course().Done != "" {
		r.Status.Interrupted = x.plan.Operation
	}
	switch done := x.plan.Course().Done; {
	case done == "":
		return
	case failure == nil:
		r.Status.Phase = done
	case x.extent == plan.Nothing && r.Status.Restore():
		r.Status.Message = stillThere(r.Status.Message, summary(failure))
		r.SetCondition(*x.now())
		return
	default:
		r.Status.Phase, r.Status.Message = release.Failed, summary(failure)
	}
	r.Status.Before, r.Status.FinishedAt = nil, x.now()
	r.SetCondition(*x.now())
}

// stillThere adds to what is said of a release why it was not uninstalled: a hook failed before anything was deleted.
func stillThere(message, reason string) string {
	message, _, _ = strings.Cut(message, notUninstalled)
	if message = strings.TrimSuffix(message, "; "); message != "" {
		message += "; "
	}
	return message + notUninstalled + reason
}

// notUninstalled comes before the reason why a release is still there.
const notUninstalled = "not uninstalled: "

// recordEnd writes the inventory, which the end has made exact, and then the status. The record of a release that was
// uninstalled goes instead, unless it is to be kept.
func (x *execution) recordEnd(ctx context.Context) error {
	var dropped error
	if x.release.Status.Phase == release.Uninstalled && !x.plan.Options.KeepHistory {
		dropped = x.Store.Drop(ctx, x.release.Namespace, x.release.Name)
		if dropped == nil {
			return nil
		}
	}
	if err := errors.Join(dropped, x.recordInventory(ctx), x.Store.UpdateStatus(ctx, x.release)); err != nil {
		return err
	}
	if err := x.retire(ctx); err != nil {
		x.emit(Warning, Outcome{Message: "the history is not up to date, the next command mends it: " + err.Error()})
	}
	return nil
}

// retire follows an operation that ended a revision: where it is deployed or removed, those before it are superseded, and
// in any case the oldest forgotten. What is not done here, because the program was ended, the next operation does.
func (x *execution) retire(ctx context.Context) error {
	if x.plan.Course().Done == "" {
		return nil
	}
	superseded, forgotten := retire(x.plan.History, x.release, x.plan.Options.HistoryMax)
	if x.plan.IsUndo {
		// The record of the failure that made a way back necessary stays, however few are to be kept.
		failed := x.plan.History.Newest()
		forgotten = slices.DeleteFunc(forgotten, func(r *release.Release) bool { return r == failed })
	}
	for _, revision := range superseded {
		if err := x.Store.Supersede(ctx, revision); err != nil {
			return err
		}
	}
	for _, revision := range forgotten {
		if err := x.Store.Forget(ctx, revision); err != nil {
			return err
		}
	}
	return nil
}

// closeHooks says of every hook whose turn never came that it was not reached. One whose start could not be recorded was
// not applied.
func (x *execution) closeHooks() {
	hooks := x.release.Status.Hooks
	for i := range hooks {
		if hooks[i].State == release.HookPending {
			hooks[i].State, hooks[i].Reason = release.HookSkipped, release.ReasonNotReached
		}
		if hooks[i].State == release.HookRunning {
			hooks[i].State, hooks[i].Reason, hooks[i].FinishedAt = release.HookFailed, release.ReasonNotRecorded, x.now()
		}
	}
}
