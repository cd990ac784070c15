package pods_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

func TestPodsCountThatAJobHasNotCountedYet(t *testing.T) {
	t.Parallel()
	job := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{
		"failed": int64(2), "uncountedTerminatedPods": map[string]any{"failed": []any{"a"}, "succeeded": []any{"b", "c"}},
	}}}
	if failed, succeeded := pods.CountOf(job, "failed"), pods.CountOf(job, "succeeded"); failed != 3 || succeeded != 2 {
		t.Errorf("%d failed, %d succeeded", failed, succeeded)
	}
}
