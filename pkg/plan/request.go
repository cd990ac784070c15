package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// CRDFolder is where a pack keeps the custom resource definitions that are applied before anything else.
const CRDFolder = "crds/"

// Request is what an operation is planned from.
type Request struct {
	Operation release.Operation
	// Release is the revision to make: its number, pack and content are set, its status is not. The plan completes a copy.
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
	// Undo are the hooks that run if the operation fails and is undone, to be tried beforehand; see UndoHooks.
	Undo []Hook
}

// New plans an operation that makes a revision. It reaches no cluster. Everything in the pack that can never work is
// reported at once: the errors are *hook.Error, *manifest.Error and *InputError, joined.
//
// A rollback runs the pre-rollback hooks of the revision that it leaves, and the post-rollback hooks of the one that it
// restores.
func New(request Request) (Plan, error) {
	content, named, err := request.content()
	if err != nil {
		return Plan{}, err
	}
	return content.plan(request, named)
}

// content reads the manifest that an operation makes a revision from, with the hooks that it runs of another one, and the
// objects that the manifest names.
func (r Request) content() (content *content, named map[kinds.Key]bool, err error) {
	if content, err = read(r.Nodes); err != nil {
		return nil, nil, err
	}
	problems := []error{content.prepare(r), content.check(r.Release.Namespace)}
	if r.Release.Spec.FromRevision == 0 {
		problems = append(append(problems, content.contradictions...), content.checkCRDFolder())
	}
	if err := joinUnique(problems); err != nil {
		return nil, nil, err
	}
	named = content.keys()
	if r.Operation == release.OperationRollback {
		err = content.leave(r)
	}
	return content, named, err
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
func (c *content) plan(request Request, named map[kinds.Key]bool) (Plan, error) {
	course := CourseOf(request.Operation)
	plan := Plan{
		Operation: request.Operation, Release: request.Release.Clone(), Options: request.Options, History: request.History,
		Earlier: earlier(request.Previous),
		Steps:   c.steps(request),
	}
	records, err := c.records(course, request)
	if err != nil {
		return Plan{}, err
	}
	plan.Release.Status.Hooks = records
	plan.Release.Inventory = inventory(c, request)
	if request.Previous != nil {
		// What is not needed any more is dropped when the operation has succeeded.
		plan.Release.Former = request.Previous.Former
	}
	plan.OtherHooks = OtherHooks{Undo: request.Undo, Later: c.later(request)}
	plan.Steps = append(plan.Steps, prune(plan.Release, named, request.Options)...)
	return plan, nil
}

// Check reports what New would find wrong with a manifest without knowing any cluster.
func Check(nodes []*yaml.RNode, namespace string) error {
	content, err := read(nodes)
	if err != nil {
		return err
	}
	return joinUnique(append(content.contradictions, content.check(namespace), content.checkCRDFolder()))
}

// Scopes says for each kind of a plan whether its objects live in a namespace.
type Scopes map[schema.GroupKind]bool
