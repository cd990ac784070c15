package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// jobNameLabel is on every Pod of a Job.
const jobNameLabel = "batch.kubernetes.io/job-name"

// podSelector selects the Pods of all hook Jobs of a plan, so that one watch serves them all; empty where there are none.
func podSelector(p plan.Plan) string {
	var jobs []string
	for _, step := range p.Steps {
		for _, h := range step.Hooks {
			if h.Object.GroupKind() == (schema.GroupKind{Group: "batch", Kind: "Job"}) {
				jobs = append(jobs, h.Object.GetName())
			}
		}
	}
	if len(jobs) == 0 {
		return ""
	}
	slices.Sort(jobs)
	return fmt.Sprintf("%s in (%s)", jobNameLabel, strings.Join(slices.Compact(jobs), ","))
}

// runPhase runs the hooks of a phase. Hooks that the operation can do without get half of the time that is left, so that
// one that hangs leaves enough for the work.
func (x *execution) runPhase(ctx context.Context, step plan.Step) error {
	if !step.Optional {
		return x.runHooks(ctx, step)
	}
	limited, cancel := halfOf(ctx, x.clock())
	defer cancel()
	if err := x.runHooks(limited, step); err != nil {
		if isLockLost(ctx) {
			return err
		}
		x.emit(Warning, Outcome{Phase: string(step.Phase), Message: summary(err) + "; the work goes on"})
	}
	return nil
}

// halfOf limits work to half of the time that a context leaves from now on; without a limit there is none.
func halfOf(ctx context.Context, now time.Time) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return WithTimeout(ctx, max(1, deadline.Sub(now)/2))
}

// runHooks runs the hooks of a phase one at a time, up to the first that fails. What the policies say is deleted when
// the phase's result is recorded, also when it failed, ran out of time or was interrupted.
func (x *execution) runHooks(ctx context.Context, step plan.Step) error {
	started := x.clock()
	x.emit(PhaseStarted, Outcome{Phase: string(step.Phase), Message: words.Count(len(step.Hooks), "hook")})
	var failures []error
	for _, h := range step.Hooks {
		if ctx.Err() != nil || !step.KeepGoing && errors.Join(failures...) != nil {
			break
		}
		var failure error
		if !x.hasRun(h) {
			failure = x.runHook(ctx, h)
		}
		failures = append(failures, failure)
	}
	failure := errors.Join(failures...)
	if failure == nil && len(failures) < len(step.Hooks) {
		failure = ended(ctx)
	}
	x.cleanUp(ctx, step.Hooks, failures)
	x.emit(PhaseFinished, Outcome{
		Phase: string(step.Phase), Result: result(failure), ElapsedMS: x.since(started),
	})
	return failure
}

// runHook runs one hook, with a record before and after it.
func (x *execution) runHook(ctx context.Context, h plan.Hook) error {
	record := x.record(h)
	record.State, record.StartedAt = release.HookRunning, x.now()
	if err := x.saveStatus(ctx); err != nil {
		return err
	}
	x.emit(HookStarted, x.hookOutcome(*record))
	started := x.clock()
	x.suspended = false
	limited, cancel := WithTimeout(ctx, h.Timeout)
	defer cancel()
	outcome, err := x.follow(limited, h)
	if isLockLost(ctx) {
		// Another command deals with it.
		return errors.Join(ErrLockLost, err)
	}
	elapsed := x.clock().Sub(started)
	x.conclude(h, outcome, Because(limited, err), elapsed)
	record.FinishedAt = x.now()
	saveErr := x.saveStatus(ctx)
	if isLockLost(ctx) {
		return errors.Join(ErrLockLost, saveErr)
	}
	finished := x.hookOutcome(*record)
	finished.ElapsedMS = elapsed.Milliseconds()
	x.emit(HookFinished, finished)
	if record.State == release.HookSucceeded {
		return saveErr
	}
	kept := record.UID != "" && !h.Has(hook.HookFailed) && record.Reason != reasonDeleted
	return errors.Join(&HookError{Hook: *record, Kept: kept, Hoisted: x.hoistedFor(h.Phase), Err: Because(limited, err)}, saveErr)
}

// saveStatus records the status, also when the work was interrupted.
func (x *execution) saveStatus(ctx context.Context) error {
	return detached(ctx, func(ctx context.Context) error { return x.Store.UpdateStatus(ctx, x.release) })
}

// follow makes room for the hook, applies it and follows it to its end. Where its object was deleted or replaced since it was
// looked at, that is done again.
func (x *execution) follow(ctx context.Context, h plan.Hook) (kube.HookOutcome, error) {
	for try := 0; ; try++ {
		if err := x.replace(ctx, h); err != nil {
			return kube.HookOutcome{}, err
		}
		outcome, err := x.followOnce(ctx, h)
		if try == tries || !isMoved(outcome.Applied.Err) {
			return outcome, err
		}
		if err := x.surveyAgain(ctx, []plan.Step{{Verb: plan.RunHooks, Hooks: []plan.Hook{h}}}); err != nil {
			return outcome, err
		}
	}
}

func (x *execution) followOnce(ctx context.Context, h plan.Hook) (kube.HookOutcome, error) {
	run, err := x.hookRun(h)
	if err != nil {
		return kube.HookOutcome{}, err
	}
	if err := x.takeOver(ctx, []manifest.Object{h.Object}); err != nil {
		return kube.HookOutcome{}, err
	}
	if err := x.ownData(ctx, []manifest.Object{h.Object}); err != nil {
		return kube.HookOutcome{}, err
	}
	found := x.live[h.Object.Key()]
	if found.replaced {
		x.emit(Warning, Outcome{Phase: string(h.Phase), Message: h.Object.Key().String() + ": " + replacedMessage})
	}
	run.Object.SetUID(found.uid)
	observe := func(progress kube.HookProgress) { x.progress(h, progress) }
	start := x.Cluster.RunHook
	if found.adopt {
		run.Object.SetResourceVersion(found.resourceVersion)
		start = x.Cluster.FollowHook
	}
	outcome, err := start(ctx, run, observe)
	if x.mayRecreate(h.Object, outcome.Applied.Err) {
		if err := x.removeBlocked(ctx, []manifest.Object{h.Object}, string(h.Phase)); err != nil {
			return outcome, err
		}
		run.Object.SetUID("")
		outcome, err = x.Cluster.RunHook(ctx, run, observe)
	}
	if outcome.Applied.Ref.UID != "" {
		x.note(h.Object, outcome.Applied)
	}
	if outcome.Applied.Err != nil {
		err = placed(h.Object, err)
	}
	return outcome, err
}

// hookRun is a hook as the cluster runs it.
func (x *execution) hookRun(h plan.Hook) (kube.HookRun, error) {
	ready, failed, err := conditions(h.Object)
	return kube.HookRun{
		Object: x.stamped(h), Selector: ownerOf(x.release).Selector(), PodSelector: podSelector(x.plan),
		Ready: ready, Failed: failed, ForceConflicts: x.plan.Options.ForceConflicts, Claims: plan.MarkFields(),
	}, err
}

// replace deletes what an earlier run of the hook left. The object of a Job or a Pod cannot be applied over, because its
// spec never changes; any other kind is applied in place unless its policy says otherwise.
func (x *execution) replace(ctx context.Context, h plan.Hook) error {
	key := h.Object.Key()
	found := x.live[key]
	if err := x.mayDelete(h); err != nil {
		return err
	}
	if !x.replaces(h) {
		return nil
	}
	ref := h.Object.Reference()
	leftover, err := x.Cluster.Lookup(ctx, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
	if err != nil {
		return fmt.Errorf("looking at what an earlier run left: %w", err)
	}
	ref.UID = found.uid
	finished := kube.Finished(&unstructured.Unstructured{Object: leftover})
	deletion := kube.Deletion{Ref: ref, Propagation: propagation(finished), AfterEnd: !finished}
	if err := x.remove(ctx, []kube.Deletion{deletion}, string(h.Phase)); err != nil {
		return fmt.Errorf("deleting what an earlier run left: %w", err)
	}
	return nil
}

// propagation deletes what has finished at once; of what may still run, the Pods must be gone too.
func propagation(finished bool) metav1.DeletionPropagation {
	if finished {
		return metav1.DeletePropagationBackground
	}
	return metav1.DeletePropagationForeground
}

// cleanUp deletes the objects of hooks that ran, where their policies say so: those that were applied, by their UID, and not
// what an earlier run left under a name. It has a time of its own; what cannot be deleted is a warning, because it changes
// nothing about how the hooks went. failures are those of the hooks that ran.
func (x *execution) cleanUp(ctx context.Context, hooks []plan.Hook, failures []error) {
	var targets []kube.Deletion
	for i, failure := range failures {
		h := hooks[i]
		record := x.record(h)
		ref := h.Object.Reference()
		found, live := x.live[kinds.KeyOf(ref)]
		if !live || found.uid != record.UID || !h.Has(policyFor(record.State)) {
			continue
		}
		ref.UID = found.uid
		ended := endedByItself(failure)
		targets = append(targets, kube.Deletion{Ref: ref, Propagation: propagation(ended), AfterEnd: ended})
	}
	if len(targets) == 0 {
		return
	}
	err := detached(ctx, func(ctx context.Context) error {
		return Because(ctx, x.remove(ctx, targets, string(hooks[0].Phase)))
	})
	if err != nil && !isLockLost(ctx) {
		x.emit(Warning, Outcome{Phase: string(hooks[0].Phase), Message: "deleting finished hooks: " + err.Error()})
	}
}

// endedByItself reports whether the hook that a failure is about has ended; else it may still run.
func endedByItself(failure error) bool {
	var failed *HookError
	return failure == nil || errors.As(failure, &failed) && failed.Err == nil
}

func policyFor(state release.HookState) hook.DeletePolicy {
	if state == release.HookSucceeded {
		return hook.HookSucceeded
	}
	return hook.HookFailed
}

// record returns the record of a hook in the release; the plan has one for each of its hooks.
func (x *execution) record(h plan.Hook) *release.Hook {
	return x.release.Status.Hook(string(h.Phase), h.Object.Reference())
}

func (x *execution) progress(h plan.Hook, progress kube.HookProgress) {
	x.suspended = progress.Suspended
	if progress.Suspended {
		progress.Reason, progress.Message = release.ReasonSuspended, suspendedMessage
	}
	x.emit(HookProgress, Outcome{
		Phase: string(h.Phase), Hook: eventHook(h), Title: h.Title, Reason: progress.Reason, Message: progress.Message,
	})
}

func (x *execution) hookOutcome(record release.Hook) Outcome {
	return Outcome{
		Phase: record.Phase, Hook: &EventHook{record.Kind, record.Namespace, record.Name},
		Title: record.Title, Summary: record.Summary(),
		Result: string(record.State), Reason: record.Reason, Message: record.Message,
	}
}
