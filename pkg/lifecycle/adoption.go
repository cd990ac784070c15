package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// AdoptedError is an object that cannot be changed in place and is not recreated, because it was adopted by an operation
// that has not succeeded yet: what is deleted cannot be given back.
type AdoptedError struct{ Err error }

// Error says what cannot be changed.
func (e *AdoptedError) Error() string {
	return e.Err.Error() + "; what is being adopted is not recreated"
}

// Unwrap returns Err.
func (e *AdoptedError) Unwrap() error { return e.Err }

// adoption adopts objects of others, and gives them back.
type adoption struct {
	*ledger
	journal *journal
	cluster adopter
	store   formerStore
	// preview says that nothing is written.
	preview bool
	// returned names the objects that were given back.
	returned []string
}

// TakeOver adopts what belongs to others, as the user asked for. What it is until then is recorded first, so that it can be
// given back even after a kill.
func (a *adoption) TakeOver(ctx context.Context, objects []manifest.Object) error {
	var refs []corev1.ObjectReference
	for _, object := range objects {
		ref := object.Reference()
		found := a.live[kinds.KeyOf(ref)]
		if found.foreign == "" {
			continue
		}
		if a.plan.IsUndo {
			return &ForeignError{Ref: ref, Owner: found.foreign}
		}
		refs = append(refs, ref)
	}
	if len(refs) == 0 {
		return nil
	}
	former, err := a.noteFormer(ctx, refs)
	if err == nil {
		err = a.store.AddFormer(ctx, a.release, former)
	}
	if err == nil {
		err = a.journal.RecordInventory(ctx)
	}
	if err != nil {
		return err
	}
	return a.cluster.TakeOver(ctx, refs)
}

// AdoptFound adopts what is on the cluster with the release's marks although no revision has made it: an object that
// outlived an earlier release of that name. Whether or not the work gets as far as applying it, the undo must leave it as
// it was. A revision that did not come to a good end may have made things without a record; these do not count.
func (a *adoption) AdoptFound(ctx context.Context) error {
	r := a.release
	if a.plan.IsUndo || a.plan.Course().Done != release.Deployed || r.ResourceVersion != "" {
		return nil
	}
	var refs []corev1.ObjectReference
	for _, entry := range r.Inventory {
		found, live := a.live[entry.Key()]
		if kinds.IsDefinition(entry.GroupKind()) {
			// It stays as it is applied in any case.
			continue
		}
		if live && found.foreign == "" && entry.Role == release.Regular && entry.Origin == "" && !entry.Provisional {
			refs = append(refs, entry.Reference())
		}
	}
	if len(refs) == 0 {
		return nil
	}
	_, err := a.noteFormer(ctx, refs)
	return err
}

// noteFormer notes in the release what objects are before they are adopted, and returns it; those that are gone meanwhile
// are skipped.
func (a *adoption) noteFormer(ctx context.Context, refs []corev1.ObjectReference) ([]release.Former, error) {
	objects, err := a.cluster.Snapshot(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("noting what is to be adopted: %w", err)
	}
	var noted []release.Former
	for i, object := range objects {
		key := kinds.KeyOf(refs[i])
		at, listed := a.index[key]
		if object == nil || !listed {
			continue
		}
		content, err := object.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("recording what %s is before it is adopted: %w", key, err)
		}
		former := release.Former{
			Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, Object: content,
			Owner: cmp.Or(a.live[key].foreign, plan.OwnerOf(a.release).String()),
		}
		a.release.SetFormer(former)
		noted = append(noted, former)
		entry := &a.release.Inventory[at]
		entry.Origin, entry.Provisional, entry.Returning, a.stale = release.Adopted, true, false, true
	}
	return noted, nil
}

// GiveBack makes adopted objects what they were, as recorded before their adoption, and takes them off the inventory. One
// that cannot be given back stays on it; the others do not wait for that.
func (a *adoption) GiveBack(ctx context.Context, entries []release.Entry) error {
	entries = slices.DeleteFunc(slices.Clone(entries), func(entry release.Entry) bool { return !a.IsProvisional(entry.Key()) })
	if len(entries) == 0 {
		return nil
	}
	if err := a.recordReturning(ctx, entries); err != nil {
		return err
	}
	returns := make([]kube.Return, len(entries))
	for i, entry := range entries {
		var err error
		if returns[i], err = a.returnOf(entry); err != nil {
			return err
		}
	}
	return a.cluster.GiveBack(ctx, returns, func(i int, err error) { a.givenBack(entries[i], err) })
}

// givenBack notes what became of one object. What is gone, or another one, is nobody's to be given back.
func (a *adoption) givenBack(entry release.Entry, err error) {
	key := entry.Key()
	outcome := Outcome{Object: eventObject(entry.Reference()), Result: ResultGivenBack, Message: a.givenBackTo(entry)}
	gone, stays := errors.Is(err, refusal.ErrGone) || errors.Is(err, refusal.ErrReplaced), errors.Is(err, kube.ErrContentStays)
	if err != nil && !gone && !stays {
		outcome.Result, outcome.Message = ResultFailed, err.Error()
		a.Emit(ObjectGivenBack, outcome)
		return
	}
	a.DropEntry(key)
	if gone {
		return
	}
	a.Emit(ObjectGivenBack, outcome)
	a.returned = append(a.returned, key.String())
	if stays {
		a.Emit(Warning, Outcome{Message: err.Error()})
	}
}

// recordReturning records that objects are given back, so that the next command completes that after a kill.
func (a *adoption) recordReturning(ctx context.Context, entries []release.Entry) error {
	for _, entry := range entries {
		listed := &a.release.Inventory[a.index[entry.Key()]]
		a.stale = a.stale || !listed.Returning
		listed.Returning = true
	}
	if a.release.ResourceVersion == "" {
		return nil
	}
	return a.journal.RecordInventory(ctx)
}

// returnOf says how an object of the inventory is given back.
func (a *adoption) returnOf(entry release.Entry) (kube.Return, error) {
	own := plan.OwnerOf(a.release)
	result := kube.Return{
		Ref: entry.Reference(), Owner: own.Namespace + "/" + own.Name, Marked: own.Named,
		Marks: []string{plan.LabelManagedBy, plan.LabelRelease, plan.AnnotationRelease, plan.AnnotationNamespace, plan.AnnotationPhase, plan.AnnotationRun, plan.AnnotationHash},
	}
	former := a.release.FormerOf(entry.Key())
	if former == nil || kinds.IsDefinition(entry.GroupKind()) {
		// An older definition would have objects of its kind, anybody's, lose fields.
		return result, nil
	}
	result.Before = &unstructured.Unstructured{}
	if err := result.Before.UnmarshalJSON(former.Object); err != nil {
		return result, fmt.Errorf("reading what %s was before it was adopted: %w", entry.Key(), err)
	}
	return result, nil
}

// givenBackTo says whose an object is again.
func (a *adoption) givenBackTo(entry release.Entry) string {
	former := a.release.FormerOf(entry.Key())
	switch {
	case former != nil && kinds.IsDefinition(entry.GroupKind()):
		return "it belongs to " + former.Owner + "; its content stays, as that of any definition"
	case former != nil:
		return "it belongs to " + former.Owner
	}
	return "there is no record of what it was, so that only the marks of this release are removed"
}

// CompleteReturns gives back what an earlier command was killed at: while it gave it back, or while it adopted it, so that
// it does not carry the release's marks although it is provisional. This comes before the preflight, as the end of what that
// command had recorded. Those of them that the plan may adopt again stay on the inventory.
func (a *adoption) CompleteReturns(ctx context.Context) error {
	entries := release.Provisional(a.release.Inventory)
	if a.plan.IsUndo || a.plan.Operation == release.OperationTest || len(entries) == 0 {
		return nil
	}
	refs := make([]corev1.ObjectReference, len(entries))
	for i, entry := range entries {
		refs[i] = entry.Reference()
		refs[i].UID = ""
	}
	found, err := a.cluster.Find(ctx, refs)
	if err != nil {
		return fmt.Errorf("looking for adopted objects: %w", err)
	}
	own := plan.OwnerOf(a.release)
	var half []release.Entry
	for i, entry := range entries {
		if entry.Returning || found[i] == nil || !own.Named(found[i]) {
			half = append(half, entry)
		}
	}
	if len(half) == 0 {
		return nil
	}
	if !a.preview {
		err = a.GiveBack(ctx, half)
	}
	return a.relist(half, err)
}

// relist has the inventory name those objects that were given back and that the plan applies, as if they had never been
// adopted. What could not be given back stays as it is; failure says why, which ends the operation where that has to write
// such an object.
func (a *adoption) relist(entries []release.Entry, failure error) error {
	planned := map[kinds.Key]bool{}
	for _, object := range plan.Objects(a.plan.Steps) {
		planned[object.Key()] = true
	}
	for _, entry := range entries {
		left := failure != nil && a.IsProvisional(entry.Key())
		if left && planned[entry.Key()] && !a.plan.Options.TakeOwnership {
			return fmt.Errorf("completing what an earlier command had begun: %w; with --take-ownership the release keeps it", failure)
		}
		if left {
			a.release.Inventory[a.index[entry.Key()]].Returning = false
			continue
		}
		a.DropEntry(entry.Key())
		if planned[entry.Key()] {
			entry.UID, entry.Origin, entry.Provisional, entry.Returning = "", "", false, false
			entry.ForgetState()
			a.release.Inventory = append(a.release.Inventory, entry)
		}
	}
	a.index = release.Index(a.release.Inventory)
	a.release.KeepFormer()
	if failure != nil {
		a.Emit(Warning, Outcome{Message: failure.Error()})
	}
	return nil
}
