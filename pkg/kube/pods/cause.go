package pods

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Cause is the best explanation of a hook's failure, or of why it waits.
type Cause struct {
	// Pod and container are where the log is; "" when there is none.
	Pod, Container string
	// Started tells that the container has run, so that it has a log; Previous that the log is that of the run before the present
	// one.
	Started, Previous bool
	// Ended is how the container ended; nil while it has not, or was killed.
	Ended *corev1.ContainerStateTerminated
	// Reason and Message are of the container, or of its Pod.
	Reason, Message string
}

// isUnspecific tells a reason of waiting that says only that it takes time.
func isUnspecific(reason string) bool {
	switch reason {
	case "", "PodInitializing", "ContainerCreating":
		return true
	}
	return false
}

// Explain finds the cause: the last attempt that ended in failure, else what
// the newest Pod waits for, else its running container.
func (e *Evidence) Explain() Cause {
	found := Cause{}
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
	standing := e.Standing()
	if blamed != nil && isUnspecific(standing.Reason) {
		return found
	}
	return standing
}

// blame explains a Pod's failure by the container that ended.
func (t *trace) blame(culprit ending) Cause {
	found := Cause{
		Pod: t.pod.Name, Container: culprit.container, Started: true, Previous: culprit.restarted,
		Ended: &culprit.state, Reason: culprit.state.Reason,
	}
	podReason := t.pod.Status.Reason
	if culprit.killed || podReason != "" && bySignal(&culprit.state) {
		found.Ended, found.Reason = nil, ""
	}
	if podReason != "" {
		// Evicted, DeadlineExceeded, NodeLost: the Pod, not its containers.
		found.Reason, found.Message = podReason, t.pod.Status.Message
	}
	return found
}

// defaultContainer is where a Pod says which of its containers is the one that people ask for.
const defaultContainer = "kubectl.kubernetes.io/default-container"

// Main names the container of the newest Pod whose log is worth reading where none has failed: the one that the Pod names for that, or
// the first. It is empty where that has not ended.
func (e *Evidence) Main() Cause {
	newest := e.Newest()
	if newest == nil || len(newest.Spec.Containers) == 0 {
		return Cause{}
	}
	name := cmp.Or(newest.Annotations[defaultContainer], newest.Spec.Containers[0].Name)
	for _, status := range newest.Status.ContainerStatuses {
		if status.Name == name && status.State.Terminated != nil {
			return Cause{Pod: newest.Name, Container: name, Started: true}
		}
	}
	return Cause{}
}

// Standing tells what the newest Pod is doing.
func (e *Evidence) Standing() Cause {
	newest := e.Newest()
	if newest == nil {
		return Cause{}
	}
	return standingOf(newest)
}

func standingOf(pod *corev1.Pod) Cause {
	found := Cause{Pod: pod.Name, Reason: pod.Status.Reason, Message: pod.Status.Message}
	if found.Reason != "" {
		return found
	}
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	for _, status := range statuses {
		if waiting := status.State.Waiting; waiting != nil && !isUnspecific(waiting.Reason) {
			return Cause{Pod: pod.Name, Container: status.Name, Reason: lasting(waiting.Reason), Message: waiting.Message}
		}
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			return Cause{Pod: pod.Name, Reason: condition.Reason, Message: condition.Message}
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
func doing(pod *corev1.Pod, statuses []corev1.ContainerStatus) Cause {
	sidecars := sidecarsOf(pod)
	for _, status := range statuses {
		if status.State.Running != nil && !sidecars[status.Name] {
			return Cause{Pod: pod.Name, Container: status.Name, Started: true}
		}
	}
	for _, status := range statuses {
		if status.State.Waiting != nil {
			return Cause{Pod: pod.Name, Container: status.Name, Reason: status.State.Waiting.Reason, Message: status.State.Waiting.Message}
		}
	}
	return Cause{Pod: pod.Name}
}

// Sentence says in words what happened to the container.
func (c Cause) Sentence() string {
	why := words.Sentence(c.Reason, c.Message)
	switch {
	case c.Container == "":
		return why
	case c.Ended != nil:
		return c.ending()
	case !c.Started:
		return fmt.Sprintf("container %q is waiting: %s", c.Container, why)
	case why == "":
		return fmt.Sprintf("container %q was still running", c.Container)
	}
	return fmt.Sprintf("container %q was stopped: %s", c.Container, why)
}

// ending says how the container ended; ended must be known.
func (c Cause) ending() string {
	text := fmt.Sprintf("container %q exited with code %d", c.Container, c.Ended.ExitCode)
	if c.Ended.ExitCode == 0 {
		text = fmt.Sprintf("container %q was killed by signal %d", c.Container, c.Ended.Signal)
	}
	if !c.IsSpecific() {
		return text
	}
	return fmt.Sprintf("%s (%s)", text, words.Sentence(c.Reason, c.Message))
}

// ReasonOf chooses the word that says most.
func ReasonOf(end health.Verdict, found Cause) string {
	switch {
	case end.Reason == health.Deleted || end.Reason == health.FailedWhen:
		return end.Reason
	case found.IsSpecific():
		return found.Reason
	case found.Ended != nil && countsOnly(end.Reason):
		return "Error"
	case end.Done:
		if end.Reason == "" {
			return "Error"
		}
		return end.Reason
	}
	return found.Reason
}

// countsOnly tells a Job's reason that says no more than that too many attempts have failed.
func countsOnly(reason string) bool {
	return slices.Contains([]string{"", "BackoffLimitExceeded", "FailedIndexes", "MaxFailedIndexesExceeded"}, reason)
}

// IsSpecific tells a reason that explains something.
func (c Cause) IsSpecific() bool {
	return !isUnspecific(c.Reason) && c.Reason != "Error" && c.Reason != "Completed"
}
