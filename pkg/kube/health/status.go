package health

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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

// StatusCondition is one of an object's conditions; what it does not say is "".
type StatusCondition struct {
	Type, Status, Reason, Message, LastUpdateTime string
	// stale says that it speaks of an earlier generation of the object.
	stale bool
}

// ConditionsOf reads an object's conditions; what is malformed is skipped.
func ConditionsOf(object *unstructured.Unstructured) []StatusCondition {
	raw, _, _ := unstructured.NestedFieldNoCopy(object.Object, "status", "conditions")
	list, _ := raw.([]any)
	var conditions []StatusCondition
	for _, entry := range list {
		fields, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		text := func(key string) string { value, _ := fields[key].(string); return value }
		conditions = append(conditions, StatusCondition{
			Type: text("type"), Status: text("status"), Reason: text("reason"),
			Message: text("message"), LastUpdateTime: text("lastUpdateTime"), stale: isOlder(object, fields),
		})
	}
	return conditions
}

// conditionOf finds a condition by its type, whatever its case.
func conditionOf(object *unstructured.Unstructured, kind string) (StatusCondition, bool) {
	for _, condition := range ConditionsOf(object) {
		if strings.EqualFold(condition.Type, kind) {
			return condition, true
		}
	}
	return StatusCondition{}, false
}

// Holds reports whether a condition is true of the object as it is now, and returns it.
func Holds(object *unstructured.Unstructured, kind string) (StatusCondition, bool) {
	condition, found := conditionOf(object, kind)
	return condition, found && condition.Status == "True" && !condition.stale
}

// isOlder reports whether a status, or one of the conditions in it, says that it speaks of an earlier generation of the
// object. Most controllers do not say.
func isOlder(object *unstructured.Unstructured, status map[string]any) bool {
	generation, known, _ := unstructured.NestedInt64(object.Object, "metadata", "generation")
	seen, said, _ := unstructured.NestedInt64(status, "observedGeneration")
	return known && said && seen < generation
}

// isBehind reports whether the object's whole status speaks of an earlier generation.
func isBehind(object *unstructured.Unstructured) bool {
	status, _, _ := unstructured.NestedFieldNoCopy(object.Object, "status")
	fields, _ := status.(map[string]any)
	return isOlder(object, fields)
}
