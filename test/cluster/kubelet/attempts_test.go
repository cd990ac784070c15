package kubelet_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/kubelet"
)

func TestAttemptsAreNumbered(t *testing.T) {
	t.Parallel()
	pod := func(name, job string, phase corev1.PodPhase, policy corev1.RestartPolicy, note string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "shop",
				Labels:      map[string]string{"batch.kubernetes.io/controller-uid": job},
				Annotations: map[string]string{note: "2"},
			},
			Spec:   corev1.PodSpec{RestartPolicy: policy},
			Status: corev1.PodStatus{Phase: phase},
		}
	}
	const never, fails = corev1.RestartPolicyNever, kubelet.FailTimesAnnotation
	client := fake.NewClientset([]runtime.Object{
		pod("migrate-1", "a", corev1.PodFailed, never, "unrelated"),
		pod("migrate-2", "a", corev1.PodFailed, never, "unrelated"),
		pod("migrate-3", "a", corev1.PodPending, never, fails),
		pod("other-1", "b", corev1.PodPending, never, fails),
		pod("restarts", "c", corev1.PodPending, corev1.RestartPolicyOnFailure, fails),
		pod("no-job", "", corev1.PodPending, never, fails),
		pod("no-fail", "d", corev1.PodPending, never, "unrelated"),
	}...)
	numbered := make(chan struct{}, 10)
	client.PrependReactor("patch", "pods", func(kubetesting.Action) (bool, runtime.Object, error) {
		numbered <- struct{}{}
		return false, nil, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- kubelet.NumberAttempts(ctx, client) }()
	<-numbered
	<-numbered
	got := attempts(t, client)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"migrate-3": "3", "other-1": "1"}, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

// attempts returns the numbers of those Pods that have one.
func attempts(t *testing.T, client *fake.Clientset) map[string]string {
	t.Helper()
	pods, err := client.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, pod := range pods.Items {
		if number, ok := pod.Annotations[kubelet.AttemptAnnotation]; ok {
			found[pod.Name] = number
		}
	}
	return found
}
