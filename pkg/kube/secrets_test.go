package kube

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestValuesOfSecretsAreNotInErrors(t *testing.T) {
	t.Parallel()
	const sentinel = "hunter2\"\nand more"
	encoded := base64.StdEncoding.EncodeToString([]byte(sentinel))
	for title, test := range map[string]struct {
		key, message string
		value        any
	}{
		"a value in data":                 {"data", "bad: " + encoded, encoded},
		"what it stands for":              {"data", "admission webhook denied: " + sentinel, encoded},
		"the same, quoted":                {"data", `Invalid value: "hunter2\"\nand more": too weak`, encoded},
		"without its last line break":     {"data", "denied: hunter2", base64.StdEncoding.EncodeToString([]byte("hunter2\n"))},
		"a value in stringData":           {"stringData", "denied: " + sentinel, sentinel},
		"a number":                        {"stringData", "got 20002000", int64(20002000)},
		"inside of what should not be so": {"stringData", "got map[a:hunter2]", map[string]any{"a": []any{"hunter2"}}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			secret := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", test.key: map[string]any{"password": test.value}}}
			cause := refusal(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, test.message)
			err := withoutSecrets(secret, classify(thing(), cause))
			for _, part := range []string{"hunter2", encoded, "20002000"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("the error says %s", err)
				}
			}
			if !errors.Is(err, cause) {
				t.Errorf("the chain is lost: %v", err)
			}
		})
	}
}

// Whoever refuses to apply a Secret may quote it, such as a webhook.
func TestTheRefusalOfASecretDoesNotQuoteIt(t *testing.T) {
	t.Parallel()
	secret := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s", "namespace": "web"}, "data": map[string]any{"a": "aHVudGVyMg=="},
	}}
	err := (&Cluster{}).applyError(t.Context(), secret, refusal(http.StatusForbidden, metav1.StatusReasonForbidden, `admission webhook "w" denied the request: hunter2 is weak`))
	if text := err.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, "is weak") {
		t.Errorf("the error says %s", text)
	}
}

func TestErrorsOfOtherKindsAreKept(t *testing.T) {
	t.Parallel()
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "value"}}}
	cause := errors.New("bad value")
	if err := withoutSecrets(object, cause); err != cause { //nolint:errorlint // It is to be the very same.
		t.Errorf("it became %v", err)
	}
	if err := withoutSecrets(&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret"}}, nil); err != nil {
		t.Errorf("there is an error: %v", err)
	}
}
