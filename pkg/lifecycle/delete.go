package lifecycle

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
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
		targets = append(targets, kube.Deletion{Ref: entry.Reference(), Propagation: propagationOf(entry)})
	}
	x.forget(gone)
	return x.remove(ctx, targets, "")
}

// propagationOf waits for the Pods of a hook, which may still run; all else goes in the background.
func propagationOf(entry release.Entry) metav1.DeletionPropagation {
	return propagation(entry.Role != release.HookRun || !hook.RunsPods(entry.Group, entry.Kind))
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

// forget notes that objects are confirmed to be gone. Their entries stay until the end, because a later step may make
// them again and the inventory must name them before it does.
func (x *execution) forget(gone map[manifest.Key]bool) {
	for key := range gone {
		delete(x.live, key)
		x.gone[key] = true
		if i, found := x.index[key]; found {
			entry := &x.plan.Release.Inventory[i]
			entry.UID, entry.Origin, entry.Hash, entry.Generation, entry.ResourceVersion = "", "", "", 0, ""
			x.stale = true
		}
	}
}

// shrink takes what is confirmed to be gone off the inventory.
func (x *execution) shrink() {
	if len(x.gone) == 0 {
		return
	}
	x.plan.Release.Inventory = slices.DeleteFunc(x.plan.Release.Inventory, func(entry release.Entry) bool { return x.gone[keyOf(entry)] })
	x.index = indexOf(x.plan.Release.Inventory)
	x.stale = true
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
