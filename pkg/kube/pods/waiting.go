package pods

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// How far the search for reasons goes.
const (
	reasonsEach = 3
	eventsEach  = 2
)

// Observed is what a namespace holds that may explain an object's state.
type Observed struct {
	Pods []corev1.Pod
	// Events are Warning events.
	Events []*unstructured.Unstructured
	// Partial says that the namespace holds more of them.
	Partial bool
}

// Reasons are what the object's Pods wait for, then the last Warning events of
// the object, its ReplicaSets and its Pods; each is given once.
func (n *Observed) Reasons(object *unstructured.Unstructured) []string {
	var reasons []string
	add := func(reason string) {
		if reason != "" && len(reasons) < reasonsEach && !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	var names []string
	for i := range n.Pods {
		pod := &n.Pods[i]
		if !selects(object, pod) {
			continue
		}
		// Of a Pod that says what is wrong the events say nothing new.
		if found := podTrouble(pod); found != "" {
			add(fmt.Sprintf("Pod/%s: %s", pod.Name, found))
		} else {
			names = append(names, pod.Name)
		}
	}
	for _, found := range n.warningsAbout(object, names) {
		add(found)
	}
	if len(reasons) == 0 && n.Partial {
		add("the reason is unknown: the namespace has more Pods or events than were looked at")
	}
	return reasons
}

// podTrouble says why a Pod is not ready; "" when nothing is known.
func podTrouble(pod *corev1.Pod) string {
	seen := NewEvidence(pod.UID)
	seen.See(*pod)
	found := seen.Standing()
	if failed := seen.Explain(); failed.Ended != nil && found.Reason != "CrashLoopBackOff" && !found.IsSpecific() {
		found = failed
	} else if failed.Ended != nil {
		return words.Sentences(found.Sentence(), failed.ending())
	}
	if found.Ended == nil && !found.IsSpecific() {
		return ""
	}
	return found.Sentence()
}

// selects tells whether the Pod is the object, or one of its Pods.
func selects(object *unstructured.Unstructured, pod *corev1.Pod) bool {
	if object.GetUID() == pod.UID {
		return true
	}
	if object.GetKind() == "Service" {
		return false
	}
	raw, found, _ := unstructured.NestedMap(object.Object, "spec", "selector")
	selector := metav1.LabelSelector{}
	if !found || runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &selector) != nil {
		return false
	}
	matcher, err := metav1.LabelSelectorAsSelector(&selector)
	return err == nil && !matcher.Empty() && matcher.Matches(labels.Set(pod.Labels))
}

// warningsAbout are the last Warning events of the object, of the named Pods,
// and of the ReplicaSets whose name begins with the object's.
func (n *Observed) warningsAbout(object *unstructured.Unstructured, pods []string) []string {
	var found []Warning
	for _, event := range n.Events {
		about := field.Text(event, "involvedObject", "name")
		uid := field.Text(event, "involvedObject", "uid")
		replica := field.Text(event, "involvedObject", "kind") == "ReplicaSet" && strings.HasPrefix(about, object.GetName()+"-")
		if uid == string(object.GetUID()) || slices.Contains(pods, about) || replica {
			found = append(found, WarningOf(event))
		}
	}
	slices.SortStableFunc(found, func(a, b Warning) int { return b.At.Compare(a.At) })
	var texts []string
	for _, warning := range found {
		text := words.Sentence(warning.Reason, warning.Message)
		if !slices.Contains(texts, text) && len(texts) < eventsEach {
			texts = append(texts, text)
		}
	}
	return texts
}

// Warning is what a Warning event says.
type Warning struct {
	Reason, Message string
	At              time.Time
}

// WarningOf reads an Event, whose time stands in one of three places.
func WarningOf(event *unstructured.Unstructured) Warning {
	found := Warning{Reason: field.Text(event, "reason"), Message: field.Text(event, "message")}
	for _, at := range []string{"lastTimestamp", "eventTime"} {
		if said, err := time.Parse(time.RFC3339, field.Text(event, at)); err == nil && said.After(found.At) {
			found.At = said
		}
	}
	if found.At.IsZero() {
		found.At = event.GetCreationTimestamp().Time
	}
	return found
}

// Later returns the later of two warnings, b where both are of the same time.
func Later(a, b Warning) Warning {
	if b.At.Before(a.At) {
		return a
	}
	return b
}
