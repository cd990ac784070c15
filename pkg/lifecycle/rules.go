package lifecycle

import (
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// verdict is what a preflight makes of the dry-run of an object.
type verdict int

const (
	// pass: it would be accepted, as far as can be known.
	pass verdict = iota
	// refuse: it is a problem, and the plan is not run.
	refuse
	// warn: it would be refused if it were applied now.
	warn
	// skip: it could not be submitted, which is said.
	skip
	// postpone: it is submitted after the step before all waves or, where there is none, skipped.
	postpone
	// repeat: it would be accepted now, and is submitted once more after the step before all waves.
	repeat
)

// rule says what becomes of objects for which a condition holds.
type rule struct {
	holds   func(o *outlook, a attempt) bool
	verdict verdict
	// reason is why an object is postponed.
	reason string
}

// attempt is a dry-run and its answer, which is empty before there is one.
type attempt struct {
	dryRun
	answer kube.DryRunResult
}

// beforehand are the rules that hold before an object is submitted. The first one that holds decides; an object for which none
// does is submitted.
func beforehand() []rule {
	return []rule{
		{(*outlook).namespaceIsPlanned, postpone, "its namespace does not exist yet"},
		{(*outlook).kindIsPlanned, postpone, "the definition of its kind is applied first"},
	}
}

// afterwards are the rules by which an answer is judged. The first one that holds decides; an object for which none does passes.
func afterwards() []rule {
	return []rule{
		{(*outlook).isUnknown, skip, ""},
		// Somebody is at work. The apply looks again.
		{(*outlook).hasMoved, pass, ""},
		{(*outlook).isRefusedForLater, warn, ""},
		{(*outlook).isRefusedUntilRulesChange, postpone, "other rules will hold in its namespace by then"},
		{(*outlook).isRefused, refuse, ""},
		{(*outlook).namespaceChanges, repeat, ""},
	}
}

// outlook is what the steps of a plan change before an object is written, by which the answer to its dry-run is judged.
type outlook struct {
	*preflight
	// planned are the objects that the plan applies, or that are created before it is run.
	planned map[kinds.Key]bool
	// defined are the kinds whose definitions the plan creates or changes.
	defined map[schema.GroupKind]bool
	// custom says of each step whether it applies custom resources.
	custom []bool
}

func (p *preflight) outlook() *outlook {
	o := &outlook{preflight: p, planned: map[kinds.Key]bool{}, defined: map[schema.GroupKind]bool{}}
	for _, object := range plan.Objects(p.steps) {
		o.planned[object.Key()] = true
		if kinds.IsDefinition(object.GroupKind()) && !p.IsUnchanged(object) {
			group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
			o.defined[schema.GroupKind{Group: group, Kind: kind}] = true
		}
	}
	for _, ref := range p.created {
		o.planned[kinds.KeyOf(ref)] = true
	}
	for _, step := range p.steps {
		o.custom = append(o.custom, step.Action == plan.Apply && slices.ContainsFunc(step.Objects, func(object manifest.Object) bool {
			return !kinds.BuiltIn(object.GroupVersionKind().Group)
		}))
	}
	return o
}

// decide returns the first of some rules that holds; an empty one, which passes, where none does.
func (o *outlook) decide(rules []rule, a attempt) rule {
	for _, rule := range rules {
		if rule.holds(o, a) {
			return rule
		}
	}
	return rule{}
}

// isPlanned reports whether the plan creates an object that does not exist yet.
func (o *outlook) isPlanned(ref corev1.ObjectReference) bool {
	key := kinds.KeyOf(ref)
	_, live := o.live[key]
	return o.planned[key] && !live
}

// mayBeCreated reports whether a step that comes before an object, or with it, may create objects that the plan does not name:
// a hook that runs Pods, or a custom resource, whose controller does. What the object refers to may exist by then.
func (o *outlook) mayBeCreated(d dryRun) bool {
	for i, step := range o.steps[:d.step+1] {
		for _, h := range step.Hooks {
			if h.Object.Key() == d.object.Key() {
				return false
			}
			if gvk := h.Object.GroupVersionKind(); kinds.RunsPods(gvk.GroupKind()) || !kinds.BuiltIn(gvk.Group) {
				return true
			}
		}
		if o.custom[i] {
			return true
		}
	}
	return false
}

func (o *outlook) namespaceIsPlanned(a attempt) bool {
	namespace := a.object.GetNamespace()
	return namespace != "" && o.isPlanned(corev1.ObjectReference{APIVersion: "v1", Kind: "Namespace", Name: namespace})
}

func (o *outlook) kindIsPlanned(a attempt) bool { return o.defined[a.object.GroupKind()] }

func (*outlook) isUnknown(a attempt) bool { return a.answer.Unknown != "" }

func (*outlook) hasMoved(a attempt) bool { return isMoved(a.answer.Err) }

// isRefusedForLater reports whether a hook that another command runs was refused for what may change by then. Fields that its
// kind does not have, and permissions that whoever makes the revision does not have, will not.
func (*outlook) isRefusedForLater(a attempt) bool {
	var fields *refusal.InvalidFieldsError
	err := a.answer.Err
	return a.later && err != nil && !errors.As(err, &fields) && !refusal.LacksRight(err)
}

// isRefusedUntilRulesChange reports whether an object was refused for what holds in its namespace, and the plan changes that
// before the object comes: the labels of the Namespace, by which PodSecurity goes, quotas and limits.
func (o *outlook) isRefusedUntilRulesChange(a attempt) bool {
	if err := a.answer.Err; a.later || !apierrors.IsForbidden(err) || refusal.LacksRight(err) {
		return false
	}
	return slices.ContainsFunc(plan.Objects(o.steps[:a.step]), func(object manifest.Object) bool {
		return rules(object, a.object.GetNamespace()) && !o.IsUnchanged(object)
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

func (*outlook) isRefused(a attempt) bool { return a.answer.Err != nil }

// namespaceChanges reports whether the first step changes the Namespace of an object, which may be stricter then. A preview does
// not come to that.
func (o *outlook) namespaceChanges(a attempt) bool {
	return !o.preview && a.step > 0 && slices.ContainsFunc(o.plan.Steps[0].Objects, func(object manifest.Object) bool {
		return kinds.IsNamespace(object.GroupKind()) && object.GetName() == a.object.GetNamespace() && !o.IsUnchanged(object)
	})
}
