package kube

import (
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestDryRunner(t *testing.T) {
	t.Parallel()
	t.Run("a dry run that is not supported is no refusal", aDryRunThatIsNotSupportedIsNoRefusal)
}

// The API server no longer accepts such a webhook, but extension servers and what stands before them may say so.
func aDryRunThatIsNotSupportedIsNoRefusal(t *testing.T) {
	t.Parallel()
	said := serverError(http.StatusBadRequest, metav1.StatusReasonBadRequest, `admission webhook "w" does not support dry run`)
	submitted := DryRun{Object: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Thing"}}}
	if got := (dryRunner{}).judge(t.Context(), submitted, said); got.Err != nil || got.Unknown != said.Error() {
		t.Errorf("%+v", got)
	}
	other := serverError(http.StatusBadRequest, metav1.StatusReasonBadRequest, "no")
	if got := (dryRunner{}).judge(t.Context(), submitted, other); got.Err == nil {
		t.Errorf("%+v", got)
	}
}
