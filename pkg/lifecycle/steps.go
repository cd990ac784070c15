package lifecycle

import (
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// steps lines up the work: what everything builds on, what the hooks before need, these hooks, the waves, the wait, the
// phase after.
func (c *content) steps(request Request) []Step {
	course, options := courses()[request.Operation], request.Options
	hoisted := c.hoisted(request)
	var steps []Step
	var first, early, rest []manifest.Object
	for _, object := range c.regular {
		switch {
		case comesFirst(object):
			first = append(first, object)
		case hoisted[object.Key()]:
			early = append(early, object)
		default:
			rest = append(rest, object)
		}
	}
	if len(first) > 0 {
		steps = append(steps, Step{Verb: Apply, Objects: first})
	}
	for _, step := range waveSteps(early) {
		step.Hoisted = true
		steps = append(steps, step)
	}
	steps = append(steps, c.hookSteps(course.before, options)...)
	steps = append(steps, waveSteps(rest)...)
	if options.Wait && len(c.regular) > 0 {
		steps = append(steps, Step{Verb: Wait, Objects: c.regular})
	}
	return append(steps, c.hookSteps(course.after, options)...)
}

// comesFirst reports whether an object must be there before any hook runs: hooks may live in the pack's Namespaces, and
// be of the kinds it defines.
func comesFirst(object manifest.Object) bool {
	return strings.HasPrefix(object.File, CRDFolder) || kinds.IsNamespace(object.GroupKind())
}

func (c *content) hookSteps(phase hook.Phase, options Options) []Step {
	hooks := c.inPhases(phase)
	if len(hooks) == 0 || options.skips(phase) {
		return nil
	}
	return []Step{{Verb: RunHooks, Phase: phase, Hooks: hooks}}
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
			steps = append(steps, Step{Verb: Apply, Wave: wave, Objects: members})
		}
	}
	return steps
}

// records returns the first record of every hook that the operation comes across, in running order.
func (c *content) records(course course, request Request) ([]release.Hook, error) {
	var records []release.Hook
	for _, h := range c.inPhases(course.before, course.after) {
		sum, err := c.hookHash(h, request.Release.Namespace)
		if err != nil {
			return nil, err
		}
		record := release.Hook{
			Title: h.Title, Phase: string(h.Phase), APIVersion: h.Object.GetAPIVersion(), Kind: h.Object.GetKind(),
			Namespace: h.Object.GetNamespace(), Name: h.Object.GetName(), Weight: h.Weight,
			State: release.HookPending, Hash: sum, FromRevision: fromRevision(request, h.Phase),
		}
		if request.Options.skips(h.Phase) {
			record.State, record.Reason = release.HookSkipped, release.ReasonNoHooks
		}
		records = append(records, record)
	}
	return records, nil
}

// fromRevision is the revision whose manifest a hook comes from, where that is not the one that records it.
func fromRevision(request Request, phase hook.Phase) int {
	switch {
	case request.Operation != release.OperationRollback:
		return 0
	case phase == hook.PreRollback:
		return request.Previous.Spec.Revision
	}
	return request.Release.Spec.FromRevision
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
	for _, old := range settled(previous) {
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
		// The removal has not come to it: it is still the release's, but not this operation's to take back.
		return release.Adopted
	case removed:
		// It was to stay.
		return ""
	case old.Origin == "" && troubled(previous):
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
	course := courses()[request.Operation]
	keys := map[kinds.Key]bool{}
	for _, h := range c.inPhases(course.before, course.after) {
		keys[h.Object.Key()] = !request.Options.skips(h.Phase) || keys[h.Object.Key()]
	}
	return keys
}

// keepPolicy is the resource policy of objects that outlive their release.
const keepPolicy = "keep"

func newEntry(object manifest.Object, role release.Role, phases ...string) release.Entry {
	gvk := object.GroupVersionKind()
	return release.Entry{
		Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Namespace: object.GetNamespace(), Name: object.GetName(),
		Role: role, Phases: phases, Keep: isKept(object),
	}
}

// isKept reports whether an object says that it outlives its release. Helm's annotation counts as Helm reads it: neither case
// nor white space around it matter.
func isKept(object manifest.Object) bool {
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
	// What was to be kept is kept until an operation has succeeded that says otherwise: one that fails, and the way back from
	// it, destroys nothing.
	entry.Keep = entry.Keep || old.Keep
}
