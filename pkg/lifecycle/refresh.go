package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// obstacles are objects that have the names of some that a plan applies.
type obstacles struct {
	// terminating are being deleted, whoever's they are: applying onto them would silently be lost.
	terminating []corev1.ObjectReference
	// foreign belong to others and are not to be adopted.
	foreign []*ForeignError
}

// Refresh reads what is on the cluster under the names of some steps. An object of somebody else that the plan would delete
// is left alone.
func (l *ledger) Refresh(ctx context.Context, steps []plan.Step) (obstacles, error) {
	refs, applied := references(steps)
	found, err := l.finder.Find(ctx, refs)
	if err != nil {
		return obstacles{}, fmt.Errorf("looking for existing objects: %w", err)
	}
	inTheWay := l.refreshApplied(steps, found)
	l.refreshDeleted(steps, refs, applied, found)
	return inTheWay, nil
}

// RefreshAndAwait reads what is on the cluster once more, after something was done, and waits for what is being deleted. Objects
// of others in the way are an error.
func (l *ledger) RefreshAndAwait(ctx context.Context, steps []plan.Step) error {
	found, err := l.Refresh(ctx, steps)
	if err != nil || len(found.foreign) > 0 {
		return errors.Join(append(untyped(found.foreign), err)...)
	}
	return l.AwaitGone(ctx, found.terminating)
}

// unawaited are the hooks that an undo does not wait for before it begins, should they be on their way out: what they left
// running may take longer to end than it has time. It waits before it runs them again.
func unawaited(p plan.Plan, steps []plan.Step) map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	if !p.IsUndo {
		return keys
	}
	for _, step := range steps {
		for _, h := range step.Hooks {
			keys[h.Object.Key()] = kinds.RunsPods(h.Object.GroupKind())
		}
		for _, entry := range step.Entries {
			keys[entry.Key()] = entry.Role == release.HookRun && kinds.RunsPods(entry.GroupKind())
		}
	}
	return keys
}

// refreshApplied notes what is there of the objects that are applied, and returns what is in the way of that.
func (l *ledger) refreshApplied(steps []plan.Step, found []*metav1.PartialObjectMetadata) (inTheWay obstacles) {
	own, ending := plan.OwnerOf(l.release), unawaited(l.plan, steps)
	var left []*ForeignError
	for i, planned := range plan.Objects(steps) {
		ref, key, object := planned.Reference(), planned.Key(), found[i]
		delete(l.live, key)
		if object == nil {
			continue
		}
		whose := l.ClaimOn(object, key)
		switch {
		case object.DeletionTimestamp != nil && (whose == theirs || !ending[key]):
			ref.UID = object.UID
			inTheWay.terminating = append(inTheWay.terminating, ref)
		case whose != theirs:
			l.live[key] = l.recognised(object, key, whose)
			if object.DeletionTimestamp != nil {
				l.LeaveEnding(key)
			}
		case l.plan.LeavesToOthers(planned):
			if _, listed := l.index[key]; listed {
				l.DropEntry(key)
				left = append(left, &ForeignError{Ref: ref, Owner: own.Holder(object)})
			}
			l.live[key] = live{uid: object.UID, foreign: own.Holder(object)}
		case l.plan.Options.TakeOwnership || l.plan.IsUndo:
			l.live[key] = live{uid: object.UID, foreign: own.Holder(object), carried: carriedBy(object)}
		default:
			inTheWay.foreign = append(inTheWay.foreign, &ForeignError{Ref: ref, Owner: own.HolderPhrase(object)})
		}
	}
	l.warnOfLeft(left)
	return inTheWay
}

// warnOfLeft says which definitions are left as they are, whose they are, and what to do about it: a warning for each owner.
func (l *ledger) warnOfLeft(left []*ForeignError) {
	var owners []string
	names := map[string][]string{}
	for _, definition := range left {
		if names[definition.Owner] == nil {
			owners = append(owners, definition.Owner)
		}
		names[definition.Owner] = append(names[definition.Owner], definition.Ref.Name)
	}
	for _, owner := range owners {
		whose, update := "belong to "+owner, "update them with their owner"
		if owner == plan.NoOwner {
			whose, update = "are not part of any release", "update them with kubectl apply --server-side -f CHART/crds"
		}
		l.Emit(Warning, Outcome{Message: fmt.Sprintf(
			"custom resource definitions of the chart already exist, %s, and are left as they are: %s. If the chart needs newer ones, %s, or make them part of this release with --take-ownership.",
			whose, strings.Join(names[owner], ", "), update)})
	}
}

// refreshDeleted notes what is there of the objects that are deleted or kept, which come after those that are applied, and
// says which of them are left alone.
func (l *ledger) refreshDeleted(steps []plan.Step, refs []corev1.ObjectReference, applied int, found []*metav1.PartialObjectMetadata) {
	own, soon, ending := plan.OwnerOf(l.release), deletedSoon(steps), unawaited(l.plan, steps)
	isApplied := map[kinds.Key]bool{}
	for _, ref := range refs[:applied] {
		isApplied[kinds.KeyOf(ref)] = true
	}
	for i := applied; i < len(refs); i++ {
		key, object := kinds.KeyOf(refs[i]), found[i]
		if isApplied[key] {
			continue
		}
		delete(l.live, key)
		if object == nil {
			continue
		}
		switch whose := l.ClaimOn(object, key); {
		case whose == theirs && soon[key] != "":
			l.Emit(Warning, Outcome{Message: (&ForeignError{Ref: refs[i], Owner: own.HolderPhrase(object)}).Error() + "; it is not deleted"})
		case whose != theirs:
			seen := l.recognised(object, key, whose)
			seen.ending = ending[key] && object.DeletionTimestamp != nil
			l.live[key] = seen
			if l.Spares(seen) && soon[key] == plan.Delete {
				l.Emit(Warning, Outcome{Message: fmt.Sprintf(
					"%s carries the marks of this release, but is not the object that it made: it was replaced or restored; it is not deleted; to delete it, use --take-ownership", key)})
			}
		}
	}
}

// untyped returns errors as such.
func untyped(problems []*ForeignError) []error {
	var all []error
	for _, problem := range problems {
		all = append(all, problem)
	}
	return all
}

// recognised is an object of the release as it was found. What it was made as, and what may be done to it, the inventory
// says: anybody who may change an object can change its annotations.
func (l *ledger) recognised(object *metav1.PartialObjectMetadata, key kinds.Key, whose claim) live {
	if i, found := l.index[key]; found && whose == ours {
		entry := &l.release.Inventory[i]
		if entry.UID != "" && entry.UID != object.UID {
			// An operation that did not come to its end has made it, and nothing else is known of it.
			entry.ForgetState()
			entry.UID, l.stale = object.UID, true
		}
	}
	entry := l.Entry(key)
	return live{
		uid: object.UID, generation: object.Generation, resourceVersion: object.ResourceVersion,
		hook: entry.MadeAs() == release.HookRun, recreate: entry.Recreate, replaced: whose == replaced,
		carried: carriedBy(object),
	}
}

func carriedBy(object *metav1.PartialObjectMetadata) metadata {
	// Find leaves of these only what is about stringData.
	return metadata{labels: object.Labels, annotations: object.Annotations, stringData: len(object.ManagedFields) > 0}
}

// references names everything that some steps apply, which is the given number of them, and then what they delete.
func references(steps []plan.Step) (refs []corev1.ObjectReference, applied int) {
	for _, object := range plan.Objects(steps) {
		refs = append(refs, object.Reference())
	}
	applied = len(refs)
	for _, step := range steps {
		if step.Action == plan.GiveBack {
			continue
		}
		for _, entry := range step.Entries {
			ref := entry.Reference()
			ref.UID = ""
			refs = append(refs, ref)
		}
	}
	return refs, applied
}

// deletedSoon are the objects that are deleted or kept before other hooks run, after which they are read again.
func deletedSoon(steps []plan.Step) map[kinds.Key]plan.Action {
	soon := map[kinds.Key]plan.Action{}
	for _, step := range steps {
		if step.Action == plan.RunHooks {
			break
		}
		if step.Action == plan.GiveBack {
			continue
		}
		for _, entry := range step.Entries {
			soon[entry.Key()] = step.Action
		}
	}
	return soon
}

// AwaitGone waits until objects that are being deleted are gone; it does nothing for none.
func (l *ledger) AwaitGone(ctx context.Context, refs []corev1.ObjectReference) error {
	if len(refs) == 0 {
		return nil
	}
	started := Outcome{Count: len(refs), Message: "waiting for " + words.Count(len(refs), "object") + " to be deleted"}
	err := l.telling(started, func() error {
		return l.finder.AwaitGone(ctx, refs, func(i int, why string) {
			l.tellRemaining(refs[i], why, Outcome{})
		})
	})
	if err != nil {
		return fmt.Errorf("waiting for objects that are being deleted: %w", err)
	}
	return nil
}

// claim says whose an object on the cluster is.
type claim int

const (
	// theirs: it belongs to somebody else, or to nobody.
	theirs claim = iota
	// ours: it belongs to the release.
	ours
	// replaced: it carries the marks of the release, but it is not the object that the release made: somebody has replaced
	// that, or restored it from a backup. It may be applied to, but it is not the release's to delete.
	replaced
)

// ClaimOn says whose an object on the cluster is. Its UID decides first: what the inventory names is the release's, whatever
// became of its labels, unless its annotations name another release, which has taken it over then. The marks decide about
// what has no UID on record, and after an operation that did not come to a good end, because that may have made it and not
// recorded it.
func (l *ledger) ClaimOn(found metav1.Object, key kinds.Key) claim {
	own, entry := plan.OwnerOf(l.release), l.Entry(key)
	switch {
	case entry.UID != "" && entry.UID == found.GetUID():
		if own.TakenFrom(found, entry) {
			return theirs
		}
		return ours
	case !own.Owns(found):
		return theirs
	case entry.UID == "", l.plan.Unfinished, l.plan.IsUndo, madeAtEachRun(entry):
		return ours
	}
	return replaced
}

// madeAtEachRun reports whether an object is created again whenever its hook runs, so that its UID says little: tests may run
// while the newest revision is one that failed, whose inventory does not know of that.
func madeAtEachRun(entry release.Entry) bool {
	return entry.Role == release.HookRun && kinds.RunsPods(entry.GroupKind())
}

// IsProvisional reports whether no operation has succeeded since an object was adopted.
func (l *ledger) IsProvisional(key kinds.Key) bool {
	i, found := l.index[key]
	return found && l.release.Inventory[i].Provisional
}

// FormerOwner says who an object belongs to that this operation adopts, or an earlier one has adopted and not succeeded; ""
// where it is the release's own, as far as its marks tell.
func (l *ledger) FormerOwner(key kinds.Key) string {
	if foreign := l.live[key].foreign; foreign != "" || !l.IsProvisional(key) {
		return foreign
	}
	former := l.release.FormerOf(key)
	switch {
	case former == nil:
		return "somebody else"
	case former.Owner == plan.OwnerOf(l.release).String():
		return ""
	}
	return former.Owner
}

// WouldDelete returns the object of others that a hook would delete, before it runs or afterwards; nil where there is none.
func (l *ledger) WouldDelete(h plan.Hook) *ForeignError {
	ref := h.Object.Reference()
	key := kinds.KeyOf(ref)
	deletes := kinds.RunsPods(key.GroupKind()) || h.Has(hook.BeforeHookCreation) || h.Has(hook.HookSucceeded) || h.Has(hook.HookFailed)
	owner := l.FormerOwner(key)
	if !deletes || owner == "" {
		return nil
	}
	return &ForeignError{Ref: ref, Owner: owner, Hook: h.Title}
}
