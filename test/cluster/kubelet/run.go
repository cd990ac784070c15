package kubelet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// run is one run of a container, from its start to its end: a container that
// is restarted has several.
type run struct {
	number int32 // counted from 0
	ended  bool
	lines  []line
}

type line struct {
	at   time.Time
	text string
}

// currentRun returns the latest run of the container, also one that has ended.
// With previous it returns the one before. The error says why there is none, in
// the words of a kubelet.
func currentRun(pod *corev1.Pod, container string, previous bool) (run, error) {
	status, ok := findStatus(pod, container)
	if !ok {
		return run{}, fmt.Errorf("container %q in pod %q is not available", container, pod.Name)
	}
	state, last := status.State, status.LastTerminationState.Terminated
	switch {
	case previous && last == nil:
		return run{}, fmt.Errorf("previous terminated container %q in pod %q not found", container, pod.Name)
	case previous:
		return newRun(pod, container, status.RestartCount-1, last.StartedAt.Time).end(), nil
	case state.Terminated != nil:
		return newRun(pod, container, status.RestartCount, state.Terminated.StartedAt.Time).end(), nil
	case state.Running != nil:
		return newRun(pod, container, status.RestartCount, state.Running.StartedAt.Time), nil
	case last != nil:
		return newRun(pod, container, status.RestartCount, last.StartedAt.Time).end(), nil
	case state.Waiting != nil:
		return run{}, fmt.Errorf("container %q in pod %q is waiting to start: %s", container, pod.Name, state.Waiting.Reason)
	}
	return run{}, fmt.Errorf("container %q in pod %q is not available", container, pod.Name)
}

func findStatus(pod *corev1.Pod, container string) (corev1.ContainerStatus, bool) {
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	i := slices.IndexFunc(statuses, func(s corev1.ContainerStatus) bool { return s.Name == container })
	if i < 0 {
		return corev1.ContainerStatus{}, false
	}
	return statuses[i], true
}

func newRun(pod *corev1.Pod, container string, number int32, start time.Time) run {
	r := run{number: number}
	text := strings.TrimSuffix(logText(pod, container), "\n")
	if text == "" {
		return r
	}
	// A duration that cannot be read counts as none: the lines are what matters.
	every, _ := time.ParseDuration(pod.Annotations[LogEveryAnnotation])
	for i, text := range strings.Split(text, "\n") {
		r.lines = append(r.lines, line{at: start.Add(time.Duration(i) * every), text: text})
	}
	return r
}

func (r run) end() run {
	r.ended = true
	return r
}

// split parts the lines into those printed by now and those still to come. A
// run that has ended has printed all.
func (r run) split(now time.Time) (printed, coming []line) {
	if r.ended {
		return r.lines, nil
	}
	i := slices.IndexFunc(r.lines, func(l line) bool { return l.at.After(now) })
	if i < 0 {
		return r.lines, nil
	}
	return r.lines[:i], r.lines[i:]
}
