package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// surveyed is what was found under the names of some steps that stands in their way.
type surveyed struct {
	// leaving is what is being deleted, whoever's it is, and is to be applied: applying onto it would silently be lost.
	leaving []corev1.ObjectReference
	// foreign are objects of others that would be applied, and are not to be taken over.
	foreign []error
}

// survey looks at what is on the cluster under the names of some steps. An object of somebody else that the plan would delete
// is left alone.
func (l *ledger) survey(ctx context.Context, steps []plan.Step) (surveyed, error) {
	refs, applied := references(steps)
	found, err := l.cluster.Find(ctx, refs)
	if err != nil {
		return surveyed{}, fmt.Errorf("looking for existing objects: %w", err)
	}
	inTheWay := l.surveyApplied(steps, refs[:applied], found)
	l.surveyDeleted(steps, refs, applied, found)
	return inTheWay, nil
}

// surveyAgain looks at what is on the cluster once more, after something was done, and waits for what is being deleted. Objects
// of others in the way are an error.
func (l *ledger) surveyAgain(ctx context.Context, steps []plan.Step) error {
	found, err := l.survey(ctx, steps)
	if err != nil || len(found.foreign) > 0 {
		return errors.Join(append(found.foreign, err)...)
	}
	return l.awaitGone(ctx, found.leaving)
}

// unawaited are the hooks that a way back does not wait for before it begins, should they be on their way out: what they left
// running may take longer to end than it has time. It waits before it runs them again.
func (l *ledger) unawaited(steps []plan.Step) map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	if !l.plan.IsUndo {
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

// surveyApplied notes what is there of the objects that are applied, and returns what is in the way of that.
func (l *ledger) surveyApplied(steps []plan.Step, refs []corev1.ObjectReference, found []*metav1.PartialObjectMetadata) (inTheWay surveyed) {
	own, unawaited := ownerOf(l.release), l.unawaited(steps)
	for i, ref := range refs {
		key, object := kinds.KeyOf(ref), found[i]
		delete(l.live, key)
		if object == nil {
			continue
		}
		claim := l.claimOn(object, key)
		switch {
		case object.DeletionTimestamp != nil && (claim == theirs || !unawaited[key]):
			ref.UID = object.UID
			inTheWay.leaving = append(inTheWay.leaving, ref)
		case claim != theirs:
			l.live[key] = l.recognised(object, key, claim)
			if object.DeletionTimestamp != nil {
				l.leaveEnding(key)
			}
		case l.plan.Options.TakeOwnership || l.plan.IsUndo:
			l.live[key] = live{uid: object.UID, foreign: own.holder(object), carried: carriedBy(object)}
		default:
			inTheWay.foreign = append(inTheWay.foreign, &ForeignError{Ref: ref, Owner: own.ownerPhrase(object)})
		}
	}
	return inTheWay
}

// surveyDeleted notes what is there of the objects that are deleted or kept, which come after those that are applied, and
// says which of them are left alone.
func (l *ledger) surveyDeleted(steps []plan.Step, refs []corev1.ObjectReference, applied int, found []*metav1.PartialObjectMetadata) {
	own, soon, unawaited := ownerOf(l.release), deletedSoon(steps), l.unawaited(steps)
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
		switch claim := l.claimOn(object, key); {
		case claim == theirs && soon[key] != "":
			l.emit(Warning, Outcome{Message: (&ForeignError{Ref: refs[i], Owner: own.ownerPhrase(object)}).Error() + "; it is left alone"})
		case claim != theirs:
			seen := l.recognised(object, key, claim)
			seen.ending = unawaited[key] && object.DeletionTimestamp != nil
			l.live[key] = seen
			if l.spares(seen) && soon[key] == plan.Delete {
				l.emit(Warning, Outcome{Message: fmt.Sprintf(
					"%s carries the marks of this release, but is not the object that it made: it was replaced or restored; it is left alone, to delete it use --take-ownership", key)})
			}
		}
	}
}

// foreignKeys names the objects of others that problems are about.
func foreignKeys(problems []error) map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	for _, problem := range problems {
		var foreign *ForeignError
		if errors.As(problem, &foreign) {
			keys[kinds.KeyOf(foreign.Ref)] = true
		}
	}
	return keys
}

// recognised is an object of the release as it was found. What it was made as, and what may be done to it, the inventory
// says: anybody who may change an object can change its annotations.
func (l *ledger) recognised(object *metav1.PartialObjectMetadata, key kinds.Key, claim claim) live {
	if i, found := l.index[key]; found && claim == ours {
		entry := &l.release.Inventory[i]
		if entry.UID != "" && entry.UID != object.UID {
			// An operation that did not come to its end has made it, and nothing else is known of it.
			entry.ForgetState()
			entry.UID, l.stale = object.UID, true
		}
	}
	entry := l.entry(key)
	return live{
		uid: object.UID, generation: object.Generation, resourceVersion: object.ResourceVersion,
		hook: entry.MadeAs() == release.HookRun, recreate: entry.Recreate, replaced: claim == replaced,
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
		if step.Verb == plan.GiveBack {
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

// deletedSoon are the objects that are deleted or kept before other hooks run, after which they are looked at again.
func deletedSoon(steps []plan.Step) map[kinds.Key]plan.Verb {
	soon := map[kinds.Key]plan.Verb{}
	for _, step := range steps {
		if step.Verb == plan.RunHooks {
			break
		}
		if step.Verb == plan.GiveBack {
			continue
		}
		for _, entry := range step.Entries {
			soon[entry.Key()] = step.Verb
		}
	}
	return soon
}

func (l *ledger) awaitGone(ctx context.Context, refs []corev1.ObjectReference) error {
	if len(refs) == 0 {
		return nil
	}
	if err := l.cluster.AwaitGone(ctx, refs); err != nil {
		return fmt.Errorf("waiting for objects that are being deleted: %w", err)
	}
	return nil
}
