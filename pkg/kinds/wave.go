package kinds

import "k8s.io/apimachinery/pkg/runtime/schema"

// Waves is the number of waves in which regular resources are applied.
const Waves = 5

// lastWave holds what can make the API server refuse everything else, so it comes when all else stands.
const lastWave = Waves

// otherWave holds every kind that is not named.
const otherWave = 4

// Wave returns the wave, from 1 to Waves, in which a kind is applied: what others need to exist comes first, and
// webhooks and API services, which can break the rest, come last.
func Wave(kind schema.GroupKind) int {
	switch kind.String() {
	case "CustomResourceDefinition.apiextensions.k8s.io", "Namespace", "PriorityClass.scheduling.k8s.io",
		"StorageClass.storage.k8s.io", "RuntimeClass.node.k8s.io":
		return 1
	case "ServiceAccount", "Role." + rbacGroup, "ClusterRole." + rbacGroup, "ResourceQuota", "LimitRange":
		return 2
	case "RoleBinding." + rbacGroup, "ClusterRoleBinding." + rbacGroup, "Secret", "ConfigMap", "PersistentVolume",
		"PersistentVolumeClaim", "Service", "NetworkPolicy.networking.k8s.io":
		return 3
	case "MutatingWebhookConfiguration." + admissionGroup, "ValidatingWebhookConfiguration." + admissionGroup,
		"ValidatingAdmissionPolicyBinding." + admissionGroup, "MutatingAdmissionPolicyBinding." + admissionGroup,
		"APIService.apiregistration.k8s.io":
		return lastWave
	}
	return otherWave
}

const (
	rbacGroup      = "rbac.authorization.k8s.io"
	admissionGroup = "admissionregistration.k8s.io"
)
