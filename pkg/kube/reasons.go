package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

// explainedAtAll is how many targets are given reasons.
const explainedAtAll = 20

// withReasons lists the targets with what can be found of the why: one list of
// Pods and one of Warning events for each namespace, not more.
func (w *waiter) withReasons(ctx context.Context, targets []int) []Unready {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	places := map[string]*pods.Observed{}
	var objects []Unready
	for place, i := range targets {
		ref := w.targets[i].Ref
		unready := Unready{Ref: ref, Failed: w.states[i].Failed, Late: w.states[i].Late, Message: w.states[i].Message}
		if object := w.objects[i]; object != nil && place < explainedAtAll {
			if places[ref.Namespace] == nil {
				places[ref.Namespace] = w.cluster.look(ctx, ref.Namespace)
			}
			unready.Reasons = places[ref.Namespace].Reasons(object)
		}
		objects = append(objects, unready)
	}
	return objects
}

func (c *Cluster) look(ctx context.Context, namespace string) *pods.Observed {
	found := &pods.Observed{}
	events := source{kind: corev1.SchemeGroupVersion.WithKind("Event"), namespace: namespace, fieldTerm: "type=Warning"}
	if namespace == "" {
		events.namespace = metav1.NamespaceDefault
	}
	found.Events = c.warnings(ctx, events)
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
			found.Pods = append(found.Pods, pod)
		}
	}
	return found
}
