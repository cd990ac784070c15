package plugin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// damage says what of a revision cannot be read.
func damage(r *release.Release, err error) error {
	return fmt.Errorf("release %s/%s revision %d: %w", r.Namespace, r.Name, r.Spec.Revision, err)
}

// state is the phase of a revision for people.
func state(r *release.Release) string {
	return cmp.Or(string(r.Status.Phase), "in a state that cannot be read")
}

// warnings prints each warning once. It is safe for concurrent use.
type warnings struct {
	out io.Writer

	mu   sync.Mutex
	said []string
	// holding tells that warnings are held back, and held are those that were since.
	holding bool
	held    []string
}

// warn prints a warning that was not printed yet, or holds it back.
func (w *warnings) warn(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if w.holding {
		w.held = append(w.held, text)
		return
	}
	w.print(text)
}

// print prints a warning that was not printed yet. The caller has the mutex.
func (w *warnings) print(text string) {
	if !slices.Contains(w.said, text) {
		w.said = append(w.said, text)
		_, _ = fmt.Fprintln(w.out, "warning: "+text)
	}
}

// hold holds warnings back from now on, and drops those that are held back.
func (w *warnings) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holding, w.held = true, nil
}

// release prints what was held back, and holds back no more.
func (w *warnings) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.held {
		w.print(text)
	}
	w.holding, w.held = false, nil
}

// warnOfGaps says which revisions of a history cannot be read.
func (t *target) warnOfGaps(history release.History) {
	for _, r := range history {
		if err := r.Record.Damage.Head; err != nil {
			t.warnings.warn("revision %d is left out of the history of release %s: %v", r.Spec.Revision, r.Name, err)
		}
	}
}

// salvage returns what can be read of a revision of a history.
func (t *target) salvage(ctx context.Context, listed *release.Release) (*release.Release, error) {
	return t.store.Salvage(ctx, listed.Namespace, listed.Name, listed.Spec.Revision)
}

// before returns the newest revision of a history for an operation that goes on from it, as far as it can be read, and says
// what cannot, but for the content: some operations cannot do without it. Where its inventory cannot be read whole, it has
// what all inventories together and its manifest name.
func (t *target) before(ctx context.Context, history release.History) (*release.Release, error) {
	found, err := t.salvage(ctx, history.Newest())
	if err != nil {
		return nil, err
	}
	for _, err := range []error{found.Record.Damage.Head, found.Record.Damage.Status} {
		if err != nil {
			t.warnings.warn("%v; going on as after a failed revision", damage(found, err))
		}
	}
	return found, t.completeInventory(ctx, found, history)
}

// doWithout says that an operation goes on from a revision whose content cannot be read, where that is so.
func (t *target) doWithout(newest *release.Release) {
	if newest == nil || newest.Record.Damage.Content == nil {
		return
	}
	t.warnings.warn("%v; going on as after a failed revision, without its hooks", damage(newest, newest.Record.Damage.Content))
}

// completeInventory adds to the inventory of a revision, where that cannot be read whole, what is known from elsewhere, and
// says so.
func (t *target) completeInventory(ctx context.Context, r *release.Release, history release.History) error {
	lost := r.Record.Damage
	if lost.Inventory == nil {
		return nil
	}
	t.warnings.warn("%v; going on with what the inventories that can be read name", damage(r, lost.Inventory))
	t.incomplete = r
	var others [][]release.Entry
	for _, listed := range slices.Backward(history) {
		if listed.Spec.Revision == r.Spec.Revision {
			continue
		}
		found, err := t.salvage(ctx, listed)
		if err != nil {
			return err
		}
		others = append(others, found.Inventory)
	}
	request := plan.Request{Release: r}
	if lost.Content == nil {
		if err := t.complete(&request); err != nil {
			return err
		}
	}
	return plan.CompleteInventory(request, others...)
}

// nameMarked names what carries the marks of a release whose inventory cannot be read, and is not part of a plan.
func (t *target) nameMarked(ctx context.Context, planned plan.Plan) {
	r := t.incomplete
	if r == nil {
		return
	}
	t.incomplete = nil
	objects, err := t.cluster.Labelled(ctx, r.Namespace, plan.MarkSelector(r))
	if err != nil {
		t.warnings.warn("looking for objects with the marks of release %s: %v", r.Name, err)
	}
	known := map[kinds.Key]bool{}
	for _, entry := range planned.Release.Inventory {
		known[entry.Key()] = true
	}
	var unknown string
	for _, object := range objects {
		key := kinds.KeyOf(corev1.ObjectReference{
			APIVersion: object.APIVersion, Kind: object.Kind, Namespace: object.Namespace, Name: object.Name,
		})
		if plan.IsMarked(object, r) && !known[key] {
			unknown += "\n  " + key.String()
		}
	}
	if unknown != "" {
		t.warnings.warn("these objects carry the marks of release %s, but no inventory that can be read names them; they are left alone:%s", r.Name, unknown)
	}
}
