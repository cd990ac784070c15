package lifecycle

import (
	"errors"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// CRDFolder is where a pack keeps the custom resource definitions that are applied before anything else.
const CRDFolder = "crds/"

// Request is what an operation that makes a revision is planned from.
type Request struct {
	Operation Operation
	// Release is the revision to make: its number, pack and content are set, its status is not. NewPlan completes it.
	Release *release.Release
	// Previous is the newest revision, whole; nil where there is none.
	Previous *release.Release
	// History is all revisions there are, oldest first, with what lists show.
	History release.History
	// Nodes are the resources of the release's manifest, with the files and lines they were rendered from. They are not
	// changed.
	Nodes   []*yaml.RNode
	Scopes  Scopes
	Options Options
}

// NewPlan plans an operation that makes a revision. It reaches no cluster. Everything in the pack that can never work is
// reported at once: the errors are *hook.Error, *manifest.Error and *InputError, joined.
func NewPlan(request Request) (*Plan, error) {
	content, err := read(request.Nodes)
	if err != nil {
		return nil, err
	}
	if err := joinUnique([]error{content.prepare(request), content.check(request.Release.Namespace)}); err != nil {
		return nil, err
	}
	course := courses()[request.Operation]
	plan := &Plan{Operation: request.Operation, Release: request.Release, Options: request.Options}
	plan.Steps = content.steps(course, request.Options)
	plan.Release.Status.Hooks, err = content.records(course, request)
	if err != nil {
		return nil, err
	}
	plan.Release.Inventory = inventory(content, course, request.Previous)
	plan.Steps = append(plan.Steps, content.prune(request.Previous)...)
	plan.Supersedes, plan.Forgets = retire(request.History, request.Options.HistoryMax)
	return plan, nil
}

// Check reports what NewPlan would find wrong with a manifest without knowing any cluster.
func Check(nodes []*yaml.RNode, namespace string) error {
	content, err := read(nodes)
	if err != nil {
		return err
	}
	return content.check(namespace)
}

// content is a manifest, split and read.
type content struct {
	// hooks are in running order, one for each hook and phase.
	hooks   []Hook
	regular []manifest.Object
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
			if err != nil {
				errs = append(errs, err)
				break
			}
			found.hooks = append(found.hooks, Hook{Hook: h, Phase: phase, Object: object})
		}
	}
	for _, node := range regular {
		object, err := manifest.NewObject(node)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found.regular = append(found.regular, object)
	}
	return &found, errors.Join(errs...)
}

// prepare gives every object the namespace, name and marks that it will have on the cluster.
func (c *content) prepare(request Request) error {
	var errs []error
	own := ownerOf(request.Release)
	taken := map[string]bool{}
	for i := range c.hooks {
		h := &c.hooks[i]
		name(h.Object, request.Release, h.Phase, taken)
		errs = append(errs, place(h.Object, request.Scopes, request.Release.Namespace))
		own.mark(h.Object, h.Phase)
		h.Title = hook.Title(h.Phase, h.Object.GroupVersionKind().GroupKind(), h.Object.GetName(), request.Release.Name)
	}
	for _, object := range c.regular {
		errs = append(errs, place(object, request.Scopes, request.Release.Namespace))
		own.mark(object, "")
	}
	slices.SortStableFunc(c.regular, func(a, b manifest.Object) int {
		return manifest.Compare(manifest.KeyOf(a.Reference()), manifest.KeyOf(b.Reference()))
	})
	return joinUnique(errs)
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
	errs := c.duplicates(namespace)
	for _, h := range c.hooks {
		errs = append(errs, checkAnnotations(h.Object))
	}
	for _, object := range c.regular {
		if object.GetName() == "" {
			errs = append(errs, &InputError{object, "metadata.generateName would make another object at every upgrade; only hooks may use it"})
		}
		errs = append(errs, checkAnnotations(object))
	}
	return joinUnique(errs)
}

// duplicates finds objects that stand twice. A hook may do so in phases that are not the same.
func (c *content) duplicates(namespace string) []error {
	type place struct {
		manifest.Key
		phase hook.Phase
	}
	seen := map[place]manifest.Object{}
	var errs []error
	add := func(object manifest.Object, phases ...hook.Phase) {
		key := manifest.KeyOf(object.Reference())
		if key.Namespace == "" {
			key.Namespace = namespace
		}
		for _, phase := range phases {
			if first, found := seen[place{key, phase}]; found {
				errs = append(errs, &InputError{object, "stands twice, first in " + strings.TrimSuffix(first.Position(), ": ")})
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

// checkAnnotations refuses values of our annotations that say nothing.
func checkAnnotations(object manifest.Object) error {
	var errs []error
	annotations := object.GetAnnotations()
	for _, key := range []string{hook.ReadyWhenAnnotation, hook.FailedWhenAnnotation} {
		if value, found := annotations[key]; found {
			if _, err := kube.ParseConditions(value); err != nil {
				message := key + ": " + err.Error() + `; valid forms: condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], create, delete, joined by ";"`
				errs = append(errs, &InputError{object, message})
			}
		}
	}
	if value, found := annotations[hook.ResourcePolicy]; found && value != keepPolicy {
		errs = append(errs, &InputError{object, hook.ResourcePolicy + `: unknown value "` + value + `"; valid: ` + keepPolicy})
	}
	return errors.Join(errs...)
}
