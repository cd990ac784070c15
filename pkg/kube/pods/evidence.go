// Package pods says why the Pods of a Job, or of what else runs Pods, have failed or wait.
package pods

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// Evidence remembers the Pods of one hook beyond their deletion, since the Job
// controller removes the Pods of some failed Jobs.
type Evidence struct {
	// owner is the Job's UID, or that of the Pod that is the hook itself.
	owner  types.UID
	traces map[types.UID]*trace
}

// trace is what was seen of one Pod.
type trace struct {
	pod corev1.Pod
	// endings holds how each container ended last; an ending of its own is not
	// forgotten for one that the Pod's deletion brought about.
	endings map[string]ending
}

// class tells containers apart by how likely they cause a failure.
type class int

const (
	classInit class = iota
	classMain
	classSidecar
)

// ending is how a container ended.
type ending struct {
	container string
	class     class
	order     int
	state     corev1.ContainerStateTerminated
	// restarted tells that the container was started again since.
	restarted bool
	// killed tells that it was ended because its Pod was deleted.
	killed bool
}

// NewEvidence returns evidence of the Pods of an owner: a Job, or the Pod itself.
func NewEvidence(owner types.UID) *Evidence {
	return &Evidence{owner: owner, traces: map[types.UID]*trace{}}
}

// Take notes the state of a Pod, and reports whether it is one of the hook's.
func (e *Evidence) Take(object *unstructured.Unstructured) bool {
	pod := corev1.Pod{}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pod) == nil && e.See(pod)
}

// See is Take for a Pod that was read already.
func (e *Evidence) See(pod corev1.Pod) bool {
	owner := metav1.GetControllerOfNoCopy(&pod)
	if pod.UID != e.owner && (owner == nil || owner.UID != e.owner) {
		return false
	}
	known := e.traces[pod.UID]
	if known == nil {
		known = &trace{endings: map[string]ending{}}
		e.traces[pod.UID] = known
	}
	dying := known.pod.DeletionTimestamp != nil
	known.pod = pod
	for _, ended := range endingsOf(&pod) {
		known.note(ended, dying)
	}
	return true
}

// note keeps an ending. dying tells that the Pod was being deleted before its
// container ended.
func (t *trace) note(ended ending, dying bool) {
	last, seen := t.endings[ended.container]
	if seen && last.isSameRun(ended) {
		last.restarted = ended.restarted
		t.endings[ended.container] = last
		return
	}
	ended.killed = ended.killed || dying
	if seen && last.failed() && !last.killed && ended.killed {
		return
	}
	t.endings[ended.container] = ended
}

// endingsOf reads how the Pod's containers ended last.
func endingsOf(pod *corev1.Pod) []ending {
	var endings []ending
	add := func(statuses []corev1.ContainerStatus, class func(name string) class) {
		for _, status := range statuses {
			ended, restarted := status.State.Terminated, false
			if ended == nil {
				ended, restarted = status.LastTerminationState.Terminated, status.State.Running != nil
			}
			if ended == nil {
				continue
			}
			endings = append(endings, ending{
				container: status.Name, class: class(status.Name), order: len(endings),
				state: *ended, restarted: restarted, killed: wasKilled(pod, ended),
			})
		}
	}
	sidecars := sidecarsOf(pod)
	add(pod.Status.InitContainerStatuses, func(name string) class {
		if sidecars[name] {
			return classSidecar
		}
		return classInit
	})
	add(pod.Status.ContainerStatuses, func(string) class { return classMain })
	return endings
}

// sidecarsOf are the init containers that run beside the others.
func sidecarsOf(pod *corev1.Pod) map[string]bool {
	sidecars := map[string]bool{}
	for _, container := range pod.Spec.InitContainers {
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars[container.Name] = true
		}
	}
	return sidecars
}

// wasKilled tells by the times, which are in seconds, an ending that came of
// the Pod's deletion.
func wasKilled(pod *corev1.Pod, ended *corev1.ContainerStateTerminated) bool {
	if pod.DeletionTimestamp == nil || !bySignal(ended) {
		return false
	}
	asked := pod.DeletionTimestamp.Time
	if grace := pod.DeletionGracePeriodSeconds; grace != nil {
		asked = asked.Add(-time.Duration(*grace) * time.Second)
	}
	return !ended.FinishedAt.Time.Before(asked)
}

// bySignal tells an ending by SIGTERM or SIGKILL that was not for memory.
func bySignal(ended *corev1.ContainerStateTerminated) bool {
	switch ended.ExitCode {
	case 128 + 9, 128 + 15:
		return ended.Reason != "OOMKilled"
	}
	return ended.Signal == 9 || ended.Signal == 15
}

func (e ending) isSameRun(other ending) bool {
	a, b := &e.state, &other.state
	return a.ContainerID == b.ContainerID && a.StartedAt.Equal(&b.StartedAt) && a.FinishedAt.Equal(&b.FinishedAt)
}

func (e ending) failed() bool { return e.state.ExitCode != 0 || e.state.Signal != 0 }

// culprit is the container whose failure made the Pod fail: an init container
// before the others, sidecars last, and not at all once the main containers
// are done, because they are ended then; one that was ended by a signal after
// one that ended by itself; and of those left the first to end.
func (t *trace) culprit() (ending, bool) {
	var failures []ending
	for _, ended := range t.endings {
		if ended.failed() && (ended.class != classSidecar || !isDone(&t.pod)) {
			failures = append(failures, ended)
		}
	}
	if len(failures) == 0 {
		return ending{}, false
	}
	return slices.MinFunc(failures, func(a, b ending) int {
		return cmp.Or(
			compareFalseFirst(a.killed, b.killed),
			cmp.Compare(a.class, b.class),
			compareFalseFirst(bySignal(&a.state), bySignal(&b.state)),
			a.state.FinishedAt.Time.Compare(b.state.FinishedAt.Time),
			cmp.Compare(a.order, b.order),
		)
	}), true
}

// isDone reports whether all main containers of a Pod have ended. One that waits to be started again has not.
func isDone(pod *corev1.Pod) bool {
	return len(pod.Status.ContainerStatuses) > 0 && !slices.ContainsFunc(pod.Status.ContainerStatuses, func(status corev1.ContainerStatus) bool {
		return status.State.Terminated == nil
	})
}

func compareFalseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// byAge returns the traces, the oldest Pod first.
func (e *Evidence) byAge() []*trace {
	var traces []*trace
	for _, trace := range e.traces {
		traces = append(traces, trace)
	}
	slices.SortFunc(traces, func(a, b *trace) int {
		return cmp.Or(a.pod.CreationTimestamp.Time.Compare(b.pod.CreationTimestamp.Time), cmp.Compare(a.pod.Name, b.pod.Name))
	})
	return traces
}

// Attempts counts the Pods and the restarts of their containers.
func (e *Evidence) Attempts() int {
	total := 0
	for _, trace := range e.traces {
		total += 1 + restarts(&trace.pod)
	}
	return total
}

// Failed counts the Pods in which a container has failed.
func (e *Evidence) Failed() int {
	count := 0
	for _, trace := range e.traces {
		if _, failed := trace.culprit(); failed {
			count++
		}
	}
	return count
}

// IsEmpty reports whether no Pod was seen.
func (e *Evidence) IsEmpty() bool { return len(e.traces) == 0 }

// Newest is the Pod that was created last, as it was seen last; nil where there is none.
func (e *Evidence) Newest() *corev1.Pod {
	traces := e.byAge()
	if len(traces) == 0 {
		return nil
	}
	return &traces[len(traces)-1].pod
}

// IsEnding reports whether the newest Pod is being deleted.
func (e *Evidence) IsEnding() bool {
	newest := e.Newest()
	return newest != nil && newest.DeletionTimestamp != nil
}

func restarts(pod *corev1.Pod) int {
	most, sidecars := int32(0), sidecarsOf(pod)
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if !sidecars[status.Name] {
			most = max(most, status.RestartCount)
		}
	}
	return int(most)
}

// CountOf is how many Pods of a Job are in a state ("failed", "succeeded", "active"), those included that are not in its
// counts yet.
func CountOf(job *unstructured.Unstructured, state string) int {
	count, _, _ := unstructured.NestedInt64(job.Object, "status", state)
	uncounted, _, _ := unstructured.NestedStringSlice(job.Object, "status", "uncountedTerminatedPods", state)
	return int(count) + len(uncounted)
}
