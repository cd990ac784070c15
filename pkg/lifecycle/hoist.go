package lifecycle

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// many is how many names an error lists at most.
const many = 10

// hoisted are the regular objects of the manifest that the hooks before the work need, so that they are applied before
// these. Rollbacks need none: what the hooks of the revision that is left refer to is there.
func (c *content) hoisted(request Request) map[kinds.Key]bool {
	phase := courses()[request.Operation].before
	if phase != hook.PreInstall && phase != hook.PreUpgrade || request.Options.skips(phase) {
		return nil
	}
	search := newSearch(c.regular)
	for _, h := range c.inPhases(phase) {
		c.addNeeds(search, h, request.Release.Namespace)
	}
	return search.found
}

// addNeeds adds what a hook needs to a search.
func (c *content) addNeeds(search *search, h Hook, namespace string) {
	if h.NeedsNothing {
		return
	}
	// What is not there was refused before.
	named, _ := c.named(h, namespace)
	for _, object := range named {
		search.add(object)
	}
	if gvk := h.Object.GroupVersionKind(); kinds.RunsPods(gvk.GroupKind()) {
		search.follow(h.Object)
	}
}

// hookHash identifies what a hook does: by its own content and that of all that is applied for it before it runs, which are
// regular objects and hooks of its phase. A migration that reads another ConfigMap is another migration.
func (c *content) hookHash(h Hook, namespace string) (string, error) {
	sum, err := h.Object.Hash()
	if err != nil {
		return "", err
	}
	var early []manifest.Object
	if h.Phase == hook.PreInstall || h.Phase == hook.PreUpgrade {
		early = append(early, c.regular...)
	}
	for _, other := range c.inPhases(h.Phase) {
		if other.Object.Key() == h.Object.Key() {
			break
		}
		early = append(early, other.Object)
	}
	search := newSearch(early)
	c.addNeeds(search, h, namespace)
	for _, object := range early {
		if !search.found[object.Key()] {
			continue
		}
		more, err := object.Hash()
		if err != nil {
			return "", err
		}
		sum = manifest.Sum([]byte(sum + more))
	}
	return sum, nil
}

// named returns the regular objects that the annotation of a hook names. They are in the namespace of the hook, which is
// that of the release where the hook says nothing, or in none. A name that does not mean exactly one is an *InputError.
func (c *content) named(h Hook, namespace string) ([]manifest.Object, error) {
	if len(h.Needs) == 0 {
		return nil, nil
	}
	namespace = cmp.Or(h.Object.GetNamespace(), namespace)
	reach := inReach(c.regular, namespace)
	var found []manifest.Object
	var errs []error
	for _, need := range h.Needs {
		meant := slices.DeleteFunc(slices.Clone(reach), func(object manifest.Object) bool {
			return !need.Means(object.GroupKind(), object.GetName())
		})
		switch len(meant) {
		case 0:
			errs = append(errs, wrong(h.Node, h.Object, hook.NeedsAnnotation, fmt.Sprintf(
				"the pack has no resource %s in namespace %s that is no hook%s", need, namespace, instead(need, reach))))
		case 1:
			found = append(found, meant[0])
		default:
			errs = append(errs, wrong(h.Node, h.Object, hook.NeedsAnnotation, fmt.Sprintf("%s may be any of %s", need, words(meant))))
		}
	}
	return found, errors.Join(errs...)
}

// inReach returns the objects that are in a namespace or in none.
func inReach(objects []manifest.Object, namespace string) []manifest.Object {
	return slices.DeleteFunc(slices.Clone(objects), func(object manifest.Object) bool {
		return object.GetNamespace() != "" && object.GetNamespace() != namespace
	})
}

// instead lists what may have been meant: resources of that kind or of that name, else all.
func instead(need hook.Need, reach []manifest.Object) string {
	near := slices.DeleteFunc(slices.Clone(reach), func(object manifest.Object) bool {
		return object.GetName() != need.Name && !need.IsKind(object.GroupKind())
	})
	if len(near) == 0 {
		near = reach
	}
	if len(near) == 0 {
		return ""
	}
	return "; it has " + words(near)
}

// words are objects as the annotation names them.
func words(objects []manifest.Object) string {
	var names []string
	for _, object := range objects {
		gvk := object.GroupVersionKind()
		names = append(names, hook.Need{Kind: strings.ToLower(gvk.Kind), Group: gvk.Group, Name: object.GetName()}.String())
	}
	return several(names, many)
}

// hoist notes which objects a step changes because hooks need them.
func (x *execution) hoist(step Step) {
	if !step.Hoisted {
		return
	}
	for _, object := range step.Objects {
		if !x.isUnchanged(object) {
			x.plan.Hoisted = append(x.plan.Hoisted, object.Reference())
		}
	}
}

// hoistedFor returns what was applied because the hooks of a phase need it.
func (x *execution) hoistedFor(phase hook.Phase) []corev1.ObjectReference {
	if phase != courses()[x.plan.Operation].before {
		return nil
	}
	return x.plan.Hoisted
}
