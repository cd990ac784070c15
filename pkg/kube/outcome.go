package kube

import (
	"context"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// lookTime bounds the requests that look for the cause of a failure. They are
// sent although the time of the hook itself may be over.
const lookTime = 5 * time.Second

// diagnosis is what is known of a hook that tells why it failed, or what it waits for.
type diagnosis struct {
	api *connection
	// hook is the object that was to be applied.
	hook     *unstructured.Unstructured
	applied  Applied
	object   *unstructured.Unstructured
	evidence *pods.Evidence
	// refusal is the last Warning event of a Job without Pods.
	refusal pods.Warning
	// log is read early, as soon as a Pod is being deleted, since it may be
	// removed before the Job has failed.
	log *logTail
	// blind says why the Pods cannot be seen; "" when they can.
	blind string
}

// isForeign reports whether the hook is a Job whose Pods, if it has any here, say nothing.
func (d *diagnosis) isForeign() bool {
	object := d.hook
	if d.object != nil {
		object = d.object
	}
	return kinds.IsJob(object.GroupVersionKind().GroupKind()) && health.IsForeign(object)
}

// Gather completes the evidence and reads the log. What was read before is
// kept where it cannot be read any more.
func (d *diagnosis) Gather(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	d.completeEvidence(ctx)
	found := d.evidence.Explain()
	if found.Container == "" {
		found = d.evidence.Main()
	}
	if !found.Started || d.log != nil && d.log.isOf(found) {
		return
	}
	tail := d.api.logTail(ctx, d.hook.GetNamespace(), found)
	if d.log == nil || tail.text != "" {
		d.log = &tail
	}
}

// completeEvidence lists the Pods of a Job that counts more failures than were
// seen: the two watches may be apart by some milliseconds.
func (d *diagnosis) completeEvidence(ctx context.Context) {
	job := d.object
	if job == nil || d.isForeign() || !kinds.IsJob(job.GroupVersionKind().GroupKind()) || d.hasSeenAll(job) {
		return
	}
	mapping, err := d.api.kinds.Mapping(podKind())
	if err != nil {
		return
	}
	selector := "batch.kubernetes.io/controller-uid=" + string(job.GetUID())
	list, err := d.api.Objects(mapping, job.GetNamespace()).List(quiet(ctx), metav1.ListOptions{LabelSelector: selector})
	d.blind = ""
	if apierrors.IsForbidden(err) {
		d.api.Lacks(err, right{"list", mapping.Resource.GroupResource(), job.GetNamespace()}, insteadOfList)
		return
	}
	if err != nil {
		d.blind = "cannot see the Pods: " + err.Error()
		return
	}
	for i := range list.Items {
		d.evidence.Take(&list.Items[i])
	}
}

// hasSeenAll reports whether the Pods are known that the end of a Job comes of.
func (d *diagnosis) hasSeenAll(job *unstructured.Unstructured) bool {
	ended := pods.CountOf(job, "succeeded") == 0 || d.evidence.Main().Container != ""
	return d.evidence.Failed() >= pods.CountOf(job, "failed") && !d.evidence.IsEmpty() && ended
}

// LookForWarning asks for the events of a Job without Pods, or of a Pod whose
// state does not say why it waits.
func (d *diagnosis) LookForWarning(ctx context.Context) {
	ref := d.applied.Ref
	if pod := d.evidence.Newest(); pod != nil {
		if found := d.evidence.Explain(); found.Ended != nil || found.IsSpecific() || found.Reason == "" {
			return
		}
		ref.Name, ref.UID = pod.Name, pod.UID
	} else if d.refusal.Reason != "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	d.refusal = d.api.LastWarning(ctx, ref)
}

// Outcome puts the verdict and the evidence together. An undecided verdict is
// that of a hook out of time.
func (d *diagnosis) Outcome(end health.Verdict) HookOutcome {
	found := d.evidence.Explain()
	if !found.Started && !found.IsSpecific() && d.refusal.Reason != "" {
		found.Reason, found.Message = d.refusal.Reason, d.refusal.Message
	}
	outcome := HookOutcome{
		Reason: pods.ReasonOf(end, found), Container: found.Container, Attempts: d.attempts(), Applied: d.applied,
		Message: words.Sentences(found.Sentence(), end.Message),
	}
	if found.Ended != nil {
		code := found.Ended.ExitCode
		outcome.ExitCode, outcome.Signal = &code, found.Ended.Signal
	}
	if d.log != nil {
		outcome.LogTail, outcome.LogHint = d.log.text, d.log.hint
	} else if d.blind != "" {
		outcome.LogHint = d.blind
	}
	return outcome
}

// attempts falls back to the Job's own count where its Pods were not seen.
func (d *diagnosis) attempts() int {
	counted := 0
	for _, field := range []string{"failed", "succeeded", "active"} {
		if d.object != nil && !d.isForeign() {
			counted += pods.CountOf(d.object, field)
		}
	}
	return max(counted, d.evidence.Attempts())
}

// readBytes is how much of a log is read at most to get at its end.
const readBytes = 1 << 20

// logTail is the end of a container's log, and why it cannot be read.
type logTail struct{ pod, container, text, hint string }

// isOf tells whether this is what there is to read about the cause.
func (l logTail) isOf(found pods.Cause) bool {
	return l.text != "" && l.pod == found.Pod && l.container == found.Container
}

// logTail reads the end of the log of the container that caused a failure, or
// takes its termination message.
func (c *connection) logTail(ctx context.Context, namespace string, from pods.Cause) logTail {
	request := c.rest.Get().AbsPath("/api/v1/namespaces", namespace, "pods", from.Pod, "log").
		Param("container", from.Container).
		Param("tailLines", strconv.Itoa(pods.TailLines)).Param("limitBytes", strconv.Itoa(readBytes))
	if from.Previous {
		request.Param("previous", "true")
	}
	result := request.Do(quiet(ctx))
	tail := logTail{pod: from.Pod, container: from.Container}
	switch err := result.Error(); {
	case err == nil:
		log, _ := result.Raw()
		tail.text = pods.Tail(string(log))
	case apierrors.IsForbidden(err):
		c.Lacks(err, right{"get", schema.GroupResource{Resource: "pods/log"}, namespace}, insteadOfLogs)
	case !apierrors.IsNotFound(err):
		tail.hint = "cannot read logs: " + err.Error()
	}
	if tail.text == "" && from.Ended != nil {
		tail.text = pods.Tail(from.Ended.Message)
	}
	return tail
}
