package lifecycle

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
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

// takeOver adopts what belongs to others, as the user asked for. What it is until then is recorded first, so that it can be
// given back even after a kill.
func (x *execution) takeOver(ctx context.Context, objects []manifest.Object) error {
	var refs []corev1.ObjectReference
	for _, object := range objects {
		ref := object.Reference()
		found := x.live[kinds.KeyOf(ref)]
		if found.foreign == "" {
			continue
		}
		if x.plan.IsUndo {
			return &ForeignError{Ref: ref, Owner: found.foreign}
		}
		refs = append(refs, ref)
	}
	if len(refs) == 0 {
		return nil
	}
	former, err := x.noteFormer(ctx, refs)
	if err == nil {
		err = x.Store.AddFormer(ctx, x.release, former)
	}
	if err == nil {
		err = x.recordInventory(ctx)
	}
	if err != nil {
		return err
	}
	return x.Cluster.TakeOver(ctx, refs)
}

// adoptFound adopts what is on the cluster with the release's marks although no revision has made it: an object that
// outlived an earlier release of that name. Whether or not the work gets as far as applying it, the undo must leave it as
// it was. A revision that did not come to a good end may have made things without a record; these do not count.
func (x *execution) adoptFound(ctx context.Context) error {
	r := x.release
	if x.plan.IsUndo || x.plan.Course().Done != release.Deployed || r.ResourceVersion != "" {
		return nil
	}
	var refs []corev1.ObjectReference
	for _, entry := range r.Inventory {
		found, live := x.live[entry.Key()]
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
	_, err := x.noteFormer(ctx, refs)
	return err
}

// noteFormer notes in the release what objects are before they are adopted, and returns it; those that are gone meanwhile
// are left out.
func (x *execution) noteFormer(ctx context.Context, refs []corev1.ObjectReference) ([]release.Former, error) {
	objects, err := x.Cluster.Snapshot(ctx, refs)
	if err != nil {
		return nil, err
	}
	var noted []release.Former
	for i, object := range objects {
		key := kinds.KeyOf(refs[i])
		at, listed := x.index[key]
		if object == nil || !listed {
			continue
		}
		content, err := object.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("recording what %s is before it is adopted: %w", key, err)
		}
		former := release.Former{
			Group: key.Group, Kind: key.Kind, Namespace: key.Namespace, Name: key.Name, Object: content,
			Owner: cmp.Or(x.live[key].foreign, ownerOf(x.release).String()),
		}
		x.release.SetFormer(former)
		noted = append(noted, former)
		entry := &x.release.Inventory[at]
		entry.Origin, entry.Provisional, entry.Returning, x.stale = release.Adopted, true, false, true
	}
	return noted, nil
}

// undeletable returns the hooks whose name has what belongs to others, and which would have to delete that: it could not be
// given back.
func (x *execution) undeletable() []error {
	var problems []error
	for _, step := range x.ahead() {
		for _, h := range step.Hooks {
			if err := x.mayDelete(h); err != nil && !x.hasRun(h) {
				problems = append(problems, err)
			}
		}
	}
	return problems
}

// makeFinal follows the last record: what an operation has adopted that succeeded is the release's from then on, to be
// deleted like all else of it; and where nothing is left to be given back, what it was is forgotten. If this is cut short,
// the next operation does it: see settled.
func (x *execution) makeFinal(ctx context.Context, succeeded bool) {
	r := x.release
	dropped := r.Status.Phase == release.Uninstalled && !x.plan.Options.KeepHistory
	if dropped || len(r.Former)+len(release.Provisional(r.Inventory)) == 0 {
		return
	}
	if succeeded && x.plan.Course().Done == release.Deployed {
		for i := range r.Inventory {
			x.stale = x.stale || r.Inventory[i].Provisional
			r.Inventory[i].Provisional, r.Inventory[i].Returning = false, false
		}
	}
	if err := detached(ctx, x.forgetFormer); err != nil {
		x.emit(Warning, Outcome{Message: "the record of what was adopted is not up to date, the next command does this: " + err.Error()})
	}
}

// forgetFormer records what is final, and removes what adopted objects were if nothing is left to be given back.
func (x *execution) forgetFormer(ctx context.Context) error {
	r := x.release
	if err := x.recordInventory(ctx); err != nil {
		return err
	}
	if r.KeepFormer(); len(r.Former) > 0 {
		return nil
	}
	return x.Store.DropFormer(ctx, r.Namespace, r.Name)
}
