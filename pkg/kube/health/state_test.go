package health_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

func TestHasState(t *testing.T) {
	t.Parallel()
	t.Run("kinds without are ready once they are there", kindsWithoutStateAreReady)
	t.Run("all others have", allOtherKindsHaveState)
}

func kindsWithoutStateAreReady(t *testing.T) {
	t.Parallel()
	for apiVersion, names := range map[string][]string{
		"v1":                              {"ConfigMap", "Secret", "ServiceAccount", "LimitRange", "Endpoints"},
		"rbac.authorization.k8s.io/v1":    {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"},
		"networking.k8s.io/v1":            {"NetworkPolicy", "IngressClass", "Ingress"},
		"scheduling.k8s.io/v1":            {"PriorityClass"},
		"storage.k8s.io/v1":               {"StorageClass", "CSIDriver"},
		"node.k8s.io/v1":                  {"RuntimeClass"},
		"admissionregistration.k8s.io/v1": {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"},
		"discovery.k8s.io/v1":             {"EndpointSlice"},
		"coordination.k8s.io/v1":          {"Lease"},
		"batch/v1":                        {"CronJob"},
	} {
		for _, name := range names {
			version, err := schema.ParseGroupVersion(apiVersion)
			if err != nil {
				t.Fatal(err)
			}
			if health.HasState(version.WithKind(name).GroupKind()) {
				t.Errorf("%s has state", name)
			}
			// What is told by the metadata alone is what is told by the object.
			state, err := health.Readiness(readState(t, "{apiVersion: "+apiVersion+", kind: "+name+", metadata: {name: a, generation: 2}}"), nil, nil)
			if err != nil || !state.Ready {
				t.Errorf("%s: error %v, %+v", name, err, state)
			}
		}
	}
}

func allOtherKindsHaveState(t *testing.T) {
	t.Parallel()
	for _, kind := range []schema.GroupKind{
		{Group: "apps", Kind: "Deployment"},
		{Group: "batch", Kind: "Job"},
		{Kind: "Pod"},
		{Kind: "Service"},
		{Kind: "PersistentVolumeClaim"},
		{Kind: "Namespace"},
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"},
		{Group: "apiregistration.k8s.io", Kind: "APIService"},
		// Kinds of others that are called like those of Kubernetes.
		{Group: "example.com", Kind: "Secret"},
		{Group: "example.com", Kind: "ConfigMap"},
		{Kind: "Role"},
		{Group: "example.com", Kind: "Role"},
		{},
	} {
		if !health.HasState(kind) {
			t.Errorf("%s has no state", kind)
		}
	}
}
