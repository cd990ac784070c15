// Package lifecycle runs plans. One Runner runs all of them, records each step before and after it, and reports typed events.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// lastWords bounds what is done after the work has ended: cleaning up behind hooks, and the last record. It holds even
// when the work ran out of time or was interrupted.
const lastWords = 30 * time.Second

// Runner runs plans.
type Runner struct {
	Cluster Cluster
	Store   Store
	// Observe is called with every event, in order, one at a time, and must return soon; nil observes nothing.
	Observe func(Event)
	// Now is the clock.
	Now func() time.Time
}

// Run carries out a plan. The release is recorded before the first write and at every step; the result has what was recorded
// last. What is refused before the record makes no revision.
//
// Cancelling ctx ends the work and records it as interrupted; with ErrLockLost as the cause it ends without a record. The
// error says what failed first; its chain holds *HookError, *ForeignError, ErrTimedOut or ErrInterrupted where these apply, or
// the error of the cluster. There is a result in any case.
func (r Runner) Run(ctx context.Context, p plan.Plan) (plan.Result, error) {
	work, cancel := WithTimeout(ctx, p.Options.Timeout)
	defer cancel()
	run := r.execution(p)
	err := run.carryOut(ctx, work)
	return plan.Result{Release: run.release, Extent: run.extent, Returned: run.returned}, err
}

// carryOut goes through what is the same for every operation, in its order. The lock was taken, the history read again and what
// an earlier run left open was closed before it. work is ctx with the limit of the operation.
func (x *execution) carryOut(ctx, work context.Context) error {
	if err := x.completeReturns(work); err != nil {
		return Because(work, err)
	}
	if err := x.preflight(work); err != nil {
		var refused *PreflightError
		if errors.As(err, &refused) {
			refused.Returned = x.returned
		}
		return Because(work, err)
	}
	if err := x.begin(work); err != nil {
		return Because(work, err)
	}
	return x.end(ctx, Because(work, x.forward(work)))
}

// execution is one run of a plan.
type execution struct {
	Runner
	tally
	*reporter
	*ledger
	rehearsal rehearsal
}

// tally is what the run of a plan has come to so far.
type tally struct {
	// extent is how far the run got into changing the cluster.
	extent plan.Extent
	// early are the objects that had to be changed before the first hooks, because these need them.
	early []corev1.ObjectReference
	// returned names the objects that were given back.
	returned []string
	// suspended says that the hook that runs is a suspended Job.
	suspended bool
}

func (r Runner) execution(p plan.Plan) *execution {
	record := p.Release.Clone()
	events := &reporter{observe: r.Observe, notices: r.Cluster.Notices, clock: r.Now, started: r.Now(), about: Event{
		Operation: p.Operation, Release: record.Name, Namespace: record.Namespace, Revision: record.Spec.Revision,
	}}
	return &execution{
		Runner: r, reporter: events,
		ledger: &ledger{
			reporter: events, cluster: r.Cluster, plan: p, release: record,
			live: map[kinds.Key]live{}, gone: map[kinds.Key]bool{}, index: release.Index(record.Inventory),
		},
	}
}

// hasRun reports whether a hook has succeeded, in this run or before it was resumed.
func (x *execution) hasRun(h plan.Hook) bool { return plan.HasRun(x.release, h) }

// WithTimeout limits work to a time; 0 means no limit. Because tells afterwards that it was the limit that ended it.
func WithTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, timeout, ErrTimedOut)
}

// ended returns ErrTimedOut, ErrInterrupted or ErrLockLost when a context has ended, else nil.
func ended(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case isLockLost(ctx):
		return ErrLockLost
	case errors.Is(context.Cause(ctx), ErrTimedOut):
		return ErrTimedOut
	}
	return ErrInterrupted
}

// begin records the operation before anything of it is done.
func (x *execution) begin(ctx context.Context) error {
	r := x.release
	if x.plan.Operation == release.OperationUninstall && !r.Removed() {
		r.Status.Remember()
	}
	if meanwhile := x.plan.Course().Meanwhile; meanwhile != "" {
		r.Status.Phase = meanwhile
		r.Status.Operation, r.Status.Interrupted = x.plan.Operation, ""
		r.Status.StartedAt, r.Status.FinishedAt, r.Status.Message = x.now(), nil, ""
		r.SetCondition(*x.now())
	}
	if x.plan.Operation == release.OperationRevert {
		// What hooks have done goes with what they did it to, so that there is nothing left to go on from.
		r.Status.Interrupted = ""
	}
	if err := x.adoptFound(ctx); err != nil {
		return err
	}
	if err := x.recordBegin(ctx); err != nil {
		return err
	}
	x.emit(OperationStarted, Outcome{})
	for _, record := range x.plan.Skipped() {
		x.emit(HookSkipped, x.hookOutcome(record))
	}
	return nil
}

// recordBegin records a new revision, or the status of one that is there.
func (x *execution) recordBegin(ctx context.Context) error {
	if x.release.ResourceVersion == "" {
		// It may be large, and take as long as the work may. What was cut short leaves nothing behind.
		return x.Store.Create(ctx, x.release)
	}
	return detached(ctx, func(ctx context.Context) error { return x.Store.UpdateStatus(ctx, x.release) })
}

// forward does the steps.
func (x *execution) forward(ctx context.Context) error {
	if err := x.endLeftovers(ctx); err != nil {
		return err
	}
	var notGivenBack error
	for i, step := range x.plan.Steps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		x.advance(step)
		x.hoist(step)
		err := x.step(ctx, step)
		if err != nil && step.Verb == plan.GiveBack {
			notGivenBack, err = err, nil
		}
		if err != nil {
			return err
		}
		if err := x.preflightRest(ctx, step); err != nil {
			return err
		}
		if err := x.lookAgain(ctx, step, x.plan.Steps[i+1:]); err != nil {
			return err
		}
		if lastOf(x.plan.Steps, i) {
			if err := detached(ctx, x.recordInventory); err != nil {
				return err
			}
		}
	}
	return notGivenBack
}

// lookAgain looks at what is on the cluster after hooks, which may take long: whoever deleted or made something meanwhile
// must not be overlooked.
func (x *execution) lookAgain(ctx context.Context, step plan.Step, ahead []plan.Step) error {
	changes := func(step plan.Step) bool { return step.Verb == plan.Apply || step.Verb == plan.Delete }
	if step.Verb != plan.RunHooks || !slices.ContainsFunc(ahead, changes) || ctx.Err() != nil {
		return nil
	}
	return x.surveyAgain(ctx, ahead)
}

// advance notes how far the work has come with a step. Definitions of kinds do not count: nothing takes them back.
func (x *execution) advance(step plan.Step) {
	changes := func(object manifest.Object) bool {
		return !kinds.IsDefinition(object.GroupKind()) && !x.isUnchanged(object)
	}
	// A hook that was a regular resource changes what the application has.
	wasRegular := func(h plan.Hook) bool {
		found, live := x.live[h.Object.Key()]
		return live && !found.hook && found.foreign == ""
	}
	switch {
	case step.Verb == plan.RunHooks && step.Phase == x.plan.Course().Before:
		if slices.ContainsFunc(step.Hooks, wasRegular) {
			x.extent = max(x.extent, plan.Groundwork)
		}
	case step.Verb != plan.Apply || step.Wave > 0 && !step.Hoisted:
		x.extent = plan.Everything
	case slices.ContainsFunc(step.Objects, changes):
		x.extent = max(x.extent, plan.Groundwork)
	}
}

// lastOf reports whether the step at i applies or deletes, and the next does something else; the end records anyway.
func lastOf(steps []plan.Step, i int) bool {
	verb := steps[i].Verb
	return (verb == plan.Apply || verb == plan.Delete || verb == plan.GiveBack) && i+1 < len(steps) && steps[i+1].Verb != verb
}

// recordInventory writes the inventory if it has changed.
func (x *execution) recordInventory(ctx context.Context) error {
	if !x.stale {
		return nil
	}
	if err := x.Store.UpdateInventory(ctx, x.release); err != nil {
		return err
	}
	x.stale = false
	return nil
}

func (x *execution) step(ctx context.Context, step plan.Step) error {
	switch step.Verb {
	case plan.Apply:
		return x.apply(ctx, step)
	case plan.RunHooks:
		return x.runPhase(ctx, step)
	case plan.Wait:
		return x.wait(ctx, step.Objects)
	case plan.Delete:
		return x.delete(ctx, step)
	case plan.GiveBack:
		return x.giveBack(ctx, step.Entries)
	case plan.Keep:
		x.keep(step)
		return nil
	}
	return fmt.Errorf("unknown step %q", step.Verb)
}

// detached runs what must still be done after an interrupt, with a time of its own. When the lock is lost nothing must.
func detached(ctx context.Context, do func(context.Context) error) error {
	limited, cancel := WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if isLockLost(ctx) {
		return ErrLockLost
	}
	defer context.AfterFunc(ctx, func() {
		if isLockLost(ctx) {
			cancel()
		}
	})()
	return do(limited)
}

// isLockLost reports whether a context has ended because the lock was lost.
func isLockLost(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrLockLost) }
