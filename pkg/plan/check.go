package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// check finds what is wrong with the objects as a whole.
func (c *content) check(namespace string) error {
	errs := append(c.duplicates(namespace), c.wrong...)
	for _, h := range c.hooks {
		_, err := c.named(h, namespace)
		errs = append(errs, err)
	}
	for _, object := range c.regular {
		if object.GetName() == "" {
			errs = append(errs, &InputError{Object: object, Message: "metadata.generateName would make another object at every upgrade; only hooks may use it"})
		}
	}
	return joinUnique(errs)
}

// checkCRDFolder refuses what is no definition in the folder of these: it would be applied before all hooks, whatever its
// kind and its annotations say. What is stored already may be restored.
func (c *content) checkCRDFolder() error {
	objects := slices.Clone(c.regular)
	for _, h := range c.hooks {
		objects = append(objects, h.Object)
	}
	var errs []error
	for _, object := range objects {
		if gvk := object.GroupVersionKind(); strings.HasPrefix(object.File, CRDFolder) && !kinds.IsDefinition(gvk.GroupKind()) {
			errs = append(errs, &InputError{Object: object, Message: CRDFolder + " holds CustomResourceDefinitions only; move it to templates/"})
		}
	}
	return joinUnique(errs)
}

// duplicates finds objects that stand twice. A hook may do so in phases that are not the same.
func (c *content) duplicates(namespace string) []error {
	type place struct {
		kinds.Key
		phase hook.Phase
	}
	seen := map[place]manifest.Object{}
	var errs []error
	add := func(object manifest.Object, phases ...hook.Phase) {
		key := object.Key()
		if key.Namespace == "" {
			key.Namespace = namespace
		}
		for _, phase := range phases {
			if first, found := seen[place{key, phase}]; found {
				errs = append(errs, &InputError{Object: object, Message: "stands twice, first in " + strings.TrimSuffix(first.Position(), ": ")})
				return
			}
		}
		for _, phase := range phases {
			seen[place{key, phase}] = object
		}
	}
	for _, object := range c.regular {
		// A regular object is there at every phase.
		add(object, append(hook.Phases(), "")...)
	}
	for _, h := range c.hooks {
		if h.Object.GetName() != "" {
			add(h.Object, h.Phase)
		}
	}
	return errs
}

// joinUnique joins errors, each message once: a hook that runs at two phases is looked at twice.
func joinUnique(errs []error) error {
	seen := map[string]bool{}
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool {
		if err == nil || seen[err.Error()] {
			return true
		}
		seen[err.Error()] = true
		return false
	})...)
}
