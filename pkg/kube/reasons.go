package kube

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

const (
	// explainedAtAll is how many targets are given reasons.
	explainedAtAll = 20
	// explainAfter is after how long a wait begins to look for reasons, and explainEvery how often it looks again.
	explainAfter = 3 * time.Second
	explainEvery = 10 * time.Second
)

// withReasons lists the targets with what can be found of the why.
func (w *waiter) withReasons(ctx context.Context, targets []int) []Unready {
	reasons := w.api.reasons(context.WithoutCancel(ctx), w.objectsOf(targets))
	objects := make([]Unready, len(targets))
	for place, i := range targets {
		objects[place] = Unready{
			Ref: w.targets[i].Ref, Failed: w.known[i].state.Failed, Late: w.known[i].state.Late, Message: w.known[i].state.Message,
		}
		if place < len(reasons) {
			objects[place].Reasons = reasons[place]
		}
	}
	return objects
}

// objectsOf are the objects of the first targets of a list; nil of one that is not there.
func (w *waiter) objectsOf(targets []int) []*unstructured.Unstructured {
	objects := make([]*unstructured.Unstructured, min(len(targets), explainedAtAll))
	for place := range objects {
		objects[place] = w.known[targets[place]].object
	}
	return objects
}

// explain looks, beside the wait, for the reasons of what is not ready, and sends what it has found.
func (w *waiter) explain(ctx context.Context, explained chan<- []Readiness) {
	open := w.unready(false)
	objects := w.objectsOf(open)
	found := make([]Readiness, len(objects))
	for place := range found {
		found[place] = w.readiness(open[place])
	}
	go func() {
		for place, reasons := range w.api.reasons(ctx, objects) {
			found[place].Reasons = reasons
		}
		explained <- found
	}()
}

// tellReasons tells the observer of the reasons that are new of targets whose state is what it was when they were looked for.
func (w *waiter) tellReasons(found []Readiness) {
	for _, readiness := range found {
		i := slices.IndexFunc(w.targets, func(target WaitTarget) bool { return target.Ref == readiness.Ref })
		state := w.known[i].state
		said := strings.Join(readiness.Reasons, "\n")
		if state.Ready || state.Failed || state.Message != readiness.Message || said == "" || said == w.known[i].reasons {
			continue
		}
		w.known[i].reasons = said
		w.observe(readiness)
	}
}

// reasons returns what can be found of why objects are not ready, in their order: by one list of Pods and one of Warning events for
// each namespace, not more.
func (c *connection) reasons(ctx context.Context, objects []*unstructured.Unstructured) [][]string {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	places := map[string]*pods.Observed{}
	reasons := make([][]string, len(objects))
	for i, object := range objects {
		if object == nil {
			continue
		}
		namespace := object.GetNamespace()
		if places[namespace] == nil {
			places[namespace] = c.look(ctx, namespace)
		}
		reasons[i] = places[namespace].Reasons(object)
	}
	return reasons
}

func (c *connection) look(ctx context.Context, namespace string) *pods.Observed {
	found := &pods.Observed{}
	events := source{kind: corev1.SchemeGroupVersion.WithKind("Event"), namespace: namespace, fieldTerm: "type=Warning"}
	if namespace == "" {
		events.namespace = metav1.NamespaceDefault
	}
	found.Events, found.Partial = c.Warnings(ctx, events)
	mapping, err := c.kinds.Mapping(podKind())
	if err != nil || namespace == "" {
		return found
	}
	list, err := listMost(ctx, c.Objects(mapping, namespace), metav1.ListOptions{})
	c.Lacks(err, right{"list", mapping.Resource.GroupResource(), namespace}, insteadOfList)
	found.Partial = found.Partial || err != nil && len(list) > 0
	for _, object := range list {
		pod := corev1.Pod{}
		if runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &pod) == nil {
			found.Pods = append(found.Pods, pod)
		}
	}
	return found
}
