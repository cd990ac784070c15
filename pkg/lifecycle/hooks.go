package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
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

// hookRunner runs hooks, and ends those that earlier commands left running.
type hookRunner struct {
	*ledger
	cluster  Cluster
	journal  *journal
	adoption *adoption
	objects  *objects
	timeline *timeline
	// suspended says that the hook that runs is a suspended Job.
	suspended bool
}

// RunPhase runs the hooks of a phase. Hooks that the operation can do without get half of the time that is left, so that
// one that hangs leaves enough for the work.
func (r *hookRunner) RunPhase(ctx context.Context, step plan.Step) error {
	if !step.Optional {
		return r.runHooks(ctx, step)
	}
	limited, cancel := halfOf(ctx, r.clock())
	defer cancel()
	if err := r.runHooks(limited, step); err != nil {
		if isLockLost(ctx) {
			return err
		}
		r.Emit(Warning, Outcome{Phase: string(step.Phase), Message: summary(err) + "; continuing"})
	}
	return nil
}

// runHooks runs the hooks of a phase one at a time, up to the first that fails. What the policies say is deleted when
// the phase's result is recorded, also when it failed, ran out of time or was interrupted.
func (r *hookRunner) runHooks(ctx context.Context, step plan.Step) error {
	started := r.clock()
	r.Emit(PhaseStarted, Outcome{Phase: string(step.Phase), Count: len(step.Hooks), Message: words.Count(len(step.Hooks), "hook")})
	var failures []error
	for i, h := range step.Hooks {
		if ctx.Err() != nil || !step.KeepGoing && errors.Join(failures...) != nil {
			break
		}
		var failure error
		if !r.HasRun(h) {
			failure = r.runHook(ctx, h, place{i + 1, len(step.Hooks)})
		}
		failures = append(failures, failure)
	}
	failure := errors.Join(failures...)
	if failure == nil && len(failures) < len(step.Hooks) {
		failure = ended(ctx)
	}
	r.cleanUp(ctx, step.Hooks, failures)
	r.Emit(PhaseFinished, Outcome{
		Phase: string(step.Phase), Result: resultOf(failure), ElapsedMS: r.Since(started),
	})
	return failure
}

// runHook runs one hook, with a record before and after it. What is said of its time is that of the timeline.
func (r *hookRunner) runHook(ctx context.Context, h plan.Hook, at place) error {
	end := r.timeline.Begin(release.Span{Kind: release.SpanHook, Name: h.Title})
	if err := r.journal.StartHook(ctx, h); err != nil {
		return err
	}
	r.suspended = false
	limited, cancel := withTimeout(ctx, h.Timeout)
	defer cancel()
	outcome, err := r.follow(limited, h, at)
	if isLockLost(ctx) {
		// Another command deals with it.
		return errors.Join(ErrLockLost, err)
	}
	err = WithCause(limited, err)
	elapsed := end(hookFailure(outcome, err))
	saveErr := r.journal.FinishHook(ctx, h, hookEnd{outcome, err, elapsed, r.suspended})
	record := r.journal.Hook(h)
	if errors.Is(saveErr, ErrLockLost) || record.State == release.HookSucceeded {
		return saveErr
	}
	kept := record.UID != "" && !h.Has(hook.HookFailed) && record.Reason != health.Deleted
	return errors.Join(&HookError{Hook: *record, HidesLog: r.plan.Options.Logs == plan.NoLogs, Kept: kept, AppliedEarly: r.appliedEarly(h.Phase), Err: err}, saveErr)
}

// errHookFailed is why a hook has failed that was followed to its end.
var errHookFailed = errors.New("the hook has failed")

// hookFailure is why a hook has failed; nil where it has not.
func hookFailure(outcome kube.HookOutcome, err error) error {
	if err == nil && !outcome.Succeeded {
		return errHookFailed
	}
	return err
}

// follow makes room for the hook, applies it and follows it to its end. Where its object was deleted or replaced since it was
// read, that is done again.
func (r *hookRunner) follow(ctx context.Context, h plan.Hook, at place) (kube.HookOutcome, error) {
	for round := 0; ; round++ {
		err := r.replace(ctx, h)
		if round == 0 {
			// What an earlier run left goes before it.
			r.journal.TellHook(h, at)
		}
		if err != nil {
			return kube.HookOutcome{}, err
		}
		outcome, err := r.followOnce(ctx, h)
		if round == maxRounds || !isMoved(outcome.Applied.Err) {
			return outcome, err
		}
		if err := r.RefreshAndAwait(ctx, []plan.Step{{Action: plan.RunHooks, Hooks: []plan.Hook{h}}}); err != nil {
			return outcome, err
		}
	}
}

func (r *hookRunner) followOnce(ctx context.Context, h plan.Hook) (kube.HookOutcome, error) {
	run, err := r.hookRun(h)
	if err != nil {
		return kube.HookOutcome{}, err
	}
	if err := r.adoption.TakeOver(ctx, []manifest.Object{h.Object}); err != nil {
		return kube.HookOutcome{}, err
	}
	if err := r.objects.ownData(ctx, []manifest.Object{h.Object}); err != nil {
		return kube.HookOutcome{}, err
	}
	found := r.live[h.Object.Key()]
	if found.replaced {
		r.Emit(Warning, Outcome{Phase: string(h.Phase), Message: h.Object.Key().String() + ": " + replacedMessage})
	}
	run.Object.SetUID(found.uid)
	observe := func(progress kube.HookProgress) { r.progress(h, progress) }
	start := r.cluster.RunHook
	if found.adopt {
		run.Object.SetResourceVersion(found.resourceVersion)
		start = r.cluster.FollowHook
	}
	outcome, err := start(ctx, run, observe)
	if r.MayRecreate(h.Object, outcome.Applied.Err) {
		if err := r.objects.RemoveBlocked(ctx, []manifest.Object{h.Object}, string(h.Phase)); err != nil {
			return outcome, err
		}
		run.Object.SetUID("")
		outcome, err = r.cluster.RunHook(ctx, run, observe)
	}
	if outcome.Applied.Ref.UID != "" {
		r.Note(h.Object, outcome.Applied)
	}
	if outcome.Applied.Err != nil {
		err = placed(h.Object, err)
	}
	return outcome, err
}

// hookRun is a hook as the cluster runs it.
func (r *hookRunner) hookRun(h plan.Hook) (kube.HookRun, error) {
	ready, failed, err := conditions(h.Object)
	run := kube.HookRun{
		Object: r.stamped(h), Selector: plan.OwnerOf(r.release).Selector(), PodSelector: podSelector(r.plan),
		Ready: ready, Failed: failed, ForceConflicts: r.plan.Options.ForceConflicts, Claims: plan.MarkFields(),
	}
	if r.plan.Options.Logs == plan.AllLogs {
		run.Logs = func(line kube.LogLine) { r.tellLog(h, line) }
	}
	return run, err
}

// tellLog reports a line of a hook's log.
func (r *hookRunner) tellLog(h plan.Hook, line kube.LogLine) {
	r.Emit(HookLog, Outcome{Phase: string(h.Phase), Hook: eventHook(h), Title: h.Title, Container: line.Label(), Message: line.Text})
}

// replace deletes what an earlier run of the hook left. The object of a Job or a Pod cannot be applied over, because its
// spec never changes; any other kind is applied in place unless its policy says otherwise.
func (r *hookRunner) replace(ctx context.Context, h plan.Hook) error {
	key := h.Object.Key()
	found := r.live[key]
	if problem := r.WouldDelete(h); problem != nil {
		return problem
	}
	if !r.Replaces(h) {
		return nil
	}
	ref := h.Object.Reference()
	leftover, err := r.cluster.Lookup(ctx, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
	if err != nil {
		return fmt.Errorf("checking for leftovers of an earlier run: %w", err)
	}
	ref.UID = found.uid
	finished := health.Finished(&unstructured.Unstructured{Object: leftover})
	deletion := kube.Deletion{Ref: ref, Propagation: propagation(finished), AfterEnd: !finished}
	if err := r.objects.Remove(ctx, []kube.Deletion{deletion}, Outcome{Phase: string(h.Phase), Reason: EarlierRun}); err != nil {
		return fmt.Errorf("deleting leftovers of an earlier run: %w", err)
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
func (r *hookRunner) cleanUp(ctx context.Context, hooks []plan.Hook, failures []error) {
	var targets []kube.Deletion
	for i, failure := range failures {
		h := hooks[i]
		record := r.journal.Hook(h)
		ref := h.Object.Reference()
		found, live := r.live[kinds.KeyOf(ref)]
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
		return WithCause(ctx, r.objects.Remove(ctx, targets, Outcome{Phase: string(hooks[0].Phase)}))
	})
	if err != nil && !isLockLost(ctx) {
		r.Emit(Warning, Outcome{Phase: string(hooks[0].Phase), Message: "deleting finished hooks: " + err.Error()})
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

func (r *hookRunner) progress(h plan.Hook, progress kube.HookProgress) {
	r.suspended = progress.Suspended
	if progress.Suspended {
		progress.Reason, progress.Message = release.ReasonSuspended, suspendedMessage
	}
	r.Emit(HookProgress, Outcome{
		Phase: string(h.Phase), Hook: eventHook(h), Title: h.Title, Reason: progress.Reason, Message: progress.Message,
	})
}

// stamped returns the object of a hook as it is applied: with what tells a later command which run made it, of what.
func (r *hookRunner) stamped(h plan.Hook) *unstructured.Unstructured {
	object := h.Object.DeepCopy()
	annotations := object.GetAnnotations()
	annotations[plan.AnnotationRun], annotations[plan.AnnotationHash] = r.release.Status.Writer, r.journal.Hook(h).Hash
	object.SetAnnotations(annotations)
	return object
}

// appliedEarly returns what was applied because the hooks of a phase need it.
func (r *hookRunner) appliedEarly(phase hook.Phase) []corev1.ObjectReference {
	if phase != r.plan.Course().Before {
		return nil
	}
	return r.objects.early
}

// eventHook names a hook in an event.
func eventHook(h plan.Hook) *EventHook {
	return &EventHook{Kind: h.Object.GetKind(), Namespace: h.Object.GetNamespace(), Name: h.Object.GetName()}
}
