package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// lookTime bounds the requests that look for the cause of a failure. They are
// sent although the time of the hook itself may be over.
const lookTime = 5 * time.Second

// finish is the outcome of a hook that has ended.
func (f *follower) finish(ctx context.Context) HookOutcome {
	if f.seen.end.Succeeded {
		return HookOutcome{Succeeded: true, Attempts: f.seen.evidence.attempts(), Applied: f.seen.applied}
	}
	f.gather(ctx)
	return f.outcome(f.seen.end)
}

// outOfTime is the outcome of a hook that has not ended with ctx. When it was
// interrupted, nothing more is asked of the server.
func (f *follower) outOfTime(ctx context.Context) (HookOutcome, error) {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.gather(ctx)
		f.lookForWarning(ctx)
	}
	outcome := f.outcome(health.Verdict{})
	err := ctx.Err()
	if f.main.trouble() != nil {
		err = fmt.Errorf("%w (%w)", err, f.main.trouble())
	}
	return outcome, fmt.Errorf("wait for %s: %w", kinds.NameOf(f.seen.applied.Ref), err)
}

// gather completes the evidence and reads the log. What was read before is
// kept where it cannot be read any more.
func (f *follower) gather(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	f.completeEvidence(ctx)
	found := f.seen.evidence.explain()
	if !found.started || f.seen.log != nil && f.seen.log.isOf(found) {
		return
	}
	tail := f.cluster.logTail(ctx, f.hook.Object.GetNamespace(), found)
	if f.seen.log == nil || tail.text != "" {
		f.seen.log = &tail
	}
}

// completeEvidence lists the Pods of a Job that counts more failures than were
// seen: the two watches may be apart by some milliseconds.
func (f *follower) completeEvidence(ctx context.Context) {
	job := f.seen.object
	if job == nil || f.isForeign() || !kinds.IsJob(job.GroupVersionKind().GroupKind()) || f.seen.evidence.failedPods() >= failedCount(job) && len(f.seen.evidence.traces) > 0 {
		return
	}
	mapping, err := f.cluster.kinds.mapping(podKind())
	if err != nil {
		return
	}
	selector := "batch.kubernetes.io/controller-uid=" + string(job.GetUID())
	list, err := f.cluster.objects(mapping, job.GetNamespace()).List(quiet(ctx), metav1.ListOptions{LabelSelector: selector})
	f.seen.blind = ""
	if apierrors.IsForbidden(err) {
		f.cluster.lacks(err, right{"list", mapping.Resource.GroupResource(), job.GetNamespace()}, insteadOfList)
		return
	}
	if err != nil {
		f.seen.blind = "cannot see the Pods: " + err.Error()
		return
	}
	for i := range list.Items {
		f.seen.evidence.take(&list.Items[i])
	}
}

func failedCount(job *unstructured.Unstructured) int {
	return countOf(job, "failed")
}

// countOf is how many Pods of a Job are in a state, those included that are not in its counts yet.
func countOf(job *unstructured.Unstructured, field string) int {
	count, _, _ := unstructured.NestedInt64(job.Object, "status", field)
	uncounted, _, _ := unstructured.NestedStringSlice(job.Object, "status", "uncountedTerminatedPods", field)
	return int(count) + len(uncounted)
}

// failedPods counts the Pods in which a container has failed.
func (e *evidence) failedPods() int {
	count := 0
	for _, trace := range e.traces {
		if _, failed := trace.culprit(); failed {
			count++
		}
	}
	return count
}

// lookForWarning asks for the events of a Job without Pods, or of a Pod whose
// state does not say why it waits.
func (f *follower) lookForWarning(ctx context.Context) {
	ref := f.seen.applied.Ref
	if traces := f.seen.evidence.byAge(); len(traces) > 0 {
		pod := &traces[len(traces)-1].pod
		if found := f.seen.evidence.explain(); found.ended != nil || found.isSpecific() || found.reason == "" {
			return
		}
		ref.Name, ref.UID = pod.Name, pod.UID
	} else if f.seen.refusal.reason != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	f.seen.refusal = f.cluster.lastWarning(ctx, ref)
}

// outcome puts the verdict and the evidence together. An undecided verdict is
// that of a hook out of time.
func (f *follower) outcome(end health.Verdict) HookOutcome {
	found := f.seen.evidence.explain()
	if !found.started && !found.isSpecific() && f.seen.refusal.reason != "" {
		found.reason, found.message = f.seen.refusal.reason, f.seen.refusal.message
	}
	outcome := HookOutcome{
		Reason: reasonOf(end, found), Container: found.container, Attempts: f.attempts(), Applied: f.seen.applied,
		Message: words.Sentences(found.sentence(), end.Message),
	}
	if found.ended != nil {
		code := found.ended.ExitCode
		outcome.ExitCode, outcome.Signal = &code, found.ended.Signal
	}
	if f.seen.log != nil {
		outcome.LogTail, outcome.LogHint = f.seen.log.text, f.seen.log.hint
	} else if f.seen.blind != "" {
		outcome.LogHint = f.seen.blind
	}
	return outcome
}

// attempts falls back to the Job's own count where its Pods were not seen.
func (f *follower) attempts() int {
	counted := 0
	for _, field := range []string{"failed", "succeeded", "active"} {
		if f.seen.object != nil && !f.isForeign() {
			counted += countOf(f.seen.object, field)
		}
	}
	return max(counted, f.seen.evidence.attempts())
}

// reasonOf chooses the word that says most.
func reasonOf(end health.Verdict, found cause) string {
	switch {
	case end.Reason == health.Deleted || end.Reason == health.FailedWhen:
		return end.Reason
	case found.isSpecific():
		return found.reason
	case found.ended != nil && countsOnly(end.Reason):
		return "Error"
	case end.Done:
		if end.Reason == "" {
			return "Error"
		}
		return end.Reason
	}
	return found.reason
}

// countsOnly tells a Job's reason that says no more than that too many attempts have failed.
func countsOnly(reason string) bool {
	return slices.Contains([]string{"", "BackoffLimitExceeded", "FailedIndexes", "MaxFailedIndexesExceeded"}, reason)
}

// isSpecific tells a reason that explains something.
func (c cause) isSpecific() bool {
	return !isUnspecific(c.reason) && c.reason != "Error" && c.reason != "Completed"
}
