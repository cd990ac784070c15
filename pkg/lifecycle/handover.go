package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// NotHelmsError is an object of a release of Helm's that has the marks of another one: it is not taken over.
type NotHelmsError struct {
	Ref corev1.ObjectReference
	// Owner says who it belongs to, and what labels and annotations say so.
	Owner string
}

// Error names the object and its owner.
func (e *NotHelmsError) Error() string { return kinds.KeyOf(e.Ref).String() + " belongs to " + e.Owner }

// handover takes the objects of a release over from Helm, or gives them to it, and with them the release.
type handover struct {
	*ledger
	cluster giver
	store   helmStore
}

// giver is what a handover needs of a cluster.
type giver interface {
	HandOver(ctx context.Context, handovers []kube.Handover, managers kube.Managers, done func(i int, err error)) error
	TryHandOver(ctx context.Context, handovers []kube.Handover, managers kube.Managers, done func(i int, err error)) error
}

// helmStore is what a handover needs of a store.
type helmStore interface {
	PutHelm(ctx context.Context, records []release.HelmRecord) error
	TryHelm(ctx context.Context, records []release.HelmRecord) error
	CheckHidden(ctx context.Context, namespace, name string) error
}

// Preflight looks for the objects that change hands, notes which they are, and submits everything as a dry-run. It returns all
// problems at once, as a *PreflightError.
func (h *handover) Preflight(ctx context.Context) error {
	if !h.plan.Operation.ChangesHands() {
		return nil
	}
	started := h.clock()
	problems := h.look(ctx)
	count := len(h.live)
	h.Emit(PreflightStarted, Outcome{Count: count, Message: words.Count(count, "object")})
	for _, step := range h.plan.Steps {
		switch step.Action {
		case plan.HandOver:
			problems = append(problems, h.try(ctx, step)...)
		case plan.WriteHelm:
			problems = append(problems, joined(h.store.TryHelm(ctx, step.Records))...)
		}
	}
	err := ctx.Err()
	if err == nil {
		err = refusedFor(problems)
	}
	h.Emit(PreflightFinished, Outcome{Result: resultOf(err), ElapsedMS: h.Since(started)})
	return err
}

// try submits the change of objects as a dry-run, and returns what is refused.
func (h *handover) try(ctx context.Context, step plan.Step) (refused []error) {
	handovers, skipped := h.present(step), false
	err := h.cluster.TryHandOver(ctx, asKube(handovers), h.managers(), func(i int, err error) {
		switch {
		case err == nil || isMoved(err):
		case handovers[i].Beside && refusal.LacksRight(err):
			h.skip(handovers[i].Entry.Key(), err)
			skipped = true
		default:
			refused = append(refused, err)
		}
	})
	if skipped {
		h.dropAbsentDefinitions()
		return refused
	}
	if len(refused) == 0 {
		return joined(err)
	}
	return refused
}

// skip leaves a definition alone that Helm has applied beside its manifest, and that this user may not read or change: an upgrade with
// Helm does neither.
func (h *handover) skip(key kinds.Key, err error) {
	delete(h.live, key)
	h.release.Inventory[h.index[key]].UID = ""
	h.stale = h.stale || h.release.ResourceVersion != ""
	h.Emit(Warning, Outcome{Message: key.String() + " is not taken over: " + err.Error()})
}

// joined is an error as a list; nil for none.
func joined(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// look finds the objects on the cluster, and returns what keeps them from changing hands. Those that are not there stay on the inventory, to be created by the next upgrade, but
// for definitions that Helm has applied beside its manifest: it may have been told not to.
func (h *handover) look(ctx context.Context) (problems []error) {
	var refs []corev1.ObjectReference
	for _, entry := range h.release.Inventory {
		ref := entry.Reference()
		ref.UID = ""
		refs = append(refs, ref)
	}
	found, unread := h.find(ctx, refs)
	own, besides, missing := plan.OwnerOf(h.release), h.besides(), []corev1.ObjectReference(nil)
	for i, ref := range refs {
		key := kinds.KeyOf(ref)
		entry := &h.release.Inventory[h.index[key]]
		switch object := found[i]; {
		case unread[i] != nil && besides[key] && refusal.LacksRight(unread[i]):
			h.skip(key, unread[i])
		case unread[i] != nil:
			if !slices.Contains(problems, unread[i]) {
				problems = append(problems, unread[i])
			}
		case object == nil || object.DeletionTimestamp != nil, entry.UID != "" && entry.UID != object.UID:
			if entry.Role == release.Regular {
				missing = append(missing, ref)
			}
		case own.NotHelms(object.Labels, object.Annotations) != "" && entry.UID == "" && kinds.IsDefinition(entry.GroupKind()):
			// Helm has applied it for several releases, and marked it for none.
			h.Emit(Warning, Outcome{Message: (&NotHelmsError{ref, own.NotHelms(object.Labels, object.Annotations)}).Error() + "; it is not taken over"})
		case own.NotHelms(object.Labels, object.Annotations) != "":
			problems = append(problems, &NotHelmsError{Ref: ref, Owner: own.NotHelms(object.Labels, object.Annotations)})
		default:
			h.live[key] = live{uid: object.UID}
			if entry.UID == "" {
				entry.UID, entry.Origin = object.UID, release.Adopted
				// A new record is written whole.
				h.stale = h.stale || h.release.ResourceVersion != ""
			}
		}
	}
	if len(missing) > 0 {
		h.Emit(Warning, Outcome{Message: "not found, or replaced by another object: " + words.List(titles(missing), words.Many)})
	}
	if h.plan.Operation == release.OperationAdopt {
		h.dropAbsentDefinitions()
	}
	return problems
}

// besides are the definitions that Helm has applied beside its manifest.
func (h *handover) besides() map[kinds.Key]bool {
	found := map[kinds.Key]bool{}
	for _, step := range h.plan.Steps {
		for _, handover := range step.Handovers {
			found[handover.Entry.Key()] = handover.Beside
		}
	}
	return found
}

// find finds objects, and says of each why it was not looked for; nil where it was.
func (h *handover) find(ctx context.Context, refs []corev1.ObjectReference) (found []*metav1.PartialObjectMetadata, unread []error) {
	found, err := h.finder.Find(ctx, refs)
	switch {
	case err == nil:
		return found, make([]error, len(refs))
	case !refusal.LacksRight(err):
		return make([]*metav1.PartialObjectMetadata, len(refs)), slices.Repeat([]error{notLooked(err)}, len(refs))
	}
	return h.findByKind(ctx, refs)
}

// findByKind is find where the right to some kinds may be missing.
func (h *handover) findByKind(ctx context.Context, refs []corev1.ObjectReference) (found []*metav1.PartialObjectMetadata, unread []error) {
	found, unread = make([]*metav1.PartialObjectMetadata, len(refs)), make([]error, len(refs))
	places := map[schema.GroupVersionKind][]int{}
	for i, ref := range refs {
		places[kinds.Of(ref)] = append(places[kinds.Of(ref)], i)
	}
	for _, ofKind := range places {
		var some []corev1.ObjectReference
		for _, i := range ofKind {
			some = append(some, refs[i])
		}
		seen, err := h.finder.Find(ctx, some)
		err = notLooked(err)
		for j, i := range ofKind {
			if unread[i] = err; err == nil {
				found[i] = seen[j]
			}
		}
	}
	return found, unread
}

// notLooked is the error of not having found out what is on the cluster; nil for none.
func notLooked(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("looking for the objects of the release: %w", err)
}

// dropAbsentDefinitions takes definitions off the inventory that are not there, or are another release's.
func (h *handover) dropAbsentDefinitions() {
	h.release.Inventory = slices.DeleteFunc(h.release.Inventory, func(entry release.Entry) bool {
		return entry.UID == "" && kinds.IsDefinition(entry.GroupKind())
	})
	h.index = release.Index(h.release.Inventory)
}

// present are the handovers of a step whose objects are there, with their UIDs.
func (h *handover) present(step plan.Step) []plan.Handover {
	var found []plan.Handover
	for _, handover := range step.Handovers {
		if seen, there := h.live[handover.Entry.Key()]; there {
			handover.Entry.UID = seen.uid
			found = append(found, handover)
		}
	}
	return found
}

func asKube(handovers []plan.Handover) []kube.Handover {
	converted := make([]kube.Handover, len(handovers))
	for i, handover := range handovers {
		converted[i] = kube.Handover{Ref: handover.Entry.Reference(), Labels: handover.Labels, Annotations: handover.Annotations}
	}
	return converted
}

// managers say who has the fields of the objects, and who gets them.
func (h *handover) managers() kube.Managers {
	if h.plan.Operation == release.OperationAdopt {
		return kube.Managers{To: kube.OwnManager, Sign: plan.AnnotationHelmRelease, From: kube.HelmManager}
	}
	return kube.Managers{To: kube.HelmManager, From: kube.OwnManager}
}

// HandOver hands the objects of a step over. A command of Helm's that had read its records before they were hidden may have made
// another one since, and have applied its own objects meanwhile.
func (h *handover) HandOver(ctx context.Context, step plan.Step) error {
	handovers := h.present(step)
	err := h.cluster.HandOver(ctx, asKube(handovers), h.managers(), func(i int, err error) { h.handedOver(handovers[i], err) })
	if err != nil || h.plan.Operation != release.OperationAdopt {
		return err
	}
	return h.store.CheckHidden(ctx, h.release.Namespace, h.release.Name)
}

// handedOver reports what became of an object. What is gone, or another one, is nobody's to be handed over.
func (h *handover) handedOver(handover plan.Handover, err error) {
	object := eventObject(handover.Entry.Reference())
	switch moved := errors.Is(err, refusal.ErrGone) || errors.Is(err, refusal.ErrReplaced); {
	case moved:
		h.Emit(Warning, Outcome{Message: handover.Entry.Key().String() + ": " + err.Error()})
	case err != nil:
		h.Emit(ObjectHandedOver, Outcome{Object: object, Result: ResultFailed, Message: err.Error()})
	default:
		h.Emit(ObjectHandedOver, Outcome{Object: object, Result: h.result()})
	}
}

// result is what becomes of an object that changes hands.
func (h *handover) result() Result {
	if h.plan.Operation == release.OperationAdopt {
		return ResultAdopted
	}
	return ResultHandedOver
}

// WriteHelm has Helm find the release, or find it no more.
func (h *handover) WriteHelm(ctx context.Context, step plan.Step) error {
	return h.store.PutHelm(ctx, step.Records)
}
