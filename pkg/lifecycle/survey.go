package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// survey looks at what is on the cluster under the names of some steps. An object of somebody else that the plan would apply
// is an error; one that it would delete is left alone. What is to be applied and is being deleted is waited for, whoever's
// it is, because applying onto it would silently be lost.
func (x *execution) survey(ctx context.Context, steps []plan.Step) error {
	refs, applied := references(steps)
	found, err := x.Cluster.Find(ctx, refs)
	if err != nil {
		return fmt.Errorf("looking for existing objects: %w", err)
	}
	leaving, foreign := x.surveyApplied(steps, refs[:applied], found)
	x.surveyDeleted(steps, refs, applied, found)
	if foreign != nil || len(leaving) == 0 {
		return foreign
	}
	if x.rehearsal.all {
		x.rehearsal.leaving = leaving
		x.emit(Warning, Outcome{Message: "this is being deleted, and would be waited for: " + words.List(titles(leaving), words.Many)})
		return nil
	}
	return x.awaitGone(ctx, leaving)
}

// unawaited are the hooks that a way back does not wait for before it begins, should they be on their way out: what they left
// running may take longer to end than it has time. It waits before it runs them again.
func (x *execution) unawaited(steps []plan.Step) map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	if !x.plan.IsUndo {
		return keys
	}
	for _, step := range steps {
		for _, h := range step.Hooks {
			gvk := h.Object.GroupVersionKind()
			keys[h.Object.Key()] = kinds.RunsPods(gvk.GroupKind())
		}
		for _, entry := range step.Entries {
			keys[entry.Key()] = entry.Role == release.HookRun && kinds.RunsPods(entry.GroupKind())
		}
	}
	return keys
}

// surveyApplied notes what is there of the objects that are applied, and returns what is being deleted. The error joins a
// *ForeignError for each that belongs to others and is not to be taken over.
func (x *execution) surveyApplied(steps []plan.Step, refs []corev1.ObjectReference, found []*metav1.PartialObjectMetadata) (leaving []corev1.ObjectReference, err error) {
	own, unawaited := ownerOf(x.release), x.unawaited(steps)
	var foreign []error
	for i, ref := range refs {
		key, object := kinds.KeyOf(ref), found[i]
		delete(x.live, key)
		if object == nil {
			continue
		}
		claim := x.claimOn(object, key)
		switch {
		case object.DeletionTimestamp != nil && (claim == theirs || !unawaited[key]):
			ref.UID = object.UID
			leaving = append(leaving, ref)
		case claim != theirs:
			x.live[key] = x.recognised(object, key, claim)
			if object.DeletionTimestamp != nil {
				x.leaveEnding(key)
			}
		case x.plan.Options.TakeOwnership || x.plan.IsUndo:
			x.live[key] = live{uid: object.UID, foreign: own.holder(object), carried: carriedBy(object)}
		default:
			foreign = append(foreign, &ForeignError{Ref: ref, Owner: own.ownerPhrase(object)})
		}
	}
	return leaving, errors.Join(foreign...)
}

// surveyDeleted notes what is there of the objects that are deleted or kept, which come after those that are applied, and
// says which of them are left alone.
func (x *execution) surveyDeleted(steps []plan.Step, refs []corev1.ObjectReference, applied int, found []*metav1.PartialObjectMetadata) {
	own, soon, unawaited := ownerOf(x.release), deletedSoon(steps), x.unawaited(steps)
	isApplied := map[kinds.Key]bool{}
	for _, ref := range refs[:applied] {
		isApplied[kinds.KeyOf(ref)] = true
	}
	for i := applied; i < len(refs); i++ {
		key, object := kinds.KeyOf(refs[i]), found[i]
		if isApplied[key] {
			continue
		}
		delete(x.live, key)
		if object == nil {
			continue
		}
		switch claim := x.claimOn(object, key); {
		case claim == theirs && soon[key] != "":
			x.emit(Warning, Outcome{Message: (&ForeignError{Ref: refs[i], Owner: own.ownerPhrase(object)}).Error() + "; it is left alone"})
		case claim != theirs:
			seen := x.recognised(object, key, claim)
			seen.ending = unawaited[key] && object.DeletionTimestamp != nil
			x.live[key] = seen
			if x.spares(seen) && soon[key] == plan.Delete {
				x.emit(Warning, Outcome{Message: fmt.Sprintf(
					"%s carries the marks of this release, but is not the object that it made: it was replaced or restored; it is left alone, to delete it use --take-ownership", key)})
			}
		}
	}
}

// foreignIn returns what an error of survey says of objects of others; nil where it is about something else.
func foreignIn(err error) []error {
	joined, several := err.(interface{ Unwrap() []error })
	var foreign *ForeignError
	if !several || !errors.As(err, &foreign) {
		return nil
	}
	return joined.Unwrap()
}

// inTheWay names the objects of others that foreignIn has found.
func inTheWay(problems []error) map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	for _, problem := range problems {
		var foreign *ForeignError
		if errors.As(problem, &foreign) {
			keys[kinds.KeyOf(foreign.Ref)] = true
		}
	}
	return keys
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

// recognised is an object of the release as it was found. What it was made as, and what may be done to it, the inventory
// says: anybody who may change an object can change its annotations.
func (x *execution) recognised(object *metav1.PartialObjectMetadata, key kinds.Key, claim claim) live {
	if i, found := x.index[key]; found && claim == ours {
		entry := &x.release.Inventory[i]
		if entry.UID != "" && entry.UID != object.UID {
			// An operation that did not come to its end has made it, and nothing else is known of it.
			entry.ForgetState()
			entry.UID, x.stale = object.UID, true
		}
	}
	entry := x.entry(key)
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

// deletable returns what is on the cluster under the name of an entry and may be deleted.
func (x *execution) deletable(entry release.Entry) (live, bool) {
	found, there := x.live[entry.Key()]
	return found, there && !x.spares(found)
}

// spares reports whether what has taken the place of an object of the release is not deleted.
func (x *execution) spares(found live) bool { return found.replaced && !x.plan.Options.TakeOwnership }

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

func (x *execution) awaitGone(ctx context.Context, refs []corev1.ObjectReference) error {
	if err := x.Cluster.AwaitGone(ctx, refs); err != nil {
		return fmt.Errorf("waiting for objects that are being deleted: %w", err)
	}
	return nil
}
