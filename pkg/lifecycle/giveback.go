package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// giveBack makes adopted objects what they were, as recorded before their adoption, and takes them off the inventory. One
// that cannot be given back stays on it; the others do not wait for that.
func (x *execution) giveBack(ctx context.Context, entries []release.Entry) error {
	entries = slices.DeleteFunc(slices.Clone(entries), func(entry release.Entry) bool { return !x.isProvisional(entry.Key()) })
	if len(entries) == 0 {
		return nil
	}
	if err := x.recordReturning(ctx, entries); err != nil {
		return err
	}
	returns := make([]kube.Return, len(entries))
	for i, entry := range entries {
		var err error
		if returns[i], err = x.returnOf(entry); err != nil {
			return err
		}
	}
	return x.Cluster.GiveBack(ctx, returns, func(i int, err error) { x.givenBack(entries[i], err) })
}

// givenBack notes what became of one object. What is gone, or another one, is nobody's to be given back.
func (x *execution) givenBack(entry release.Entry, err error) {
	key := entry.Key()
	outcome := Outcome{Object: eventObject(entry.Reference()), Result: "given back", Message: x.givenBackTo(entry)}
	gone, stays := errors.Is(err, kube.ErrGone) || errors.Is(err, kube.ErrReplaced), errors.Is(err, kube.ErrContentStays)
	if err != nil && !gone && !stays {
		outcome.Result, outcome.Message = "Failed", err.Error()
		x.emit(ObjectGivenBack, outcome)
		return
	}
	x.dropEntry(key)
	if gone {
		return
	}
	x.emit(ObjectGivenBack, outcome)
	x.returned = append(x.returned, key.String())
	if stays {
		x.emit(Warning, Outcome{Message: err.Error()})
	}
}

// recordReturning records that objects are given back, so that the next command completes that after a kill.
func (x *execution) recordReturning(ctx context.Context, entries []release.Entry) error {
	for _, entry := range entries {
		listed := &x.release.Inventory[x.index[entry.Key()]]
		x.stale = x.stale || !listed.Returning
		listed.Returning = true
	}
	if x.release.ResourceVersion == "" {
		return nil
	}
	return x.recordInventory(ctx)
}

// returnOf says how an object of the inventory is given back.
func (x *execution) returnOf(entry release.Entry) (kube.Return, error) {
	own := ownerOf(x.release)
	result := kube.Return{
		Ref: entry.Reference(), Owner: own.Namespace + "/" + own.Name, Marked: own.Named,
		Marks: []string{plan.LabelManagedBy, plan.LabelRelease, plan.AnnotationRelease, plan.AnnotationNamespace, plan.AnnotationPhase, plan.AnnotationRun, plan.AnnotationHash},
	}
	former := x.release.FormerOf(entry.Key())
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
func (x *execution) givenBackTo(entry release.Entry) string {
	former := x.release.FormerOf(entry.Key())
	switch {
	case former != nil && kinds.IsDefinition(entry.GroupKind()):
		return "it belongs to " + former.Owner + "; its content stays, as that of any definition"
	case former != nil:
		return "it belongs to " + former.Owner
	}
	return "there is no record of what it was, so that only the marks of this release are removed"
}

// completeReturns gives back what an earlier command was killed at: while it gave it back, or while it adopted it, so that
// it does not carry the release's marks although it is provisional. This comes before the preflight, as the end of what that
// command had recorded. Those of them that the plan may adopt again stay on the inventory.
func (x *execution) completeReturns(ctx context.Context) error {
	entries := release.Provisional(x.release.Inventory)
	if x.plan.IsUndo || x.plan.Operation == release.OperationTest || len(entries) == 0 {
		return nil
	}
	refs := make([]corev1.ObjectReference, len(entries))
	for i, entry := range entries {
		refs[i] = entry.Reference()
		refs[i].UID = ""
	}
	found, err := x.Cluster.Find(ctx, refs)
	if err != nil {
		return fmt.Errorf("looking for adopted objects: %w", err)
	}
	own := ownerOf(x.release)
	var half []release.Entry
	for i, entry := range entries {
		if entry.Returning || found[i] == nil || !own.Named(found[i]) {
			half = append(half, entry)
		}
	}
	if len(half) == 0 {
		return nil
	}
	if !x.rehearsal.all {
		err = x.giveBack(ctx, half)
	}
	return x.relist(half, err)
}

// relist has the inventory name those objects that were given back and that the plan applies, as if they had never been
// adopted. What could not be given back stays as it is; failure says why, which ends the operation where that has to write
// such an object.
func (x *execution) relist(entries []release.Entry, failure error) error {
	planned := map[kinds.Key]bool{}
	for _, object := range plan.Objects(x.plan.Steps) {
		planned[object.Key()] = true
	}
	for _, entry := range entries {
		left := failure != nil && x.isProvisional(entry.Key())
		if left && planned[entry.Key()] && !x.plan.Options.TakeOwnership {
			return fmt.Errorf("completing what an earlier command had begun: %w; with --take-ownership the release keeps it", failure)
		}
		if left {
			x.release.Inventory[x.index[entry.Key()]].Returning = false
			continue
		}
		x.dropEntry(entry.Key())
		if planned[entry.Key()] {
			entry.UID, entry.Origin, entry.Provisional, entry.Returning = "", "", false, false
			entry.ForgetState()
			x.release.Inventory = append(x.release.Inventory, entry)
		}
	}
	x.index = release.Index(x.release.Inventory)
	x.release.KeepFormer()
	if failure != nil {
		x.emit(Warning, Outcome{Message: failure.Error()})
	}
	return nil
}
