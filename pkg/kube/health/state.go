package health

import "k8s.io/apimachinery/pkg/runtime/schema"

// HasState reports whether it takes more than the metadata of an object of a kind to tell whether it is ready. Objects of the
// others, all of which come with Kubernetes, are ready once they are there.
func HasState(kind schema.GroupKind) bool {
	switch kind.String() {
	case "ConfigMap", "Secret", "ServiceAccount", "LimitRange", "Endpoints",
		"Role.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io",
		"ClusterRole.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io",
		"NetworkPolicy.networking.k8s.io", "IngressClass.networking.k8s.io", "Ingress.networking.k8s.io",
		"PriorityClass.scheduling.k8s.io", "StorageClass.storage.k8s.io", "CSIDriver.storage.k8s.io", "RuntimeClass.node.k8s.io",
		"MutatingWebhookConfiguration.admissionregistration.k8s.io", "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
		"EndpointSlice.discovery.k8s.io", "Lease.coordination.k8s.io", "CronJob.batch":
		return false
	}
	return true
}
