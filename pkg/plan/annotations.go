package plan

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// recreatePolicy is the policy of objects that are deleted and made anew when they cannot be changed in place.
const recreatePolicy = "recreate"

// MayBeRecreated reports whether an object says that it may be deleted and made anew where it cannot be changed in place.
func MayBeRecreated(object manifest.Object) bool {
	return object.GetAnnotations()[hook.OnImmutableAnnotation] == recreatePolicy
}

// helmsResourcePolicy is Helm's annotation to keep an object.
const helmsResourcePolicy = "helm.sh/resource-policy"

// checkAnnotations refuses values of our annotations that say nothing. node is what the object was read from.
func checkAnnotations(node *yaml.RNode, object manifest.Object) error {
	var errs []error
	annotations := object.GetAnnotations()
	for _, key := range []string{hook.ReadyWhenAnnotation, hook.FailedWhenAnnotation} {
		if value, found := annotations[key]; found {
			if _, err := kube.ParseConditions(value); err != nil {
				errs = append(errs, wrong(node, object, key, err.Error()+
					`; valid forms: condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], create, delete, joined by ";"`))
			}
		}
	}
	for _, only := range [][2]string{{hook.ResourcePolicy, keepPolicy}, {hook.OnImmutableAnnotation, recreatePolicy}} {
		key, valid := only[0], only[1]
		if value, found := annotations[key]; found && value != valid {
			errs = append(errs, wrong(node, object, key, fmt.Sprintf("unknown value %q; valid: %s", value, valid)))
		}
	}
	return errors.Join(errs...)
}

// checkKept refuses a hook that is to be kept and has a delete policy of ours. Charts say both to Helm, where the one is about
// the next run of the hook and the other about the end of the release; this is honoured.
func checkKept(node *yaml.RNode, object manifest.Object) error {
	annotations := object.GetAnnotations()
	if _, given := annotations[hook.DeletePolicyAnnotation]; !given || !IsKept(object) {
		return nil
	}
	key := hook.ResourcePolicy
	if annotations[key] != keepPolicy {
		key = helmsResourcePolicy
	}
	return wrong(node, object, key, fmt.Sprintf("a hook that is kept cannot have %s; remove one of the two", hook.DeletePolicyAnnotation))
}

// wrong is an annotation that is wrong, at its own line.
func wrong(node *yaml.RNode, object manifest.Object, key, message string) error {
	return &InputError{Object: object, Message: key + ": " + message, Line: hook.Line(node, key)}
}

// NeverEnds says why the hook cannot come to an end by itself; "" where it can.
func (h Hook) NeverEnds() string {
	annotations := h.Object.GetAnnotations()
	if h.Object.GroupKind() != (schema.GroupKind{Kind: "Pod"}) || annotations[hook.ReadyWhenAnnotation] != "" {
		return ""
	}
	spec, _ := h.Object.Object["spec"].(map[string]any)
	if policy := spec["restartPolicy"]; policy != nil && policy != "" && policy != "Always" {
		return ""
	}
	return "its restartPolicy is Always, so it never ends: set it to Never or OnFailure, or say with " + hook.ReadyWhenAnnotation + " when it is done"
}
