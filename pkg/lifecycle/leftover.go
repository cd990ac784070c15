package lifecycle

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// hasSucceeded reports whether the hook that an object was made for came to a good end. It may still run, because its hook
// was done before it: its conditions held.
func (r *hookRunner) hasSucceeded(object *unstructured.Unstructured, entry release.Entry) bool {
	return entry.Done && entry.UID == object.GetUID() || release.HasSucceeded(r.plan.Journal, object.GetUID())
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

// EndLeftovers sees to it that no hook of an earlier command runs any more before the operation does anything. None counts as
// run for the operation, because it may have seen another state of the release; save for one that was resumed, whose own
// hooks these are. One of a phase before the work that the plan has just as it was is awaited first, because a migration
// should not be cut off. All others are deleted, with their Pods. They are only looked for where the newest revision says
// that something went wrong.
func (r *hookRunner) EndLeftovers(ctx context.Context) error {
	if !r.plan.MayHaveLeftovers {
		return nil
	}
	found, err := r.fates(ctx)
	if err != nil {
		return err
	}
	for _, l := range found.others {
		if err := r.deleteLeftover(ctx, l); err != nil {
			return err
		}
	}
	if err := r.awaitLeftovers(ctx, found.awaited); err != nil {
		return err
	}
	for _, l := range found.own {
		if err := r.takeUp(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// fates are the leftovers by what becomes of them: own are followed as the hooks that they are, awaited run to their end and then
// again, others are deleted.
type fates struct{ own, awaited, others []leftover }

// fates finds the leftovers and sorts them.
func (r *hookRunner) fates(ctx context.Context) (sorted fates, err error) {
	found, err := r.leftovers(ctx)
	if err != nil {
		return sorted, fmt.Errorf("looking for hooks that an earlier command left running: %w", err)
	}
	for _, l := range found {
		switch {
		case r.isOwn(l):
			sorted.own = append(sorted.own, l)
		case r.isAwaited(l):
			sorted.awaited = append(sorted.awaited, l)
		default:
			sorted.others = append(sorted.others, l)
		}
	}
	return sorted, nil
}

// Foresee returns what becomes of the hooks of the plan that still run, by what EndLeftovers would do.
func (r *hookRunner) Foresee(ctx context.Context) (map[*unstructured.Unstructured]Result, error) {
	effects := map[*unstructured.Unstructured]Result{}
	if !r.plan.MayHaveLeftovers {
		return effects, nil
	}
	found, err := r.fates(ctx)
	for _, l := range found.own {
		effects[l.equal.Object.Unstructured] = ResultAwaited
	}
	for _, l := range found.awaited {
		effects[l.equal.Object.Unstructured] = ResultAwaitedAndReplaced
	}
	return effects, err
}

// leftovers finds what may be on the cluster by the inventory. Kinds that have no end of their own are skipped: what
// they made may be in use.
func (r *hookRunner) leftovers(ctx context.Context) ([]leftover, error) {
	var found []leftover
	for _, entry := range r.release.Inventory {
		if entry.MadeAs() != release.HookRun || !kinds.RunsPods(entry.GroupKind()) {
			continue
		}
		ref := entry.Reference()
		content, err := r.cluster.Lookup(ctx, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
		if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{Object: content}
		if len(content) == 0 || health.Finished(object) || r.ClaimOn(object, entry.Key()) != ours || r.hasSucceeded(object, entry) {
			continue
		}
		phases := append([]string{object.GetAnnotations()[plan.AnnotationPhase]}, entry.Phases...)
		found = append(found, leftover{object: object, phase: cmp.Or(phases...), equal: r.equal(object)})
	}
	return found, nil
}

// equal returns the hook of the plan that an object was made for, if it is still just that, and so is what was applied early
// for it; else nil.
func (r *hookRunner) equal(object *unstructured.Unstructured) *plan.Hook {
	annotations := object.GetAnnotations()
	for _, step := range r.plan.Steps {
		for _, h := range step.Hooks {
			made := manifest.Object{Unstructured: object}.Key() == h.Object.Key()
			if made && annotations[plan.AnnotationPhase] == string(h.Phase) && annotations[plan.AnnotationHash] == r.journal.Hook(h).Hash && !r.HasRun(h) {
				return &h
			}
		}
	}
	return nil
}

// isOwn reports whether a leftover was started by the operation itself, before it was resumed.
func (r *hookRunner) isOwn(l leftover) bool {
	if !r.plan.Resumed || l.equal == nil || l.object.GetDeletionTimestamp() != nil {
		return false
	}
	record := r.plan.Earlier.Record(*l.equal)
	return record != nil && record.StartedAt != nil && (record.UID == "" || record.UID == l.object.GetUID())
}

// isAwaited reports whether a leftover is awaited before it counts for nothing. A test has no work after it.
func (r *hookRunner) isAwaited(l leftover) bool {
	return l.equal != nil && l.object.GetDeletionTimestamp() == nil &&
		l.equal.Phase == r.plan.Course().Before && l.equal.Phase != hook.Test
}

// takeUp follows a leftover of the operation itself as the hook that it is.
func (r *hookRunner) takeUp(ctx context.Context, l leftover) error {
	r.live[l.key()] = live{uid: l.object.GetUID(), resourceVersion: l.object.GetResourceVersion(), hook: true, adopt: true}
	failure := r.runHook(ctx, *l.equal, place{})
	if failure != nil {
		r.cleanUp(ctx, []plan.Hook{*l.equal}, []error{failure})
	}
	return failure
}

// awaitLeftovers waits until leftovers have ended, up to half of the time that is left for all of them, and deletes what
// still runs then. How they ended is said and decides nothing.
func (r *hookRunner) awaitLeftovers(ctx context.Context, awaited []leftover) error {
	limited, cancel := halfOf(ctx, r.clock())
	defer cancel()
	for _, l := range awaited {
		if err := r.awaitLeftover(limited, l); err != nil {
			return err
		}
		if err := ended(ctx); err != nil {
			return fmt.Errorf("waiting for %s, which an earlier command left running: %w", l.key(), err)
		}
		ref := manifest.Object{Unstructured: l.object}.Reference()
		content, err := r.cluster.Lookup(ctx, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
		if err != nil {
			return fmt.Errorf("checking hooks that an earlier command left running: %w", err)
		}
		now := &unstructured.Unstructured{Object: content}
		if len(content) == 0 || health.Finished(now) || now.GetUID() != l.object.GetUID() {
			continue
		}
		if err := r.deleteLeftover(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// awaitLeftover waits until a leftover has ended, and says how. The error is about the hook's own annotations.
func (r *hookRunner) awaitLeftover(ctx context.Context, l leftover) error {
	h := *l.equal
	limited, cancel := withTimeout(ctx, h.Timeout)
	defer cancel()
	run, err := r.hookRun(h)
	if err != nil {
		return err
	}
	run.Object, r.suspended = l.object, false
	limit := ""
	if deadline, ok := limited.Deadline(); ok {
		limit = "up to " + words.Duration(deadline.Sub(r.clock())) + " "
	}
	r.Warn(h.Phase, "waiting %sfor %s, which an earlier command left running; %s runs again after it", limit, l.key(), h.Title)
	outcome, err := r.cluster.FollowHook(limited, run, func(progress kube.HookProgress) { r.progress(h, progress) })
	switch {
	case err == nil && outcome.Succeeded:
		r.Warn(h.Phase, "%s, which an earlier command left running, succeeded; %s runs again", l.key(), h.Title)
	case err == nil:
		r.Warn(h.Phase, "%s, which an earlier command left running, failed: %s; %s runs again", l.key(), outcome.Message, h.Title)
	case limited.Err() != nil:
		r.Warn(h.Phase, "%s, which an earlier command left running, has not finished in time", l.key())
	default:
		r.Warn(h.Phase, "%s, which an earlier command left running, cannot be followed: %v", l.key(), err)
	}
	return nil
}

// deleteLeftover deletes a leftover and waits until its Pods are gone, too. An undo waits half of its time at most: a
// Pod may take longer to end than the undo may take, and the release must be put back all the same.
func (r *hookRunner) deleteLeftover(ctx context.Context, l leftover) error {
	who := "an earlier command"
	if r.plan.IsUndo {
		who = "the failed operation"
	}
	r.Warn(hook.Phase(l.phase), "%s, which %s left running, is deleted", l.key(), who)
	ref := manifest.Object{Unstructured: l.object}.Reference()
	ref.UID = l.object.GetUID()
	limited, cancel := ctx, context.CancelFunc(func() {})
	if r.plan.IsUndo {
		limited, cancel = halfOf(ctx, r.clock())
	}
	defer cancel()
	err := r.objects.Remove(limited, []kube.Deletion{{Ref: ref, Propagation: propagation(false)}}, Outcome{Phase: l.phase})
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && limited.Err() != nil:
		r.Warn(hook.Phase(l.phase), "%v; the rollback continues", err)
		r.LeaveEnding(l.key())
		return nil
	}
	return fmt.Errorf("deleting what %s left running: %w", who, err)
}
