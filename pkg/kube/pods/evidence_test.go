package pods_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/pods"
)

func TestCountOf(t *testing.T) {
	t.Parallel()
	t.Run("Pods count that a Job has not counted yet", podsCountThatAJobHasNotCountedYet)
}

func podsCountThatAJobHasNotCountedYet(t *testing.T) {
	t.Parallel()
	job := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{
		"failed": int64(2), "uncountedTerminatedPods": map[string]any{"failed": []any{"a"}, "succeeded": []any{"b", "c"}},
	}}}
	if failed, succeeded := pods.CountOf(job, "failed"), pods.CountOf(job, "succeeded"); failed != 3 || succeeded != 2 {
		t.Errorf("%d failed, %d succeeded", failed, succeeded)
	}
}
