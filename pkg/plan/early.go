package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// hoisted are the regular objects of the manifest that the hooks before the work need, so that they are applied before
// these. Rollbacks need none: what the hooks of the revision that is left refer to is there.
func (c *content) hoisted(request Request) map[kinds.Key]bool {
	phase := CourseOf(request.Operation).Before
	if phase != hook.PreInstall && phase != hook.PreUpgrade || request.Options.Skips(phase) {
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
			errs = append(errs, wrong(h.Node, h.Object, hook.NeedsAnnotation, fmt.Sprintf("%s may be any of %s", need, titles(meant))))
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
	return "; it has " + titles(near)
}

// titles are objects as the annotation names them.
func titles(objects []manifest.Object) string {
	var names []string
	for _, object := range objects {
		gvk := object.GroupVersionKind()
		names = append(names, hook.Need{Kind: strings.ToLower(gvk.Kind), Group: gvk.Group, Name: object.GetName()}.String())
	}
	return words.List(names, words.Many)
}
