package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	reasonsEach    = 3
	explainedAtAll = 20
	eventsEach     = 2
)

// withReasons lists the targets with what can be found of the why: one list of
// Pods and one of Warning events for each namespace, not more.
func (w *waiter) withReasons(ctx context.Context, targets []int) []Unready {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	places := map[string]*neighbourhood{}
	var objects []Unready
	for place, i := range targets {
		ref := w.targets[i].Ref
		unready := Unready{Ref: ref, Failed: w.states[i].Failed, Late: w.states[i].Late, Message: w.states[i].Message}
		if object := w.objects[i]; object != nil && place < explainedAtAll {
			if places[ref.Namespace] == nil {
				places[ref.Namespace] = w.cluster.look(ctx, ref.Namespace)
			}
			unready.Reasons = places[ref.Namespace].reasons(object)
		}
		objects = append(objects, unready)
	}
	return objects
}

// neighbourhood is what a namespace holds that may explain an object's state.
type neighbourhood struct {
	pods   []corev1.Pod
	events []*unstructured.Unstructured
}

func (c *Cluster) look(ctx context.Context, namespace string) *neighbourhood {
	found := &neighbourhood{}
	events := source{kind: corev1.SchemeGroupVersion.WithKind("Event"), namespace: namespace, fieldTerm: "type=Warning"}
	if namespace == "" {
		events.namespace = metav1.NamespaceDefault
	}
	found.events = c.warnings(ctx, events)
	mapping, err := c.kinds.mapping(podKind())
	if err != nil || namespace == "" {
		return found
	}
	list, err := c.objects(mapping, namespace).List(quiet(ctx), metav1.ListOptions{Limit: pageSize})
	if err != nil {
		c.lacks(err, right{"list", mapping.Resource.GroupResource(), namespace}, insteadOfList)
		return found
	}
	for i := range list.Items {
		pod := corev1.Pod{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &pod) == nil {
			found.pods = append(found.pods, pod)
		}
	}
	return found
}

// reasons are what the object's Pods wait for, then the last Warning events of
// the object, its ReplicaSets and its Pods; each is given once.
func (n *neighbourhood) reasons(object *unstructured.Unstructured) []string {
	var reasons []string
	add := func(reason string) {
		if reason != "" && len(reasons) < reasonsEach && !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	var names []string
	for i := range n.pods {
		pod := &n.pods[i]
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
	return reasons
}

// podTrouble says why a Pod is not ready; "" when nothing is known.
func podTrouble(pod *corev1.Pod) string {
	seen := newEvidence(pod.UID)
	seen.see(*pod)
	found := seen.standing()
	if failed := seen.explain(); failed.ended != nil && found.reason != "CrashLoopBackOff" && !found.isSpecific() {
		found = failed
	} else if failed.ended != nil {
		return words.Sentences(found.sentence(), failed.ending())
	}
	if found.ended == nil && !found.isSpecific() {
		return ""
	}
	return found.sentence()
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
func (n *neighbourhood) warningsAbout(object *unstructured.Unstructured, pods []string) []string {
	var found []warning
	for _, event := range n.events {
		about := field.Text(event, "involvedObject", "name")
		uid := field.Text(event, "involvedObject", "uid")
		replica := field.Text(event, "involvedObject", "kind") == "ReplicaSet" && strings.HasPrefix(about, object.GetName()+"-")
		if uid == string(object.GetUID()) || slices.Contains(pods, about) || replica {
			found = append(found, warningOf(event))
		}
	}
	slices.SortStableFunc(found, func(a, b warning) int { return b.at.Compare(a.at) })
	var texts []string
	for _, warning := range found {
		text := words.Sentence(warning.reason, warning.message)
		if !slices.Contains(texts, text) && len(texts) < eventsEach {
			texts = append(texts, text)
		}
	}
	return texts
}
