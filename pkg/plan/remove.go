package plan

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Remove plans the uninstallation of a release. request.Release is its newest revision, whose inventory names what
// goes and whose hooks run: those of pre-delete before anything is deleted, those of post-delete when it is. One that has
// begun to delete things and failed continues there: its pre-delete hooks do not run again.
//
// Namespaces go last, after the hooks, which may need them.
func Remove(request Request) (Plan, error) {
	request.Operation = release.OperationUninstall
	r, options := request.Release.Clone(), request.Options
	r.Inventory = finalInventory(r)
	content, err := request.hooks(hook.PreDelete, hook.PostDelete)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Operation: release.OperationUninstall, Release: r, Options: options, History: request.History, Earlier: earlier(r)}
	started := r.Removed() && !release.IsOpen(r.Status.Hooks, string(hook.PreDelete))
	replaced := []hook.Phase{hook.PreDelete, hook.PostDelete}
	if started {
		content.hooks, replaced = content.inPhases(hook.PostDelete), replaced[1:]
	}
	if err := plan.replaceRecords(content, request, replaced...); err != nil {
		return Plan{}, err
	}
	removal := newRemoval(r.Inventory, r.Namespace, options)
	later := removal.takeHooks(content.inPhases(hook.PostDelete))
	plan.Steps = append(plan.Steps, content.hookSteps(hook.PreDelete, options)...)
	plan.Steps = append(plan.Steps, removal.work(options.Wait)...)
	plan.Steps = append(plan.Steps, content.hookSteps(hook.PostDelete, options)...)
	plan.Steps = append(plan.Steps, deleteSteps(later)...)
	plan.Steps = append(plan.Steps, removal.ground(options.Wait)...)
	return plan, nil
}

// removal is the entries of an inventory that go, in the order in which they do, and those that stay.
type removal struct {
	// guards are what can make the API server refuse everything else.
	guards []release.Entry
	// custom are custom resources: what gives them meaning, and may have to let them go, must still be there.
	custom []release.Entry
	// definitions are those of custom resources; all that are left of these go with them.
	definitions []release.Entry
	regular     []release.Entry
	namespaces  []release.Entry
	kept        []release.Entry
	// adopted are those that are given back: no operation has succeeded since they were adopted.
	adopted []release.Entry
}

// newRemoval sorts the entries of an inventory, what is installed last first. namespace holds the record and is never
// deleted.
func newRemoval(inventory []release.Entry, namespace string, options Options) *removal {
	entries := slices.Clone(inventory)
	slices.SortStableFunc(entries, func(a, b release.Entry) int { return kinds.Compare(b.Key(), a.Key()) })
	var found removal
	for _, entry := range entries {
		switch {
		case entry.Provisional:
			found.adopted = append(found.adopted, entry)
		case stays(entry, namespace, options):
			found.kept = append(found.kept, entry)
		case kinds.IsDefinition(entry.GroupKind()):
			found.definitions = append(found.definitions, entry)
		case kinds.IsNamespace(entry.GroupKind()):
			found.namespaces = append(found.namespaces, entry)
		case kinds.Wave(entry.GroupKind()) == kinds.Waves:
			found.guards = append(found.guards, entry)
		case !kinds.BuiltIn(entry.Group):
			found.custom = append(found.custom, entry)
		default:
			found.regular = append(found.regular, entry)
		}
	}
	return &found
}

// takeHooks takes the objects of hooks out of the removal, because the hooks run in the middle of it.
func (r *removal) takeHooks(hooks []Hook) []release.Entry {
	ours := (&content{hooks: hooks}).keys()
	var taken []release.Entry
	for _, entries := range []*[]release.Entry{&r.guards, &r.custom, &r.regular} {
		*entries = slices.DeleteFunc(*entries, func(entry release.Entry) bool {
			if ours[entry.Key()] {
				taken = append(taken, entry)
			}
			return ours[entry.Key()]
		})
	}
	return taken
}

// work deletes all but Namespaces. What comes before the regular objects is waited for in any case.
func (r *removal) work(wait bool) []Step {
	first := deleteSteps(r.guards)
	if len(r.adopted) > 0 {
		first = append(first, Step{Action: GiveBack, Entries: r.adopted})
	}
	first = slices.Concat(first, deleteSteps(r.custom), deleteSteps(r.definitions))
	return append(first, waiting(wait, deleteSteps(r.regular))...)
}

// ground deletes Namespaces, and says what stays.
func (r *removal) ground(wait bool) []Step {
	steps := waiting(wait, deleteSteps(r.namespaces))
	if len(r.kept) > 0 {
		steps = append(steps, Step{Action: Keep, Entries: r.kept})
	}
	return steps
}

func (r *removal) steps() []Step { return append(r.work(true), r.ground(true)...) }

func waiting(wait bool, steps []Step) []Step {
	for i := range steps {
		steps[i].NoWait = !wait
	}
	return steps
}

// deleteSteps makes one step for each wave that has entries, the last wave first.
func deleteSteps(entries []release.Entry) []Step {
	var steps []Step
	for wave := kinds.Waves; wave >= 1; wave-- {
		var members []release.Entry
		for _, entry := range entries {
			if kinds.Wave(entry.GroupKind()) == wave {
				members = append(members, entry)
			}
		}
		if len(members) > 0 {
			steps = append(steps, Step{Action: Delete, Wave: wave, Entries: members})
		}
	}
	return steps
}

// stays reports whether an object outlives the release whose record a namespace holds.
func stays(entry release.Entry, namespace string, options Options) bool {
	return entry.Keep || kinds.IsDefinition(entry.GroupKind()) && !options.DeleteCRDs ||
		kinds.IsNamespace(entry.GroupKind()) && entry.Name == namespace
}
