package manifest

import (
	"cmp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Waves is the number of waves in which regular resources are applied.
const Waves = 5

// lastWave holds what can make the API server refuse everything else, so it comes when all else stands.
const lastWave = Waves

// otherWave holds every kind that is not named.
const otherWave = 4

// Wave returns the wave, from 1 to Waves, in which a kind is applied: what others need to exist comes first, and
// webhooks and API services, which can break the rest, come last.
func Wave(group, kind string) int {
	switch kind + "." + group {
	case "CustomResourceDefinition.apiextensions.k8s.io", "Namespace.", "PriorityClass.scheduling.k8s.io",
		"StorageClass.storage.k8s.io", "RuntimeClass.node.k8s.io":
		return 1
	case "ServiceAccount.", "Role." + rbacGroup, "ClusterRole." + rbacGroup, "ResourceQuota.", "LimitRange.":
		return 2
	case "RoleBinding." + rbacGroup, "ClusterRoleBinding." + rbacGroup, "Secret.", "ConfigMap.", "PersistentVolume.",
		"PersistentVolumeClaim.", "Service.", "NetworkPolicy.networking.k8s.io":
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

// Compare orders two objects as they are installed: by wave, then by kyaml's order of kinds, then by namespace
// and name. It returns a negative number, zero or a positive number.
func Compare(a, b Key) int {
	if order := cmp.Compare(Wave(a.Group, a.Kind), Wave(b.Group, b.Kind)); order != 0 {
		return order
	}
	left, right := gvk(a), gvk(b)
	switch {
	case left.IsLessThan(right):
		return -1
	case right.IsLessThan(left):
		return 1
	}
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func gvk(k Key) resid.Gvk { return resid.NewGvk(k.Group, "", k.Kind) }

// BuiltIn reports whether the kinds of an API group come with Kubernetes. All others are custom resources, or come from
// API servers of their own.
func BuiltIn(group string) bool {
	switch strings.TrimSuffix(group, ".k8s.io") {
	case "", "apps", "batch", "autoscaling", "policy", "extensions", "admissionregistration", "apiextensions",
		"apiregistration", "authentication", "authorization", "certificates", "coordination", "discovery", "events",
		"flowcontrol.apiserver", "internal.apiserver", "networking", "node", "rbac.authorization", "resource",
		"scheduling", "storage", "storagemigration":
		return true
	}
	return false
}
