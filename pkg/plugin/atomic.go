package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
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

// takeBack puts the release back as it was before work that failed, and returns the failure with what became of that. It
// has a time of its own. After an interrupt it is not interrupted itself: the next signal ends the program.
func (o *DeployOptions) takeBack(ctx context.Context, work *deployment, failure error) error {
	if errors.Is(failure, storage.ErrLockLost) {
		// The release is another command's.
		return failure
	}
	if work.plan.Release.ResourceVersion == "" || work.plan.Release.Status.Phase == release.Deployed {
		// Nothing was recorded and so nothing was done, or everything was.
		return failure
	}
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	back, err := work.wayBack()
	if err == nil && back != nil {
		doing := "going back to revision " + strconv.Itoa(back.Release.Spec.FromRevision)
		if back.Operation == release.OperationRevert {
			doing = "removing what it made"
		}
		_, _ = fmt.Fprintf(o.ErrOut, "%s %s failed; %s\n", work.plan.Operation, o.Name, doing)
		err = o.run(ctx, work.target, back)
	}
	result := &AtomicError{Failure: failure}
	switch {
	case err != nil:
		result.Outcome = "The way back failed, too: " + printers.Clean(err.Error())
	case back == nil:
		result.Outcome = fmt.Sprintf("Nothing had been changed. Revision %d is still deployed.", work.deployed.Spec.Revision)
	case back.Operation == release.OperationRevert:
		result.Outcome = "What it had made was removed again."
	default:
		result.Outcome = fmt.Sprintf("Release %s is back at revision %d, as revision %d.", o.Name, work.deployed.Spec.Revision, back.Release.Spec.Revision)
	}
	if back != nil {
		if names := back.GivenBack(); names != "" {
			result.Outcome += " What it had adopted was given back: " + names + "."
		}
		lookFor(failure, back.Release.Inventory)
	}
	return result
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

// wayBack plans to put the release back as it was; nil where there is nothing to do.
func (d *deployment) wayBack() (*plan.Plan, error) {
	if d.plan.Operation == release.OperationInstall {
		return plan.Undo(d.plan, plan.Request{})
	}
	if d.deployed == nil {
		return nil, errNoneDeployed
	}
	request, err := d.restoration()
	if err != nil {
		return nil, err
	}
	return plan.Undo(d.plan, request)
}

// restoration completes the request to go back to the revision that was deployed before.
func (d *deployment) restoration() (plan.Request, error) {
	history := append(release.History{}, d.plan.History...)
	return d.target.rollback(d.deployed, d.plan.Release, append(history, d.plan.Release), d.plan.Options)
}

// lookBack plans the way back that may become necessary, so that its hooks are tried before anything is done.
func (o *DeployOptions) lookBack(work *deployment) {
	if work.plan.Operation == release.OperationInstall {
		return
	}
	if err := work.tryBack(); err != nil {
		_, _ = fmt.Fprintf(o.ErrOut, "warning: if this fails it cannot be taken back: %s\n", printers.Clean(err.Error()))
	}
}

// tryBack adds to the plan the hooks of its way back, so that they are tried with its own.
func (d *deployment) tryBack() error {
	if d.deployed == nil {
		return errNoneDeployed
	}
	request, err := d.restoration()
	if err == nil {
		d.plan.Undo, err = plan.UndoHooks(request)
	}
	return err
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
