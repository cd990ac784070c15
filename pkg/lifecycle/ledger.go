package lifecycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
	finder finder
	plan   plan.Plan
	// release is the record, a copy of the plan's. Its inventory is brought up to date here.
	release *release.Release
	// live are the objects of the plan that are on the cluster and belong to the release, or are to be taken over or left.
	live map[kinds.Key]live
	// gone are the objects on the inventory that are confirmed not to be on the cluster any more.
	gone map[kinds.Key]bool
	// index says where in the release's inventory each object stands.
	index  map[kinds.Key]int
	hashes hashes
	// stale says that the stored inventory is not up to date. It already names all that may exist, so it is brought up to
	// date when the last wave is there and at the end, not at every step.
	stale bool
}

func newLedger(events *reporter, cluster finder, p plan.Plan, record *release.Release) *ledger {
	return &ledger{
		reporter: events, finder: cluster, plan: p, release: record,
		live: map[kinds.Key]live{}, gone: map[kinds.Key]bool{}, index: release.Index(record.Inventory), hashes: hashes{},
	}
}

// hashes are those of the objects of a plan, each made once.
type hashes map[*unstructured.Unstructured]string

// of returns the hash of an object; "" where it cannot be made, which compares unequal to that of any other.
func (h hashes) of(object manifest.Object) string {
	sum, known := h[object.Unstructured]
	if !known {
		// What was read from YAML can be written as JSON.
		sum, _ = object.Hash()
		h[object.Unstructured] = sum
	}
	return sum
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
	// recreate says that it said itself, when it was applied, that it may be recreated.
	recreate bool
	// foreign says who it belongs to if that is not this release, which is to take it over or to leave it; else "".
	foreign string
	// replaced says that it carries the marks of the release but has taken the place of the object that this has made.
	replaced bool
	// carried are its labels and annotations.
	carried metadata
}

// Deletable returns what is on the cluster under the name of an entry and may be deleted.
func (l *ledger) Deletable(entry release.Entry) (live, bool) {
	found, there := l.live[entry.Key()]
	return found, there && !l.Spares(found)
}

// Spares reports whether what has taken the place of an object of the release is not deleted.
func (l *ledger) Spares(found live) bool { return found.replaced && !l.plan.Options.TakeOwnership }

// Entry is what the inventory says of an object; nothing where it does not name it.
func (l *ledger) Entry(key kinds.Key) release.Entry {
	if i, found := l.index[key]; found {
		return l.release.Inventory[i]
	}
	return release.Entry{}
}

// HasRun reports whether a hook has succeeded, in this run or before it was resumed.
func (l *ledger) HasRun(h plan.Hook) bool { return plan.HasRun(l.release, h) }

// Replaces reports whether what an earlier run of a hook left is deleted before it.
func (l *ledger) Replaces(h plan.Hook) bool {
	key := h.Object.Key()
	found, live := l.live[key]
	return live && !found.adopt && (kinds.RunsPods(key.GroupKind()) || h.Has(hook.BeforeHookCreation))
}

// Body returns an object as it is sent: with the UID that it has on the cluster, so that the API server refuses to change
// another one that has taken its place meanwhile. What would be left to others is only created: another release of the chart may
// be installed at the same time.
func (l *ledger) Body(object manifest.Object) *unstructured.Unstructured {
	switch found, live := l.live[object.Key()]; {
	case found.uid != "":
		return withMetadata(object, "uid", string(found.uid))
	case !live && l.plan.LeavesToOthers(object):
		return withMetadata(object, "resourceVersion", kube.VersionOfNone)
	}
	return object.Unstructured
}

// withMetadata returns an object with one more field of metadata. Only what differs is copied, because a manifest may be large.
func withMetadata(object manifest.Object, key, value string) *unstructured.Unstructured {
	content := maps.Clone(object.Object)
	metadata, _ := content["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	metadata[key] = value
	content["metadata"] = metadata
	return &unstructured.Unstructured{Object: content}
}

// Note brings the inventory up to what the API server answered.
func (l *ledger) Note(object manifest.Object, applied kube.Applied) {
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
	entry.Hash = l.hashes.of(object)
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

// Forget notes that an object is confirmed to be gone. Its entry stays until the end, because a later step may make it
// again and the inventory must name it before that.
func (l *ledger) Forget(key kinds.Key) {
	delete(l.live, key)
	l.Leave(key)
}

// Leave notes that an object is gone, or on its way out: the release has it no more, though its name may still be taken.
func (l *ledger) Leave(key kinds.Key) {
	if i, found := l.index[key]; found {
		entry := &l.release.Inventory[i]
		entry.UID, entry.Origin, entry.AppliedAs = "", "", ""
		entry.ForgetState()
		l.stale = true
	}
}

// LeaveEnding notes of an object that is being deleted that nothing waits for its end any more.
func (l *ledger) LeaveEnding(key kinds.Key) {
	if found, live := l.live[key]; live {
		found.ending = true
		l.live[key] = found
	}
}

// DropEntry takes an object off the inventory at once: nobody may take it for the release's after this.
func (l *ledger) DropEntry(key kinds.Key) {
	r := l.release
	r.Inventory = slices.DeleteFunc(r.Inventory, func(entry release.Entry) bool { return entry.Key() == key })
	l.index, l.stale = release.Index(r.Inventory), true
	delete(l.live, key)
}

// KeepHooks keeps on the inventory what the manifest has as a hook: what is gone is the regular resource that it was.
func (l *ledger) KeepHooks(entries []release.Entry) {
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

// Shrink takes what a removal has confirmed to be gone off the inventory.
func (l *ledger) Shrink() {
	if len(l.gone) == 0 {
		return
	}
	l.release.Inventory = slices.DeleteFunc(l.release.Inventory, func(entry release.Entry) bool { return l.gone[entry.Key()] })
	l.index = release.Index(l.release.Inventory)
	l.stale = true
}

// KeepAsApplied notes what of the regular objects is to be kept from now on.
func (l *ledger) KeepAsApplied() {
	for _, step := range l.plan.Steps {
		if step.Action != plan.Apply {
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

// IsUnchanged reports whether applying an object would change nothing, or must not.
func (l *ledger) IsUnchanged(object manifest.Object) bool {
	key := object.Key()
	i, known := l.index[key]
	if l.staysAsIs(object) {
		return true
	}
	if !known || !l.isAsApplied(object, l.release.Inventory[i]) {
		return false
	}
	return l.isAsAnswered(object, l.release.Inventory[i].Metadata, l.live[key].carried)
}

// staysAsIs reports whether an object is a custom resource definition that a rollback must not revert, or belongs to
// somebody else and is left to that, by this plan or, as it does by now, by an undo.
func (l *ledger) staysAsIs(object manifest.Object) bool {
	found, live := l.live[object.Key()]
	if found.foreign != "" && (l.plan.IsUndo || l.plan.LeavesToOthers(object)) {
		return true
	}
	return l.release.Spec.FromRevision != 0 && !l.plan.Options.DeleteCRDs && live && kinds.IsDefinition(object.GroupKind())
}

// isAsApplied reports whether an object is what was last applied and nobody has changed it since, but for its labels and
// annotations. A kind that counts generations may have another status meanwhile; any other kind must not have been written
// at all.
func (l *ledger) isAsApplied(object manifest.Object, entry release.Entry) bool {
	found := l.live[entry.Key()]
	if entry.Hash == "" || entry.UID == "" || entry.UID != found.uid || found.foreign != "" {
		return false
	}
	if l.hashes.of(object) != entry.Hash {
		return false
	}
	if entry.Generation != 0 {
		return entry.Generation == found.generation
	}
	return entry.ResourceVersion == found.resourceVersion
}

// isAsAnswered reports whether an object still carries what the answer to its last apply did. What nobody has recorded
// counts as such where it carries the marks of its release.
func (l *ledger) isAsAnswered(object manifest.Object, record *release.Metadata, found metadata) bool {
	if record == nil {
		return plan.OwnerOf(l.release).Marks(found.labels, found.annotations)
	}
	return found.hash(object, record) == record.Hash
}

// metadata is what an object on the cluster carries.
type metadata struct {
	labels, annotations map[string]string
	// stringData says of a Secret that it was applied with stringData.
	stringData bool
}

// asAnswered returns what to record of the labels and annotations in the answer to an apply: those that the object has,
// with the values of the answer, and those that the API server has added to it. before is what the object carried before
// the apply, and known what is on record of that; what stood there before and is not on record is somebody else's, such as a
// controller's, who may change it.
//
// It is the answer that counts, not what was sent, because webhooks may change that.
func asAnswered(object manifest.Object, answer kube.Applied, before metadata, known *release.Metadata) *release.Metadata {
	if known == nil {
		known = &release.Metadata{}
	}
	record := &release.Metadata{
		Labels:      added(answer.Labels, object.GetLabels(), before.labels, known.Labels),
		Annotations: added(answer.Annotations, object.GetAnnotations(), before.annotations, known.Annotations),
		Helm:        plan.HelmRelease(answer.Annotations),
	}
	record.Hash = metadata{labels: answer.Labels, annotations: answer.Annotations}.hash(object, record)
	return record
}

// added are the keys of an answer that were not sent, and were not there before unless they are known to be added.
func added(answer, sent, before map[string]string, known []string) []string {
	var keys []string
	for key := range answer {
		_, isSent := sent[key]
		_, wasThere := before[key]
		if !isSent && (!wasThere || slices.Contains(known, key)) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// hash is that of the values which an object has of the labels and annotations that were applied and that were added.
func (m metadata) hash(object manifest.Object, record *release.Metadata) string {
	var lines []string
	add := func(kind string, values, sent map[string]string, added []string) {
		keys := append(slices.Collect(maps.Keys(sent)), added...)
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			line := kind + " " + key
			if value, there := values[key]; there {
				line += fmt.Sprintf(" %q", value)
			}
			lines = append(lines, line)
		}
	}
	add("label", m.labels, object.GetLabels(), record.Labels)
	add("annotation", m.annotations, object.GetAnnotations(), record.Annotations)
	return manifest.Sum([]byte(strings.Join(lines, "\n")))
}
