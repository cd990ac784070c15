package lifecycle

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// ledger is what the release has on the cluster, as far as this run knows, and what its inventory says of that.
type ledger struct {
	*reporter
	cluster Cluster
	plan    plan.Plan
	// release is the record, a copy of the plan's. Its inventory is brought up to date here.
	release *release.Release
	// live are the objects of the plan that are on the cluster and belong to the release.
	live map[kinds.Key]live
	// gone are the objects on the inventory that are confirmed not to be on the cluster any more.
	gone map[kinds.Key]bool
	// index says where in the release's inventory each object stands.
	index map[kinds.Key]int
	// stale says that the stored inventory is not up to date. It already names all that may exist, so it is brought up to
	// date when the last wave is there and at the end, not at every step.
	stale bool
}

// live is an object of the release as it is on the cluster.
type live struct {
	uid             types.UID
	generation      int64
	resourceVersion string
	// hook says that it was made by a hook, and adopt that it still runs and is the operation's own, which was resumed.
	hook, adopt bool
	// ending says that it is being deleted, and that nothing waits for its end.
	ending bool
	// recreate says that it said itself, when it was applied, that it may be made anew.
	recreate bool
	// foreign says who it belongs to if that is not this release, which is to take it over; else "".
	foreign string
	// replaced says that it carries the marks of the release but has taken the place of the object that this has made.
	replaced bool
	// carried are its labels and annotations.
	carried metadata
}

// deletable returns what is on the cluster under the name of an entry and may be deleted.
func (l *ledger) deletable(entry release.Entry) (live, bool) {
	found, there := l.live[entry.Key()]
	return found, there && !l.spares(found)
}

// spares reports whether what has taken the place of an object of the release is not deleted.
func (l *ledger) spares(found live) bool { return found.replaced && !l.plan.Options.TakeOwnership }

// entry is what the inventory says of an object; nothing where it does not name it.
func (l *ledger) entry(key kinds.Key) release.Entry {
	if i, found := l.index[key]; found {
		return l.release.Inventory[i]
	}
	return release.Entry{}
}

// replaces reports whether what an earlier run of a hook left is deleted before it.
func (l *ledger) replaces(h plan.Hook) bool {
	key := h.Object.Key()
	found, live := l.live[key]
	return live && !found.adopt && (kinds.RunsPods(key.GroupKind()) || h.Has(hook.BeforeHookCreation))
}

// body returns an object as it is sent: with the UID that it has on the cluster, so that the API server refuses to change
// another one that has taken its place meanwhile.
func (l *ledger) body(object manifest.Object) *unstructured.Unstructured {
	found, live := l.live[object.Key()]
	if !live || found.uid == "" {
		return object.Unstructured
	}
	// Only what differs is copied, because a manifest may be large.
	content := maps.Clone(object.Object)
	metadata, _ := content["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	metadata["uid"] = string(found.uid)
	content["metadata"] = metadata
	return &unstructured.Unstructured{Object: content}
}

// note brings the inventory up to what the API server answered.
func (l *ledger) note(object manifest.Object, applied kube.Applied) {
	key := object.Key()
	before := l.live[key]
	after := live{
		uid: applied.Ref.UID, generation: applied.Generation, resourceVersion: applied.Ref.ResourceVersion,
		hook: object.GetAnnotations()[plan.AnnotationPhase] != "", recreate: plan.MayBeRecreated(object),
		carried: metadata{labels: applied.Labels, annotations: applied.Annotations},
	}
	l.live[key] = after
	delete(l.gone, key)
	i, found := l.index[key]
	if !found {
		return
	}
	l.stale = true
	entry := &l.release.Inventory[i]
	entry.UID, entry.Generation, entry.ResourceVersion = applied.Ref.UID, applied.Generation, ""
	if applied.Generation == 0 {
		entry.ResourceVersion = applied.Ref.ResourceVersion
	}
	switch {
	case applied.Created:
		entry.Origin, entry.Provisional, entry.Returning = release.Created, false, false
	case entry.Origin == "" && before.adopt:
		entry.Origin = release.Created
	case entry.Origin == "":
		entry.Origin = release.Adopted
	}
	entry.Hash, _ = object.Hash()
	entry.AppliedAs, entry.Recreate, entry.Done = "", after.recreate, false
	if role := roleOf(after.hook); role != entry.Role {
		entry.AppliedAs = role
	}
	entry.Metadata = asAnswered(object, applied, before.carried, entry.Metadata)
}

func roleOf(isHook bool) release.Role {
	if isHook {
		return release.HookRun
	}
	return release.Regular
}

// forget notes that an object is confirmed to be gone. Its entry stays until the end, because a later step may make it
// again and the inventory must name it before that.
func (l *ledger) forget(key kinds.Key) {
	delete(l.live, key)
	l.leave(key)
}

// leave notes that an object is gone, or on its way out: the release has it no more, though its name may still be taken.
func (l *ledger) leave(key kinds.Key) {
	if i, found := l.index[key]; found {
		entry := &l.release.Inventory[i]
		entry.UID, entry.Origin, entry.AppliedAs = "", "", ""
		entry.ForgetState()
		l.stale = true
	}
}

// leaveEnding notes of an object that is being deleted that nothing waits for its end any more.
func (l *ledger) leaveEnding(key kinds.Key) {
	if found, live := l.live[key]; live {
		found.ending = true
		l.live[key] = found
	}
}

// dropEntry takes an object off the inventory at once: nobody may take it for the release's after this.
func (l *ledger) dropEntry(key kinds.Key) {
	r := l.release
	r.Inventory = slices.DeleteFunc(r.Inventory, func(entry release.Entry) bool { return entry.Key() == key })
	l.index, l.stale = release.Index(r.Inventory), true
	delete(l.live, key)
}

// keepHooks keeps on the inventory what the manifest has as a hook: what is gone is the regular resource that it was.
func (l *ledger) keepHooks(entries []release.Entry) {
	if l.plan.Course().Done != release.Deployed {
		return
	}
	for _, entry := range entries {
		if i, found := l.index[entry.Key()]; found && l.gone[entry.Key()] && entry.BecomesHook() {
			known := &l.release.Inventory[i]
			known.Role, known.AppliedAs = release.HookRun, ""
			delete(l.gone, entry.Key())
		}
	}
}

// shrink takes what a removal has confirmed to be gone off the inventory.
func (l *ledger) shrink() {
	if len(l.gone) == 0 {
		return
	}
	l.release.Inventory = slices.DeleteFunc(l.release.Inventory, func(entry release.Entry) bool { return l.gone[entry.Key()] })
	l.index = release.Index(l.release.Inventory)
	l.stale = true
}

// keepAsApplied notes what of the regular objects is to be kept from now on.
func (l *ledger) keepAsApplied() {
	for _, step := range l.plan.Steps {
		if step.Verb != plan.Apply {
			continue
		}
		for _, object := range step.Objects {
			i, found := l.index[object.Key()]
			if kept := plan.IsKept(object); found && l.release.Inventory[i].Keep != kept {
				l.release.Inventory[i].Keep, l.stale = kept, true
			}
		}
	}
}
