package kube

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// cause is the best explanation of a hook's failure, or of why it waits.
type cause struct {
	// pod and container are where the log is; "" when there is none.
	pod, container string
	// started tells that the container has run, so that it has a log; previous
	// asks for that of its run before the present one.
	started, previous bool
	// ended is how the container ended; nil while it has not, or was killed.
	ended *corev1.ContainerStateTerminated
	// reason and message are of the container, or of its Pod.
	reason, message string
}

// isUnspecific tells a reason of waiting that says only that it takes time.
func isUnspecific(reason string) bool {
	switch reason {
	case "", "PodInitializing", "ContainerCreating":
		return true
	}
	return false
}

// explain finds the cause: the last attempt that ended in failure, else what
// the newest Pod waits for, else its running container.
func (e *evidence) explain() cause {
	found := cause{}
	var blamed *ending
	for _, trace := range e.byAge() {
		culprit, failed := trace.culprit()
		if !failed || blamed != nil && !blamed.killed && culprit.killed {
			continue
		}
		blamed = &culprit
		found = trace.blame(culprit)
	}
	if blamed != nil && !blamed.killed {
		return found
	}
	standing := e.standing()
	if blamed != nil && isUnspecific(standing.reason) {
		return found
	}
	return standing
}

// blame explains a Pod's failure by the container that ended.
func (t *trace) blame(culprit ending) cause {
	found := cause{
		pod: t.pod.Name, container: culprit.container, started: true, previous: culprit.restarted,
		ended: &culprit.state, reason: culprit.state.Reason,
	}
	podReason := t.pod.Status.Reason
	if culprit.killed || podReason != "" && bySignal(&culprit.state) {
		found.ended, found.reason = nil, ""
	}
	if podReason != "" {
		// Evicted, DeadlineExceeded, NodeLost: the Pod, not its containers.
		found.reason, found.message = podReason, t.pod.Status.Message
	}
	return found
}

// standing tells what the newest Pod is doing.
func (e *evidence) standing() cause {
	traces := e.byAge()
	if len(traces) == 0 {
		return cause{}
	}
	return standingOf(&traces[len(traces)-1].pod)
}

func standingOf(pod *corev1.Pod) cause {
	found := cause{pod: pod.Name, reason: pod.Status.Reason, message: pod.Status.Message}
	if found.reason != "" {
		return found
	}
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	for _, status := range statuses {
		if waiting := status.State.Waiting; waiting != nil && !isUnspecific(waiting.Reason) {
			return cause{pod: pod.Name, container: status.Name, reason: lasting(waiting.Reason), message: waiting.Message}
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return cause{pod: pod.Name, reason: condition.Reason, message: condition.Message}
		}
	}
	return doing(pod, statuses)
}

// lasting is one word for what a kubelet calls by two in turn.
func lasting(reason string) string {
	if reason == "ErrImagePull" {
		return "ImagePullBackOff"
	}
	return reason
}

// doing tells which container runs, or that the Pod is being set up.
func doing(pod *corev1.Pod, statuses []corev1.ContainerStatus) cause {
	sidecars := sidecarsOf(pod)
	for _, status := range statuses {
		if status.State.Running != nil && !sidecars[status.Name] {
			return cause{pod: pod.Name, container: status.Name, started: true}
		}
	}
	for _, status := range statuses {
		if status.State.Waiting != nil {
			return cause{pod: pod.Name, container: status.Name, reason: status.State.Waiting.Reason, message: status.State.Waiting.Message}
		}
	}
	return cause{pod: pod.Name}
}

// sentence says in words what happened to the container.
func (c cause) sentence() string {
	why := words.Sentence(c.reason, c.message)
	switch {
	case c.container == "":
		return why
	case c.ended != nil:
		return c.ending()
	case !c.started:
		return fmt.Sprintf("container %q waits: %s", c.container, why)
	case why == "":
		return fmt.Sprintf("container %q was still running", c.container)
	}
	return fmt.Sprintf("container %q was stopped: %s", c.container, why)
}

// ending says how the container ended; ended must be known.
func (c cause) ending() string {
	text := fmt.Sprintf("container %q exited with code %d", c.container, c.ended.ExitCode)
	if c.ended.ExitCode == 0 {
		text = fmt.Sprintf("container %q was ended by signal %d", c.container, c.ended.Signal)
	}
	if !c.isSpecific() {
		return text
	}
	return fmt.Sprintf("%s (%s)", text, words.Sentence(c.reason, c.message))
}
