package lifecycle

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// hasSucceeded reports whether the hook that an object was made for came to a good end. It may still run, because its hook
// was done before it: its conditions held.
func (x *execution) hasSucceeded(object *unstructured.Unstructured, entry release.Entry) bool {
	return entry.Done && entry.UID == object.GetUID() || release.HasSucceeded(x.plan.Journal, object.GetUID())
}

// leftover is the object of a hook that an earlier command left running, because it was killed, interrupted or out of time.
type leftover struct {
	object *unstructured.Unstructured
	// phase is the one that it was made for, as it says itself.
	phase string
	// equal is the hook of the plan that would do just the same; nil where there is none.
	equal *plan.Hook
}

func (l leftover) key() kinds.Key {
	return manifest.Object{Unstructured: l.object}.Key()
}

// endLeftovers sees to it that no hook of an earlier command runs any more before the operation does anything. None counts as
// run for the operation, because it may have seen another state of the release; save for one that was resumed, whose own
// hooks these are. One of a phase before the work that the plan has just as it was is awaited first, because a migration
// should not be cut off. All others are deleted, with their Pods. They are only looked for where the newest revision says
// that something went wrong.
func (x *execution) endLeftovers(ctx context.Context) error {
	if !x.plan.Troubled {
		return nil
	}
	found, err := x.leftovers(ctx)
	if err != nil {
		return fmt.Errorf("looking for hooks that an earlier command left running: %w", err)
	}
	var awaited, own []leftover
	for _, l := range found {
		switch {
		case x.isOwn(l):
			own = append(own, l)
		case x.isAwaited(l):
			awaited = append(awaited, l)
		default:
			err = x.deleteLeftover(ctx, l)
		}
		if err != nil {
			return err
		}
	}
	if err := x.awaitLeftovers(ctx, awaited); err != nil {
		return err
	}
	for _, l := range own {
		if err := x.takeUp(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// leftovers finds what may be on the cluster by the inventory. Kinds that have no end of their own are not looked at: what
// they made may be in use.
func (x *execution) leftovers(ctx context.Context) ([]leftover, error) {
	var found []leftover
	for _, entry := range x.release.Inventory {
		if entry.MadeAs() != release.HookRun || !kinds.RunsPods(entry.GroupKind()) {
			continue
		}
		ref := entry.Reference()
		content, err := x.Cluster.Lookup(ctx, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{Object: content}
		if len(content) == 0 || kube.Finished(object) || x.claimOn(object, entry.Key()) != ours || x.hasSucceeded(object, entry) {
			continue
		}
		phases := append([]string{object.GetAnnotations()[plan.AnnotationPhase]}, entry.Phases...)
		found = append(found, leftover{object: object, phase: cmp.Or(phases...), equal: x.equal(object)})
	}
	return found, nil
}

// equal returns the hook of the plan that an object was made for, if it is still just that, and so is what was applied early
// for it; else nil.
func (x *execution) equal(object *unstructured.Unstructured) *plan.Hook {
	annotations := object.GetAnnotations()
	for _, step := range x.plan.Steps {
		for _, h := range step.Hooks {
			made := manifest.Object{Unstructured: object}.Key() == h.Object.Key()
			if made && annotations[plan.AnnotationPhase] == string(h.Phase) && annotations[plan.AnnotationHash] == x.record(h).Hash && !x.hasRun(h) {
				return &h
			}
		}
	}
	return nil
}

// isOwn reports whether a leftover was started by the operation itself, before it was resumed.
func (x *execution) isOwn(l leftover) bool {
	if !x.plan.Resumed || l.equal == nil || l.object.GetDeletionTimestamp() != nil {
		return false
	}
	record := x.plan.Earlier.Record(*l.equal)
	return record != nil && record.StartedAt != nil && (record.UID == "" || record.UID == l.object.GetUID())
}

// isAwaited reports whether a leftover is awaited before it counts for nothing. A test has no work after it.
func (x *execution) isAwaited(l leftover) bool {
	return l.equal != nil && l.object.GetDeletionTimestamp() == nil &&
		l.equal.Phase == x.plan.Course().Before && l.equal.Phase != hook.Test
}

// takeUp follows a leftover of the operation itself as the hook that it is.
func (x *execution) takeUp(ctx context.Context, l leftover) error {
	x.live[l.key()] = live{uid: l.object.GetUID(), resourceVersion: l.object.GetResourceVersion(), hook: true, adopt: true}
	failure := x.runHook(ctx, *l.equal)
	if failure != nil {
		x.cleanUp(ctx, []plan.Hook{*l.equal}, []error{failure})
	}
	return failure
}

// awaitLeftovers waits until leftovers have ended, up to half of the time that is left for all of them, and deletes what
// still runs then. How they ended is said and decides nothing.
func (x *execution) awaitLeftovers(ctx context.Context, awaited []leftover) error {
	limited, cancel := halfOf(ctx, x.clock())
	defer cancel()
	for _, l := range awaited {
		if err := x.awaitLeftover(limited, l); err != nil {
			return err
		}
		if err := ended(ctx); err != nil {
			return fmt.Errorf("waiting for %s, which an earlier command left running: %w", l.key(), err)
		}
		ref := manifest.Object{Unstructured: l.object}.Reference()
		content, err := x.Cluster.Lookup(ctx, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
		if err != nil {
			return fmt.Errorf("looking at what an earlier command left running: %w", err)
		}
		now := &unstructured.Unstructured{Object: content}
		if len(content) == 0 || kube.Finished(now) || now.GetUID() != l.object.GetUID() {
			continue
		}
		if err := x.deleteLeftover(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// awaitLeftover waits until a leftover has ended, and says how. The error is about the hook's own annotations.
func (x *execution) awaitLeftover(ctx context.Context, l leftover) error {
	h := *l.equal
	limited, cancel := WithTimeout(ctx, h.Timeout)
	defer cancel()
	run, err := x.hookRun(h)
	if err != nil {
		return err
	}
	run.Object, x.suspended = l.object, false
	limit := ""
	if deadline, ok := limited.Deadline(); ok {
		limit = "up to " + rounded(deadline.Sub(x.clock())).String() + " "
	}
	x.warn(h.Phase, "waiting %sfor %s, which an earlier command left running; %s runs again after it", limit, l.key(), h.Title)
	outcome, err := x.Cluster.FollowHook(limited, run, func(progress kube.HookProgress) { x.progress(h, progress) })
	switch {
	case err == nil && outcome.Succeeded:
		x.warn(h.Phase, "%s, which an earlier command left running, succeeded; %s runs again", l.key(), h.Title)
	case err == nil:
		x.warn(h.Phase, "%s, which an earlier command left running, failed: %s; %s runs again", l.key(), outcome.Message, h.Title)
	case limited.Err() != nil:
		x.warn(h.Phase, "%s, which an earlier command left running, has not finished in time", l.key())
	default:
		x.warn(h.Phase, "%s, which an earlier command left running, cannot be followed: %v", l.key(), err)
	}
	return nil
}

// deleteLeftover deletes a leftover and waits until its Pods are gone, too. The way back waits half of its time at most: a
// Pod may take longer to end than the way back may take, and the release must be put back all the same.
func (x *execution) deleteLeftover(ctx context.Context, l leftover) error {
	who := "an earlier command"
	if x.plan.IsUndo {
		who = "the failed operation"
	}
	x.warn(hook.Phase(l.phase), "%s, which %s left running, is deleted", l.key(), who)
	ref := manifest.Object{Unstructured: l.object}.Reference()
	ref.UID = l.object.GetUID()
	limited, cancel := ctx, context.CancelFunc(func() {})
	if x.plan.IsUndo {
		limited, cancel = halfOf(ctx, x.clock())
	}
	defer cancel()
	err := x.remove(limited, []kube.Deletion{{Ref: ref, Propagation: propagation(false)}}, l.phase)
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && limited.Err() != nil:
		x.warn(hook.Phase(l.phase), "%v; the way back goes on", err)
		x.leaveEnding(l.key())
		return nil
	}
	return fmt.Errorf("deleting what %s left running: %w", who, err)
}

// stamped returns the object of a hook as it is applied: with what tells a later command which run made it, of what.
func (x *execution) stamped(h plan.Hook) *unstructured.Unstructured {
	object := h.Object.DeepCopy()
	annotations := object.GetAnnotations()
	annotations[plan.AnnotationRun], annotations[plan.AnnotationHash] = x.release.Status.Writer, x.record(h).Hash
	object.SetAnnotations(annotations)
	return object
}
