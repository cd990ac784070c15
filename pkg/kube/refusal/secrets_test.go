package refusal_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

func TestWithoutSecrets(t *testing.T) {
	t.Parallel()
	t.Run("values of Secrets are not in errors", valuesOfSecretsAreNotInErrors)
	t.Run("errors of other kinds are kept", errorsOfOtherKindsAreKept)
}

func valuesOfSecretsAreNotInErrors(t *testing.T) {
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
			cause := refused(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, test.message)
			err := refusal.WithoutSecrets(secret, refusal.Classify(thing(), cause))
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

func errorsOfOtherKindsAreKept(t *testing.T) {
	t.Parallel()
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"a": "value"}}}
	cause := errors.New("bad value")
	if err := refusal.WithoutSecrets(object, cause); err != cause { //nolint:errorlint // It is to be the very same.
		t.Errorf("it became %v", err)
	}
	if err := refusal.WithoutSecrets(&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret"}}, nil); err != nil {
		t.Errorf("there is an error: %v", err)
	}
}
