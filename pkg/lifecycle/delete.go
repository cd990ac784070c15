package lifecycle

import (
	"context"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// delete deletes what is still there and belongs to the release, and takes it off the inventory once it is gone.
func (x *execution) delete(ctx context.Context, step Step) error {
	var targets []kube.Deletion
	gone := map[manifest.Key]bool{}
	for _, entry := range step.Entries {
		key := keyOf(entry)
		found, live := x.live[key]
		if !live {
			gone[key] = true
			continue
		}
		entry.UID = found.uid
		targets = append(targets, kube.Deletion{Ref: entry.Reference()})
	}
	x.forget(gone)
	return x.remove(ctx, targets, "")
}

// keep says what is left in place.
func (x *execution) keep(step Step) {
	for _, entry := range step.Entries {
		if found, live := x.live[keyOf(entry)]; live {
			entry.UID = found.uid
			x.emit(ObjectKept, Outcome{Object: eventObject(entry.Reference()), Result: "kept"})
		}
	}
}

// remove deletes objects, waits until they are gone and takes them off the inventory. phase is that of hooks; else empty.
func (x *execution) remove(ctx context.Context, targets []kube.Deletion, phase string) error {
	gone := map[manifest.Key]bool{}
	err := x.Cluster.Delete(ctx, targets, func(i int, elapsed time.Duration, err error) {
		outcome := Outcome{
			Phase: phase, Object: eventObject(targets[i].Ref), Result: "deleted", ElapsedMS: milliseconds(elapsed),
		}
		if err != nil {
			outcome.Result, outcome.Message = "Failed", err.Error()
		} else {
			gone[manifest.KeyOf(targets[i].Ref)] = true
		}
		x.emit(ObjectDeleted, outcome)
	})
	x.forget(gone)
	return err
}

// forget takes objects that are confirmed to be gone off the inventory.
func (x *execution) forget(gone map[manifest.Key]bool) {
	if len(gone) == 0 {
		return
	}
	x.stale = true
	var kept []release.Entry
	for _, entry := range x.plan.Release.Inventory {
		if !gone[keyOf(entry)] {
			kept = append(kept, entry)
		}
	}
	x.plan.Release.Inventory = kept
	x.index = indexOf(kept)
	for key := range gone {
		delete(x.live, key)
	}
}

func keyOf(entry release.Entry) manifest.Key {
	return manifest.Key{Group: entry.Group, Kind: entry.Kind, Namespace: entry.Namespace, Name: entry.Name}
}

// indexOf says where in an inventory each object stands.
func indexOf(inventory []release.Entry) map[manifest.Key]int {
	index := make(map[manifest.Key]int, len(inventory))
	for i, entry := range inventory {
		index[keyOf(entry)] = i
	}
	return index
}
