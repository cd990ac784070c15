// Package lifecycle runs plans. One Runner runs all of them, records each step before and after it, and reports typed events.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Runner runs plans.
type Runner struct {
	Cluster Cluster
	Store   Store
	// Observe is called with every event, in order, one at a time, and must return soon; nil observes nothing.
	Observe func(Event)
	// Before is what was done before the run, for the timeline of the record.
	Before []release.Span
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
	work, cancel := withTimeout(ctx, p.Options.Timeout)
	defer cancel()
	run := r.execution(p)
	err := run.carryOut(ctx, work)
	return plan.Result{Release: run.release, Extent: run.extent, Returned: run.adoption.returned}, err
}

// execution is one run of a plan: it goes through the steps, and has a part for each concern.
type execution struct {
	*ledger
	journal   *journal
	preflight *preflight
	adoption  *adoption
	objects   *objects
	hooks     *hookRunner
	handover  *handover
	timeline  *timeline
	// extent is how far the run got into changing the cluster.
	extent plan.Extent
}

func (r Runner) execution(p plan.Plan) *execution {
	record := p.Release.Clone()
	line := newTimeline(p.Operation, record.Status, r.Now, r.Before)
	events := &reporter{observe: r.observing(line), notices: r.Cluster.Notices, clock: r.Now, started: r.Now(), about: Event{
		Operation: p.Operation, Release: record.Name, Namespace: record.Namespace, Revision: record.Spec.Revision,
	}}
	x := &execution{ledger: newLedger(events, r.Cluster, p, record), timeline: line}
	x.journal = &journal{ledger: x.ledger, store: r.Store, timeline: line}
	x.preflight = newPreflight(x.ledger, r.Cluster)
	x.adoption = &adoption{ledger: x.ledger, journal: x.journal, cluster: r.Cluster, store: r.Store}
	x.handover = &handover{ledger: x.ledger, cluster: r.Cluster, store: r.Store}
	x.objects = &objects{ledger: x.ledger, cluster: r.Cluster, adoption: x.adoption}
	x.hooks = &hookRunner{
		ledger: x.ledger, cluster: r.Cluster, journal: x.journal, adoption: x.adoption, objects: x.objects, timeline: line,
	}
	return x
}

// observing returns an observer that has a timeline see each event before the run's own observer does.
func (r Runner) observing(line *timeline) func(Event) {
	return func(event Event) {
		line.Observe(event)
		if r.Observe != nil {
			r.Observe(event)
		}
	}
}

// carryOut goes through what is the same for every operation, in its order. The lock was taken, the history read again and what
// an earlier run left open was closed before it. work is ctx with the limit of the operation.
func (x *execution) carryOut(ctx, work context.Context) error {
	if err := x.adoption.CompleteReturns(work); err != nil {
		return WithCause(work, err)
	}
	end := x.timeline.Begin(release.Span{Kind: release.SpanPreflight, Name: "preflight"})
	err := x.check(work)
	end(err)
	if err != nil {
		var refused *PreflightError
		if errors.As(err, &refused) {
			refused.Returned = x.adoption.returned
		}
		return WithCause(work, err)
	}
	err = x.adoption.AdoptFound(work)
	if err == nil {
		err = x.journal.Start(work)
	}
	if err != nil {
		return WithCause(work, err)
	}
	return x.journal.Finish(ctx, WithCause(work, x.forward(work)), x.extent)
}

// check submits what the plan does as dry-runs.
func (x *execution) check(ctx context.Context) error {
	if err := x.preflight.Run(ctx); err != nil {
		return err
	}
	return x.handover.Preflight(ctx)
}

// forward does the steps. What cannot be given back ends nothing, and is the error at the end.
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
		end := x.timeline.BeginStep(step)
		err := x.step(ctx, step)
		end(err)
		if err != nil && step.Action == plan.GiveBack {
			notGivenBack, err = err, nil
		}
		if err != nil {
			return err
		}
		if err := x.preflight.RunPostponed(ctx, step); err != nil {
			return err
		}
		if err := x.refreshAfterHooks(ctx, step, x.plan.Steps[i+1:]); err != nil {
			return err
		}
		if lastOf(x.plan.Steps, i) {
			if err := detached(ctx, x.journal.RecordInventory); err != nil {
				return err
			}
		}
	}
	return notGivenBack
}

// endLeftovers ends hooks of earlier commands, where there may be any.
func (x *execution) endLeftovers(ctx context.Context) error {
	if !x.plan.MayHaveLeftovers {
		return nil
	}
	end := x.timeline.Begin(release.Span{Kind: release.SpanLeftover, Name: "leftover hooks"})
	err := x.hooks.EndLeftovers(ctx)
	end(err)
	return err
}

// step does one step.
func (x *execution) step(ctx context.Context, step plan.Step) error {
	switch step.Action {
	case plan.Apply:
		return x.objects.Apply(ctx, step)
	case plan.RunHooks:
		return x.hooks.RunPhase(ctx, step)
	case plan.Wait:
		return x.objects.Wait(ctx, step.Objects)
	case plan.Delete:
		return x.objects.Delete(ctx, step)
	case plan.GiveBack:
		return x.adoption.GiveBack(ctx, step.Entries)
	case plan.HandOver:
		return x.handover.HandOver(ctx, step)
	case plan.WriteHelm:
		return x.handover.WriteHelm(ctx, step)
	case plan.Keep:
		x.objects.Keep(step)
		return nil
	}
	return fmt.Errorf("unknown step %q", step.Action)
}

// advance notes how far the work comes with a step. Definitions of kinds do not count: no undo deletes or reverts them.
func (x *execution) advance(step plan.Step) {
	changes := func(object manifest.Object) bool {
		return !kinds.IsDefinition(object.GroupKind()) && !x.IsUnchanged(object)
	}
	// A hook that was a regular resource changes what the application has.
	wasRegular := func(h plan.Hook) bool {
		found, live := x.live[h.Object.Key()]
		return live && !found.hook && found.foreign == ""
	}
	switch {
	case step.Action == plan.RunHooks && step.Phase == x.plan.Course().Before:
		if slices.ContainsFunc(step.Hooks, wasRegular) {
			x.extent = max(x.extent, plan.ExtentEarly)
		}
	case step.Action != plan.Apply || step.Wave > 0 && !step.Early:
		x.extent = plan.ExtentAll
	case slices.ContainsFunc(step.Objects, changes):
		x.extent = max(x.extent, plan.ExtentEarly)
	}
}

// refreshAfterHooks reads what is on the cluster after hooks, which may take long: whoever deleted or created something
// meanwhile must not be overlooked.
func (x *execution) refreshAfterHooks(ctx context.Context, step plan.Step, ahead []plan.Step) error {
	changes := func(step plan.Step) bool { return step.Action == plan.Apply || step.Action == plan.Delete }
	if step.Action != plan.RunHooks || !slices.ContainsFunc(ahead, changes) || ctx.Err() != nil {
		return nil
	}
	return x.RefreshAndAwait(ctx, ahead)
}

// lastOf reports whether the step at i applies or deletes, and the next does something else; the end records anyway.
func lastOf(steps []plan.Step, i int) bool {
	action := steps[i].Action
	return (action == plan.Apply || action == plan.Delete || action == plan.GiveBack) && i+1 < len(steps) && steps[i+1].Action != action
}
