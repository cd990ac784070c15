package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// content is a manifest, split and read.
type content struct {
	// hooks are in running order, one for each hook and phase.
	hooks   []Hook
	regular []manifest.Object
	// wrong are annotations that say nothing, and contradictions those that cannot both hold, which what was stored before
	// they were refused may have.
	wrong, contradictions []error
}

// keys are the objects of the manifest, hooks of any phase included.
func (c *content) keys() map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	for _, object := range c.regular {
		keys[object.Key()] = true
	}
	for _, h := range c.hooks {
		keys[h.Object.Key()] = true
	}
	return keys
}

// inPhases are the hooks of some phases, in running order.
func (c *content) inPhases(phases ...hook.Phase) []Hook {
	var found []Hook
	for _, phase := range phases {
		for _, h := range c.hooks {
			if h.Phase == phase {
				found = append(found, h)
			}
		}
	}
	return found
}

func read(nodes []*yaml.RNode) (*content, error) {
	hooks, regular, err := hook.Split(nodes)
	if err != nil {
		return nil, err
	}
	var found content
	var errs []error
	for _, h := range hooks {
		for _, phase := range h.Phases {
			object, err := manifest.NewObject(h.Node)
			if err == nil {
				err = checkNames(object)
			}
			if err != nil {
				errs = append(errs, err)
				break
			}
			found.hooks = append(found.hooks, Hook{Hook: h, Phase: phase, Object: object})
			found.wrong = append(found.wrong, checkAnnotations(h.Node, object))
			found.contradictions = append(found.contradictions, checkKept(h.Node, object))
		}
	}
	for _, node := range regular {
		object, err := manifest.NewObject(node)
		if err == nil {
			err = checkNames(object)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found.regular = append(found.regular, object)
		found.wrong = append(found.wrong, checkAnnotations(node, object))
	}
	return &found, errors.Join(errs...)
}

// checkNames refuses names that no request may be made for.
func checkNames(object manifest.Object) error {
	for _, name := range []string{object.GetName(), object.GetGenerateName()} {
		if err := kinds.CheckPath(object.GetNamespace(), name); err != nil {
			return &InputError{Object: object, Message: err.Error()}
		}
	}
	return nil
}

// prepare gives every object the namespace, name and marks that it will have on the cluster.
func (c *content) prepare(request Request) error {
	var errs []error
	own := OwnerOf(request.Release)
	taken := map[string]bool{}
	for i := range c.hooks {
		h := &c.hooks[i]
		name(h.Object, request.Release, h.Phase, taken)
		if err := place(h.Object, request.Scopes, request.Release.Namespace); !request.Options.Skips(h.Phase) {
			errs = append(errs, err)
		}
		own.mark(h.Object, h.Phase)
		encodeStringData(h.Object)
	}
	c.title(request.Release)
	for _, object := range c.regular {
		errs = append(errs, place(object, request.Scopes, request.Release.Namespace))
		own.mark(object, "")
		encodeStringData(object)
	}
	slices.SortStableFunc(c.regular, func(a, b manifest.Object) int {
		return kinds.Compare(a.Key(), b.Key())
	})
	return joinUnique(errs)
}

// title gives every hook the title it is shown by.
func (c *content) title(r *release.Release) {
	var subjects []hook.Subject
	for _, h := range c.hooks {
		subjects = append(subjects, hook.Subject{
			Phase: h.Phase, Kind: h.Object.GroupKind(), Namespace: h.Object.GetNamespace(), Name: h.Object.GetName(),
		})
	}
	for i, title := range hook.Titles(subjects, types.NamespacedName{Namespace: r.Namespace, Name: r.Name}) {
		c.hooks[i].Title = title
	}
}

// hooks reads the hooks of a stored manifest that run at some phases.
func (r Request) hooks(phases ...hook.Phase) (*content, error) {
	whole, err := read(r.Nodes)
	if err != nil {
		return nil, err
	}
	found := &content{hooks: whole.inPhases(phases...)}
	return found, found.prepare(r)
}

// later are the hooks of a new revision that other commands run: tests, those of a rollback, those of its removal. Who runs
// such a command may have more rights than who installs, and must not be made to use them for hooks that they do not know. A
// rollback brings back what was tried when it was new.
func (c *content) later(request Request) []Hook {
	if request.Operation == release.OperationRollback || request.Release.Spec.FromRevision != 0 {
		return nil
	}
	course := CourseOf(request.Operation)
	var found []Hook
	for _, phase := range hook.Phases() {
		if phase != course.Before && phase != course.After && !request.Options.Skips(phase) {
			found = append(found, c.inPhases(phase)...)
		}
	}
	return found
}

// place gives an object the namespace it will have on the cluster.
func place(object manifest.Object, scopes Scopes, namespace string) error {
	namespaced, known := scopes[object.GroupKind()]
	switch {
	case !known:
		return &InputError{Object: object, Message: fmt.Sprintf("the server has no kind %s in %s", object.GetKind(), object.GetAPIVersion())}
	case !namespaced:
		object.SetNamespace("")
	case object.GetNamespace() == "":
		object.SetNamespace(namespace)
	}
	return nil
}

// name chooses the name of a hook that only says generateName. The same hook of the same revision gets the same name,
// so that it can be found again. taken are the names chosen so far in the phase.
func name(object manifest.Object, r *release.Release, phase hook.Phase, taken map[string]bool) {
	if object.GetName() != "" {
		return
	}
	seed := r.Name + "\x00" + strconv.Itoa(r.Spec.Revision) + "\x00" + string(phase)
	for {
		sum := sha256.Sum256([]byte(seed))
		chosen := object.GetGenerateName() + hex.EncodeToString(sum[:])[:5]
		if !taken[chosen] {
			taken[chosen] = true
			object.SetName(chosen)
			object.SetGenerateName("")
			return
		}
		seed += "\x00"
	}
}
