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

// RunError is work that failed, and how the release stands now.
type RunError struct {
	// Failure is why the work failed. It alone decides about the exit code.
	Failure error
	// Outcome says how the release stands now.
	Outcome string
	// HookGone says that the work failed with a hook and that the undo has removed the object of that.
	HookGone bool
}

// Error says why the work failed and how the release stands now.
func (e *RunError) Error() string { return e.Failure.Error() + "\n" + e.Outcome }

// Unwrap returns Failure.
func (e *RunError) Unwrap() error { return e.Failure }

// Undo puts the release back as it was before work that failed, and returns the failure with what became of that. It
// has a time of its own. After an interrupt it is not interrupted itself: the next signal ends the program.
func (s *session) Undo(ctx context.Context, failed *proposal, result plan.Result, failure error) error {
	if errors.Is(failure, storage.ErrLockLost) {
		// The release is another command's.
		return failure
	}
	if result.Release.ResourceVersion == "" || result.Release.Status.Phase == release.Deployed {
		// Nothing was recorded and so nothing was done, or everything was.
		return failure
	}
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	undo, needed, err := s.planUndo(failed, result)
	undone := plan.Result{Release: undo.Release}
	if err == nil && needed {
		doing := "rolling back to revision " + strconv.Itoa(undo.Release.Spec.FromRevision)
		if undo.Operation == release.OperationUndo {
			doing = "deleting what it created"
		}
		_, _ = fmt.Fprintf(s.ErrOut, "%s %s failed; %s\n", failed.Operation, s.Name, doing)
		undone, err = s.CarryOut(ctx, undo)
	}
	outcome := ""
	switch {
	case err != nil:
		outcome = "The rollback failed, too: " + printers.Clean(err.Error())
	case !needed:
		outcome = standing(failed.Plan, result, failure, inNamespace(s.Getter))
	case undo.Operation == release.OperationUndo:
		outcome = words.Capital(lifecycle.Undone(undone.Release)) + "."
	default:
		outcome = fmt.Sprintf("Release %s was rolled back to revision %d (now revision %d).", s.Name, failed.deployed.Spec.Revision, undo.Release.Spec.Revision)
	}
	if len(undone.Returned) > 0 {
		outcome += " Adopted objects were given back: " + words.List(undone.Returned, words.Many) + "."
	}
	return &RunError{Failure: failure, Outcome: outcome, HookGone: needed && isHookGone(failure, undone.Release.Inventory)}
}

// isHookGone reports whether work failed with a hook whose object is not in the inventory that an undo has left.
func isHookGone(failure error, inventory []release.Entry) bool {
	var failed *lifecycle.HookError
	return errors.As(failure, &failed) &&
		!slices.ContainsFunc(inventory, func(entry release.Entry) bool { return entry.UID == failed.Hook.UID })
}

// errNoneDeployed says why there is no undo: what is there is not known to have been deployed.
var errNoneDeployed = errors.New("no revision is known to have been deployed before")

// planUndo plans to put the release back as it was; needed is false where there is nothing to do.
func (s *session) planUndo(failed *proposal, result plan.Result) (undo plan.Plan, needed bool, err error) {
	if failed.Operation == release.OperationInstall {
		return plan.Undo(failed.Plan, result, plan.Request{})
	}
	request, err := s.Planning(s.warnings).undoRequest(failed.deployed, result.Release, failed.History, failed.Options)
	if err != nil {
		return undo, false, err
	}
	return plan.Undo(failed.Plan, result, request)
}

// undoRequest completes the request to go back from a failed revision to the one that was deployed before; nil is none.
func (p planning) undoRequest(deployed, failed *release.Release, history release.History, options plan.Options) (plan.Request, error) {
	if deployed == nil {
		return plan.Request{}, errNoneDeployed
	}
	return p.RollbackRequest(deployed, failed, append(slices.Clip(history), failed), options)
}

// UndoHooks are the hooks that run if an operation fails and is undone. deployed is the revision that was deployed before; nil
// is none. That there can be no undo is a warning.
func (p planning) UndoHooks(request plan.Request, deployed *release.Release) []plan.Hook {
	if request.Operation == release.OperationInstall {
		return nil
	}
	undo, err := p.undoRequest(deployed, request.Release, request.History, request.Options)
	var hooks []plan.Hook
	if err == nil {
		hooks, err = plan.UndoHooks(undo)
	}
	if err != nil {
		p.warnings.Warn("if this fails, it cannot be rolled back: %v", err)
	}
	return hooks
}
