package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// lookTime bounds the requests that look for the cause of a failure. They are
// sent although the time of the hook itself may be over.
const lookTime = 5 * time.Second

// finish is the outcome of a hook that has ended.
func (f *follower) finish(ctx context.Context) HookOutcome {
	if f.seen.end.Succeeded {
		return HookOutcome{Succeeded: true, Attempts: f.seen.evidence.Attempts(), Applied: f.seen.applied}
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
	if f.main.Trouble() != nil {
		err = fmt.Errorf("%w (%w)", err, f.main.Trouble())
	}
	return outcome, fmt.Errorf("wait for %s: %w", kinds.NameOf(f.seen.applied.Ref), err)
}

// gather completes the evidence and reads the log. What was read before is
// kept where it cannot be read any more.
func (f *follower) gather(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	f.completeEvidence(ctx)
	found := f.seen.evidence.Explain()
	if !found.Started || f.seen.log != nil && f.seen.log.isOf(found) {
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
	if job == nil || f.isForeign() || !kinds.IsJob(job.GroupVersionKind().GroupKind()) || f.seen.evidence.Failed() >= pods.CountOf(job, "failed") && !f.seen.evidence.IsEmpty() {
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
		f.seen.evidence.Take(&list.Items[i])
	}
}

// lookForWarning asks for the events of a Job without Pods, or of a Pod whose
// state does not say why it waits.
func (f *follower) lookForWarning(ctx context.Context) {
	ref := f.seen.applied.Ref
	if pod := f.seen.evidence.Newest(); pod != nil {
		if found := f.seen.evidence.Explain(); found.Ended != nil || found.IsSpecific() || found.Reason == "" {
			return
		}
		ref.Name, ref.UID = pod.Name, pod.UID
	} else if f.seen.refusal.Reason != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	f.seen.refusal = f.cluster.lastWarning(ctx, ref)
}

// outcome puts the verdict and the evidence together. An undecided verdict is
// that of a hook out of time.
func (f *follower) outcome(end health.Verdict) HookOutcome {
	found := f.seen.evidence.Explain()
	if !found.Started && !found.IsSpecific() && f.seen.refusal.Reason != "" {
		found.Reason, found.Message = f.seen.refusal.Reason, f.seen.refusal.Message
	}
	outcome := HookOutcome{
		Reason: pods.ReasonOf(end, found), Container: found.Container, Attempts: f.attempts(), Applied: f.seen.applied,
		Message: words.Sentences(found.Sentence(), end.Message),
	}
	if found.Ended != nil {
		code := found.Ended.ExitCode
		outcome.ExitCode, outcome.Signal = &code, found.Ended.Signal
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
			counted += pods.CountOf(f.seen.object, field)
		}
	}
	return max(counted, f.seen.evidence.Attempts())
}
