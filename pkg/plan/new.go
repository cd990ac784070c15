package plan

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
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
	Left   []*yaml.RNode
	Scopes Scopes
	// Served are, for kinds that Scopes does not have, the API versions that the server has a kind of that name in; nil is none.
	Served  map[schema.GroupVersionKind]string
	Options Options
	// Undo are the hooks that run if the operation fails and is undone, for the preflight; see UndoHooks.
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

// Scopes says for each kind of a plan whether its objects live in a namespace.
type Scopes map[schema.GroupKind]bool

// steps lines up the work: what everything builds on, what the hooks before need, these hooks, the waves, the wait, the
// phase after.
func (c *content) steps(request Request) []Step {
	course, options := CourseOf(request.Operation), request.Options
	needed := c.appliedEarly(request)
	var steps []Step
	var first, early, rest []manifest.Object
	for _, object := range c.regular {
		switch {
		case comesFirst(object):
			first = append(first, object)
		case needed[object.Key()]:
			early = append(early, object)
		default:
			rest = append(rest, object)
		}
	}
	if len(first) > 0 {
		steps = append(steps, Step{Action: Apply, Objects: first})
	}
	for _, step := range waveSteps(early) {
		step.Early = true
		steps = append(steps, step)
	}
	steps = append(steps, c.hookSteps(course.Before, options)...)
	steps = append(steps, waveSteps(rest)...)
	if options.Wait && len(c.regular) > 0 {
		steps = append(steps, Step{Action: Wait, Objects: c.regular})
	}
	return append(steps, c.hookSteps(course.After, options)...)
}

// comesFirst reports whether an object must be there before any hook runs: hooks may live in the pack's Namespaces, and
// be of the kinds it defines.
func comesFirst(object manifest.Object) bool {
	return isBesideManifest(object) || kinds.IsNamespace(object.GroupKind())
}

func (c *content) hookSteps(phase hook.Phase, options Options) []Step {
	hooks := c.inPhases(phase)
	if len(hooks) == 0 || options.Skips(phase) {
		return nil
	}
	return []Step{{Action: RunHooks, Phase: phase, Hooks: hooks}}
}

// waveSteps makes one step for each wave that has objects; the objects come in install order.
func waveSteps(objects []manifest.Object) []Step {
	var steps []Step
	for wave := 1; wave <= kinds.Waves; wave++ {
		var members []manifest.Object
		for _, object := range objects {
			if key := object.Key(); kinds.Wave(key.GroupKind()) == wave {
				members = append(members, object)
			}
		}
		if len(members) > 0 {
			steps = append(steps, Step{Action: Apply, Wave: wave, Objects: members})
		}
	}
	return steps
}

// later are the hooks of a new revision that other commands run: tests, those of a rollback, those of its removal. Who runs
// such a command may have more rights than who installs, and must not be made to use them for hooks that they do not know. A
// rollback brings back what passed the preflight when it was new.
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

// prune plans the removal of what earlier revisions, failed ones included, may own and the manifest of this one does not
// name. It comes last, so that running Pods keep what they were started with and a revision that fails has destroyed
// nothing. The finished hooks that no hook of this revision names, at any phase, go with it, and so do regular resources that
// have become hooks which do not run.
func prune(r *release.Release, named map[kinds.Key]bool, options Options) []Step {
	left := slices.DeleteFunc(slices.Clone(r.Inventory), func(entry release.Entry) bool {
		return named[entry.Key()] && !entry.BecomesHook()
	})
	return newRemoval(left, r.Namespace, options).steps()
}

// inventory returns all that the release may own once the operation has begun: what the previous revision may own, and
// what this one may come to apply, the hooks of other operations on it included. What is known of an object is kept.
//
// A regular entry that has phases is a regular resource that has become a hook of phases which do not run now. It is pruned
// as the regular resource that it is on the cluster, and its entry is that of a hook from then on.
func inventory(c *content, request Request) []release.Entry {
	previous := request.Previous
	var entries []release.Entry
	index := map[kinds.Key]int{}
	for _, object := range c.regular {
		entries = append(entries, newEntry(object, release.Regular))
	}
	for _, h := range c.hooks {
		entries = append(entries, newEntry(h.Object, release.HookRun, string(h.Phase)))
	}
	entries = merge(entries, index)
	runs := c.runs(request)
	if previous == nil {
		return entries
	}
	for _, old := range finalInventory(previous) {
		old.Origin = originAfter(previous, old)
		old.Done = old.Done || release.HasSucceeded(previous.Status.Hooks, old.UID)
		if i, found := index[old.Key()]; found {
			keepKnown(&entries[i], old)
			if old.MadeAs() == release.Regular && !runs[old.Key()] {
				keepRegular(&entries[i], request)
			}
		} else {
			if old.Role == release.Regular {
				// It was to become a hook, and is in no manifest any more.
				old.Phases = nil
			}
			entries = append(entries, old)
		}
	}
	return entries
}

// originAfter says how an object came to belong to the release, as the operation after a revision sees it.
func originAfter(previous *release.Release, old release.Entry) release.Origin {
	switch removed := previous.Removed(); {
	case removed && previous.Status.Phase != release.Uninstalled && old.UID != "" && !old.Provisional:
		// The removal has not come to it: it is still the release's, but not this operation's to undo.
		return release.Adopted
	case removed:
		// It was to stay.
		return ""
	case old.Origin == "" && endedBadly(previous):
		// It may have been made without a record of that.
		return release.Created
	}
	return old.Origin
}

// keepRegular has an entry say of a hook that does not run now that it is still the regular resource that it was. What a
// revision that is restored had as a hook is that again, because it may hold what the hook made then, such as a password;
// what runs Pods would run on.
func keepRegular(entry *release.Entry, request Request) {
	if entry.AppliedAs = ""; request.Release.Spec.FromRevision == 0 || kinds.RunsPods(entry.GroupKind()) {
		entry.Role = release.Regular
	}
}

// runs are the hooks that run in an operation.
func (c *content) runs(request Request) map[kinds.Key]bool {
	course := CourseOf(request.Operation)
	keys := map[kinds.Key]bool{}
	for _, h := range c.inPhases(course.Before, course.After) {
		keys[h.Object.Key()] = !request.Options.Skips(h.Phase) || keys[h.Object.Key()]
	}
	return keys
}

// keepPolicy is the resource policy of objects that outlive their release.
const keepPolicy = "keep"

func newEntry(object manifest.Object, role release.Role, phases ...string) release.Entry {
	gvk := object.GroupVersionKind()
	return release.Entry{
		Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Namespace: object.GetNamespace(), Name: object.GetName(),
		Role: role, Phases: phases, Keep: IsKept(object),
	}
}

// IsKept reports whether an object says that it outlives its release. Helm's annotation counts as Helm reads it: neither case
// nor white space around it matter.
func IsKept(object manifest.Object) bool {
	annotations := object.GetAnnotations()
	helms := strings.TrimSpace(annotations[helmsResourcePolicy])
	return annotations[hook.ResourcePolicy] == keepPolicy || strings.EqualFold(helms, keepPolicy)
}

// merge makes one entry of a hook that runs at several phases, and fills the index. What a rollback restores as a regular
// resource is one, also if it is a pre-rollback hook of the revision that is left.
func merge(entries []release.Entry, index map[kinds.Key]int) []release.Entry {
	var merged []release.Entry
	for _, entry := range entries {
		key := entry.Key()
		if i, found := index[key]; found {
			if merged[i].Role == release.HookRun {
				merged[i].Phases = append(slices.Clip(merged[i].Phases), entry.Phases...)
			}
			continue
		}
		index[key] = len(merged)
		merged = append(merged, entry)
	}
	return merged
}

func keepKnown(entry *release.Entry, old release.Entry) {
	entry.UID, entry.Origin, entry.Hash = old.UID, old.Origin, old.Hash
	entry.Provisional, entry.Returning = old.Provisional, old.Returning
	entry.Generation, entry.ResourceVersion, entry.Metadata = old.Generation, old.ResourceVersion, old.Metadata
	entry.Recreate = old.Recreate
	entry.Done = old.Done
	if former := old.MadeAs(); former != entry.Role {
		entry.AppliedAs = former
	}
	// What was to be kept is kept until an operation has succeeded that says otherwise: one that fails, and the undo of
	// it, destroys nothing.
	entry.Keep = entry.Keep || old.Keep
}

// finalInventory returns the inventory of a revision with what was adopted made final, where the operation has succeeded that made
// the revision, and was killed before it had recorded that. The revision itself stays as it was read.
func finalInventory(r *release.Release) []release.Entry {
	entries := slices.Clone(r.Inventory)
	if r.Status.Phase != release.Deployed {
		return entries
	}
	for i := range entries {
		entries[i].Provisional, entries[i].Returning = false, false
	}
	return entries
}
