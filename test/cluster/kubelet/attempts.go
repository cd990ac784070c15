package kubelet

import (
	"context"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"
)

// NumberAttempts writes AttemptAnnotation onto every Pod that asks to fail its
// first attempts and is a whole attempt of a Job (restartPolicy Never): such a
// Pod cannot know how many failed before it. It returns nil when ctx ends.
func NumberAttempts(ctx context.Context, client kubernetes.Interface) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Informer()
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(obj any) {
		pod, ok := obj.(*corev1.Pod)
		if !ok {
			return
		}
		if err := number(ctx, client, pod); err != nil && ctx.Err() == nil {
			utilruntime.HandleErrorWithContext(ctx, err, "counting attempts")
		}
	}})
	if err != nil {
		return fmt.Errorf("watch Pods: %w", err)
	}
	factory.StartWithContext(ctx)
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

func number(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) error {
	job := pod.Labels[batchv1.ControllerUidLabel]
	_, numbered := pod.Annotations[AttemptAnnotation]
	if numbered || job == "" || pod.Annotations[FailTimesAnnotation] == "" || pod.Spec.RestartPolicy != corev1.RestartPolicyNever {
		return nil
	}
	pods := client.CoreV1().Pods(pod.Namespace)
	always := func(error) bool { return true }
	return retry.OnError(retry.DefaultBackoff, always, func() error {
		siblings, err := pods.List(ctx, metav1.ListOptions{LabelSelector: batchv1.ControllerUidLabel + "=" + job})
		if err != nil {
			return fmt.Errorf("list the Pods of the Job of Pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"%d"}}}`, AttemptAnnotation, countFailed(siblings.Items)+1)
		if _, err := pods.Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("number Pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		return nil
	})
}

func countFailed(pods []corev1.Pod) int {
	failed := 0
	for i := range pods {
		if pods[i].Status.Phase == corev1.PodFailed {
			failed++
		}
	}
	return failed
}
