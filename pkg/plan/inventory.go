package plan

import (
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

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

// isKept reports whether an object says that it outlives its release. Helm's annotation counts as Helm reads it: neither case
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
	// What was to be kept is kept until an operation has succeeded that says otherwise: one that fails, and the way back from
	// it, destroys nothing.
	entry.Keep = entry.Keep || old.Keep
}

// settled returns the inventory of a revision with what was adopted made final, where the operation has succeeded that made
// the revision, and was killed before it had recorded that. The revision itself stays as it was read.
func settled(r *release.Release) []release.Entry {
	entries := slices.Clone(r.Inventory)
	if r.Status.Phase != release.Deployed {
		return entries
	}
	for i := range entries {
		entries[i].Provisional, entries[i].Returning = false, false
	}
	return entries
}
