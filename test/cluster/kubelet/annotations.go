// Package kubelet is the part of a simulated kubelet that kwok leaves out:
// container logs that each Pod writes for itself, and the number of a Job's
// attempt. Both are driven by annotations on the Pod.
package kubelet

import corev1 "k8s.io/api/core/v1"

const (
	// LogAnnotation holds what every container of the Pod prints, line by line.
	// With "." and a container's name after it, it speaks of that container alone.
	LogAnnotation = "sim.sherpack.io/log"
	// LogEveryAnnotation is the time between two lines, as a Go duration. Without
	// it a container prints everything as it starts.
	LogEveryAnnotation = "sim.sherpack.io/log-every"
	// FailTimesAnnotation is how many attempts fail before one succeeds.
	FailTimesAnnotation = "sim.sherpack.io/fail-times"
	// AttemptAnnotation is the number of a Job's attempt, counted from 1. It is
	// written by NumberAttempts, never by the user.
	AttemptAnnotation = "sim.sherpack.io/attempt"
)

// logText returns what the named container of pod prints, "" if nothing.
func logText(pod *corev1.Pod, container string) string {
	if text, ok := pod.Annotations[LogAnnotation+"."+container]; ok {
		return text
	}
	return pod.Annotations[LogAnnotation]
}
