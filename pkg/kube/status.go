package kube

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds whose life is understood beyond their conditions.
const (
	kindJob         = "Job.batch"
	kindPod         = "Pod"
	kindClaim       = "PersistentVolumeClaim"
	kindService     = "Service"
	kindDeployment  = "Deployment.apps"
	kindStatefulSet = "StatefulSet.apps"
	kindDaemonSet   = "DaemonSet.apps"
)

// kindName is Kind.group, or the kind alone in the core group.
func kindName(kind schema.GroupVersionKind) string { return kind.GroupKind().String() }

// statusCondition is one of an object's conditions.
type statusCondition struct {
	Type, Status, Reason, Message, LastUpdateTime string
}

// conditionsOf reads an object's conditions; what is malformed is left out.
func conditionsOf(object *unstructured.Unstructured) []statusCondition {
	raw, _, _ := unstructured.NestedFieldNoCopy(object.Object, "status", "conditions")
	list, _ := raw.([]any)
	var conditions []statusCondition
	for _, entry := range list {
		fields, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		text := func(key string) string { value, _ := fields[key].(string); return value }
		conditions = append(conditions, statusCondition{
			Type: text("type"), Status: text("status"), Reason: text("reason"),
			Message: text("message"), LastUpdateTime: text("lastUpdateTime"),
		})
	}
	return conditions
}

// conditionOf finds a condition by its type, whatever its case.
func conditionOf(object *unstructured.Unstructured, kind string) (statusCondition, bool) {
	for _, condition := range conditionsOf(object) {
		if strings.EqualFold(condition.Type, kind) {
			return condition, true
		}
	}
	return statusCondition{}, false
}

// holds reports whether a condition is true, and returns it.
func holds(object *unstructured.Unstructured, kind string) (statusCondition, bool) {
	condition, found := conditionOf(object, kind)
	return condition, found && condition.Status == "True"
}

// stringAt reads a text in an object; "" when it is not there.
func stringAt(object *unstructured.Unstructured, path ...string) string {
	text, _, _ := unstructured.NestedString(object.Object, path...)
	return text
}

// isTrue reads a truth value in an object; false when it is not there.
func isTrue(object *unstructured.Unstructured, path ...string) bool {
	value, _, _ := unstructured.NestedBool(object.Object, path...)
	return value
}

// sentence joins what is not empty by a colon and a space.
func sentence(parts ...string) string {
	var words []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			words = append(words, part)
		}
	}
	return strings.Join(words, ": ")
}
