// Package kinds holds what is known of Kubernetes' own kinds, and of what may name their objects.
package kinds

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// OfNode is the kind that a resource names.
func OfNode(node *yaml.RNode) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(node.GetApiVersion(), node.GetKind())
}

// CheckPath refuses a namespace or a name that would name something else in the path of a request, such as ".." and "a/b":
// ConfigMap ".." of a namespace is that namespace. Both may be empty.
func CheckPath(namespace, name string) error {
	for _, part := range [][2]string{{"namespace", namespace}, {"name", name}} {
		if problems := content.IsPathSegmentName(part[1]); len(problems) > 0 {
			return fmt.Errorf("has the %s %q, which %s", part[0], part[1], strings.Join(problems, ", "))
		}
	}
	return nil
}

// PodSpec returns the path at which objects of a kind hold the specification of their Pods, a new slice each time; nil for a
// kind that has none.
func PodSpec(kind schema.GroupKind) []string {
	if kind == (schema.GroupKind{Kind: "Pod"}) {
		return []string{"spec"}
	}
	if template := PodTemplate(kind); template != nil {
		return append(template, "spec")
	}
	return nil
}

// Irreplaceable reports whether deleting an object of a kind deletes what cannot be made again: the data of a volume, and all
// objects in a namespace or of a kind.
func Irreplaceable(kind schema.GroupKind) bool {
	switch kind.String() {
	case "PersistentVolumeClaim", "Namespace", "CustomResourceDefinition.apiextensions.k8s.io":
		return true
	}
	return false
}

// PodTemplate returns the path at which objects of a kind hold the template of the Pods that its controller makes, a new
// slice each time; nil for a kind that makes none, also for a Pod.
func PodTemplate(kind schema.GroupKind) []string {
	switch kind.String() {
	case "Job.batch", "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "ReplicaSet.apps", "ReplicationController":
		return []string{"spec", "template"}
	case "CronJob.batch":
		return []string{"spec", "jobTemplate", "spec", "template"}
	}
	return nil
}

// RunsPods reports whether a kind runs to an end of its own: Kubernetes' Job or Pod. All other kinds are done as soon as
// they are applied, and are shown with their kind.
func RunsPods(kind schema.GroupKind) bool { return IsJob(kind) || IsPod(kind) }

// IsJob reports whether a kind is Kubernetes' Job.
func IsJob(kind schema.GroupKind) bool { return kind == schema.GroupKind{Group: "batch", Kind: "Job"} }

// IsPod reports whether a kind is Kubernetes' Pod.
func IsPod(kind schema.GroupKind) bool { return kind == schema.GroupKind{Kind: "Pod"} }

// IsDefinition reports whether objects of a kind define other kinds: all objects of these go with them.
func IsDefinition(kind schema.GroupKind) bool {
	return kind == schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
}

// IsNamespace reports whether objects of a kind hold others.
func IsNamespace(kind schema.GroupKind) bool { return kind == schema.GroupKind{Kind: "Namespace"} }

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
