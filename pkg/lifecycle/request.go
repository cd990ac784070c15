package lifecycle

import (
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// CRDFolder is where a pack keeps the custom resource definitions that are applied before anything else.
const CRDFolder = "crds/"

// Request is what an operation is planned from.
type Request struct {
	Operation release.Operation
	// Release is the revision to make: its number, pack and content are set, its status is not. The plan completes it.
	// For an operation that makes no revision it is the one to work on, whole.
	Release *release.Release
	// Previous is the newest revision, whole; nil where there is none, and for an operation that makes no revision.
	Previous *release.Release
	// History is all revisions there are, oldest first, with what lists show.
	History release.History
	// Nodes are the resources of the release's manifest, with the files and lines they were rendered from. They are not
	// changed.
	Nodes []*yaml.RNode
	// Left are the resources of the manifest that a rollback leaves: those of Previous. nil for other operations.
	Left    []*yaml.RNode
	Scopes  Scopes
	Options Options
}

// NewPlan plans an operation that makes a revision. It reaches no cluster. Everything in the pack that can never work is
// reported at once: the errors are *hook.Error, *manifest.Error and *InputError, joined.
//
// A rollback runs the pre-rollback hooks of the revision that it leaves, and the post-rollback hooks of the one that it
// restores.
func NewPlan(request Request) (*Plan, error) {
	content, err := read(request.Nodes)
	if err != nil {
		return nil, err
	}
	problems := []error{content.prepare(request), content.check(request.Release.Namespace)}
	if request.Release.Spec.FromRevision == 0 {
		problems = append(append(problems, content.contradictions...), content.checkCRDFolder())
	}
	if err := joinUnique(problems); err != nil {
		return nil, err
	}
	named := content.keys()
	if request.Operation == release.OperationRollback {
		if err := content.leave(request); err != nil {
			return nil, err
		}
	}
	return content.plan(request, named)
}

// leave puts the pre-rollback hooks of the manifest that a rollback leaves in the place of the content's own.
func (c *content) leave(request Request) error {
	left, err := read(request.Left)
	if err != nil {
		return err
	}
	left = &content{hooks: left.inPhases(hook.PreRollback)}
	if err := left.prepare(request); err != nil {
		return err
	}
	others := slices.DeleteFunc(c.hooks, func(h Hook) bool { return h.Phase == hook.PreRollback })
	c.hooks = slices.Concat(left.hooks, others)
	return nil
}

// plan lines up the work of an operation that makes a revision. named are the objects of its manifest.
func (c *content) plan(request Request, named map[kinds.Key]bool) (*Plan, error) {
	course := courses()[request.Operation]
	plan := &Plan{
		Operation: request.Operation, Release: request.Release, Options: request.Options, History: request.History,
		Earlier: earlier(request.Previous),
		Steps:   c.steps(request),
	}
	records, err := c.records(course, request)
	if err != nil {
		return nil, err
	}
	plan.Release.Status.Hooks = records
	plan.Release.Inventory = inventory(c, request)
	if request.Previous != nil {
		// What is not needed any more is dropped when the operation has succeeded.
		plan.Release.Former = request.Previous.Former
	}
	plan.Later = c.later(request)
	plan.Steps = append(plan.Steps, prune(plan.Release, named, request.Options)...)
	return plan, nil
}

// Check reports what NewPlan would find wrong with a manifest without knowing any cluster.
func Check(nodes []*yaml.RNode, namespace string) error {
	content, err := read(nodes)
	if err != nil {
		return err
	}
	return joinUnique(append(content.contradictions, content.check(namespace), content.checkCRDFolder()))
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
	own := ownerOf(request.Release)
	taken := map[string]bool{}
	for i := range c.hooks {
		h := &c.hooks[i]
		name(h.Object, request.Release, h.Phase, taken)
		if err := place(h.Object, request.Scopes, request.Release.Namespace); !request.Options.skips(h.Phase) {
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
