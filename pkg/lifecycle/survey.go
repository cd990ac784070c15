package lifecycle

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// survey looks at what is on the cluster under the names of some steps. An object of somebody else that the plan would apply
// is an error; one that it would delete is left alone. What is to be applied and is being deleted is waited for, whoever's
// it is, because applying onto it would silently be lost.
func (x *execution) survey(ctx context.Context, steps []Step) error {
	refs, applied := references(steps)
	found, err := x.Cluster.Find(ctx, refs)
	if err != nil {
		return fmt.Errorf("looking for existing objects: %w", err)
	}
	own, soon, unawaited := ownerOf(x.plan.Release), deletedSoon(steps), x.unawaited(steps)
	var leaving []corev1.ObjectReference
	var foreign []error
	for i, object := range found {
		delete(x.live, manifest.KeyOf(refs[i]))
		switch {
		case object == nil:
		case unawaited[manifest.KeyOf(refs[i])] && object.DeletionTimestamp != nil && own.owns(object):
			x.live[manifest.KeyOf(refs[i])] = liveOf(object)
			x.leaveEnding(manifest.KeyOf(refs[i]))
		case object.DeletionTimestamp != nil && i < applied:
			refs[i].UID = object.UID
			leaving = append(leaving, refs[i])
		case own.owns(object):
			x.live[manifest.KeyOf(refs[i])] = liveOf(object)
		case i < applied && x.plan.Options.TakeOwnership:
			x.live[manifest.KeyOf(refs[i])] = foreignOf(object)
		case i < applied:
			foreign = append(foreign, &ForeignError{Ref: refs[i], Owner: ownerPhrase(object)})
		case soon[manifest.KeyOf(refs[i])]:
			x.emit(Warning, Outcome{Message: (&ForeignError{Ref: refs[i], Owner: ownerPhrase(object)}).Error() + "; it is left alone"})
		}
	}
	if len(foreign) > 0 {
		return errors.Join(foreign...)
	}
	if len(leaving) == 0 {
		return nil
	}
	if x.rehearsal.all {
		x.rehearsal.leaving = leaving
		x.emit(Warning, Outcome{Message: "this is being deleted, and would be waited for: " + several(titles(leaving), many)})
		return nil
	}
	return x.awaitGone(ctx, leaving)
}

// unawaited are the hooks that a way back does not wait for before it begins, should they be on their way out: what they left
// running may take longer to end than it has time. It waits before it runs them again.
func (x *execution) unawaited(steps []Step) map[manifest.Key]bool {
	keys := map[manifest.Key]bool{}
	if !x.plan.Untried {
		return keys
	}
	for _, step := range steps {
		for _, h := range step.Hooks {
			gvk := h.Object.GroupVersionKind()
			keys[manifest.KeyOf(h.Object.Reference())] = hook.RunsPods(gvk.Group, gvk.Kind)
		}
		for _, entry := range step.Entries {
			keys[keyOf(entry)] = entry.Role == release.HookRun && hook.RunsPods(entry.Group, entry.Kind)
		}
	}
	return keys
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
func inTheWay(problems []error) map[manifest.Key]bool {
	keys := map[manifest.Key]bool{}
	for _, problem := range problems {
		var foreign *ForeignError
		if errors.As(problem, &foreign) {
			keys[manifest.KeyOf(foreign.Ref)] = true
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
	// recreate says that it tells itself that it may be made anew.
	recreate bool
	// foreign says who it belongs to if that is not this release, which is to take it over; else "".
	foreign string
}

// foreignOf is an object of somebody else that is to be taken over.
func foreignOf(object *metav1.PartialObjectMetadata) live {
	return live{uid: object.UID, foreign: ownerPhrase(object)}
}

func liveOf(object *metav1.PartialObjectMetadata) live {
	return live{
		uid: object.UID, generation: object.Generation, resourceVersion: object.ResourceVersion,
		hook: object.Annotations[AnnotationPhase] != "", recreate: object.Annotations[hook.OnImmutableAnnotation] == recreatePolicy,
	}
}

// references names everything that some steps apply, which is the given number of them, and then what they delete.
func references(steps []Step) (refs []corev1.ObjectReference, applied int) {
	for _, object := range objectsOf(steps) {
		refs = append(refs, object.Reference())
	}
	applied = len(refs)
	for _, step := range steps {
		for _, entry := range step.Entries {
			ref := entry.Reference()
			ref.UID = ""
			refs = append(refs, ref)
		}
	}
	return refs, applied
}

// deletedSoon are the objects that are deleted before other hooks run, after which they are looked at again.
func deletedSoon(steps []Step) map[manifest.Key]bool {
	soon := map[manifest.Key]bool{}
	for _, step := range steps {
		if step.Verb == RunHooks {
			break
		}
		for _, entry := range step.Entries {
			soon[keyOf(entry)] = true
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
