package lifecycle

import (
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// isRuling reports whether an object was refused for what holds in its namespace, not for what the user may do.
func isRuling(err error) bool { return apierrors.IsForbidden(err) && !kube.LacksRight(err) }

// rulesChange reports whether the plan changes, before an object comes, what is allowed in its namespace: the labels of the
// Namespace, by which PodSecurity goes, quotas and limits.
func (x *execution) rulesChange(t trial) bool {
	for _, object := range plan.Objects(x.ahead()[:t.step]) {
		if rules(object, t.object.GetNamespace()) && !x.isUnchanged(object) {
			return true
		}
	}
	return false
}

// groundChanges reports whether the first step changes the Namespace of an object, which may be stricter then.
func (x *execution) groundChanges(t trial) bool {
	return t.step > 0 && slices.ContainsFunc(x.plan.Steps[0].Objects, func(object manifest.Object) bool {
		return kinds.IsNamespace(object.GroupKind()) && object.GetName() == t.object.GetNamespace() && !x.isUnchanged(object)
	})
}

// rules reports whether an object has a say in what is allowed in a namespace.
func rules(object manifest.Object, namespace string) bool {
	switch gvk := object.GroupVersionKind(); {
	case kinds.IsNamespace(gvk.GroupKind()):
		return object.GetName() == namespace
	case gvk.Group != "":
		return false
	case gvk.Kind == "ResourceQuota", gvk.Kind == "LimitRange":
		return object.GetNamespace() == namespace
	}
	return false
}

// mayBring reports whether something that comes before an object, or with it, may make objects that the plan does not name:
// a hook that runs Pods, or a custom resource, whose controller does. What the object refers to may be there by then.
// custom are the steps that apply custom resources.
func (x *execution) mayBring(t trial, custom []bool) bool {
	for i, step := range x.ahead()[:t.step+1] {
		for _, h := range step.Hooks {
			if h.Object.Key() == t.object.Key() {
				return false
			}
			if gvk := h.Object.GroupVersionKind(); kinds.RunsPods(gvk.GroupKind()) || !kinds.BuiltIn(gvk.Group) {
				return true
			}
		}
		if custom[i] {
			return true
		}
	}
	return false
}

// customSteps says of each step ahead whether it applies custom resources.
func (x *execution) customSteps() []bool {
	var found []bool
	for _, step := range x.ahead() {
		found = append(found, step.Verb == plan.Apply && slices.ContainsFunc(step.Objects, func(object manifest.Object) bool {
			return !kinds.BuiltIn(object.GroupVersionKind().Group)
		}))
	}
	return found
}
