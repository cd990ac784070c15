package kube

import (
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestApplier(t *testing.T) {
	t.Parallel()
	t.Run("the refusal of a Secret does not quote it", theRefusalOfASecretDoesNotQuoteIt)
}

// Whoever refuses to apply a Secret may quote it, such as a webhook.
func theRefusalOfASecretDoesNotQuoteIt(t *testing.T) {
	t.Parallel()
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s", "namespace": "web"}, "data": map[string]any{"a": "aHVudGVyMg=="},
	}}
	err := applier{}.Refused(t.Context(), secret, serverError(http.StatusForbidden, metav1.StatusReasonForbidden, `admission webhook "w" denied the request: hunter2 is weak`))
	if text := err.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, "is weak") {
		t.Errorf("the error says %s", text)
	}
}

// serverError is a refusal without causes.
func serverError(code int32, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}}
}

func TestMadeSince(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 10, 0, 5, 700_000_000, time.UTC)
	for seconds, want := range map[int]bool{4: false, 5: true, 6: true} {
		answer := &metav1.PartialObjectMetadata{}
		answer.CreationTimestamp = metav1.Date(2026, 1, 1, 10, 0, seconds, 0, time.UTC)
		if got := madeSince(answer, start); got != want {
			t.Errorf("made at %d: %v", seconds, got)
		}
	}
}
