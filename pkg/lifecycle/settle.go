package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// settle deals with hooks that an earlier command left running, because it was killed, interrupted or out of time: no other
// hook may run beside them. One that this plan has just as it was is awaited as if this run had started it; any other is
// deleted, with its Pods. It is only looked for where the newest revision says that something went wrong.
func (x *execution) settle(ctx context.Context) error {
	if !x.plan.Troubled {
		return nil
	}
	for _, entry := range x.plan.Release.Inventory {
		if entry.Role != release.HookRun || !hook.RunsPods(entry.Group, entry.Kind) {
			continue
		}
		if err := x.settleOne(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) settleOne(ctx context.Context, entry release.Entry) error {
	ref := entry.Reference()
	content, err := x.Cluster.Lookup(ctx, ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
	if err != nil {
		return fmt.Errorf("looking for hooks that an earlier command left running: %w", err)
	}
	object := &unstructured.Unstructured{Object: content}
	if len(content) == 0 || kube.Finished(object) || !ownerOf(x.plan.Release).owns(object) {
		return nil
	}
	key := manifest.KeyOf(ref)
	if h := x.same(object); h != nil && object.GetDeletionTimestamp() == nil {
		x.live[key] = live{uid: object.GetUID(), resourceVersion: object.GetResourceVersion(), hook: true, adopt: true}
		failure := x.runHook(ctx, *h)
		if failure != nil {
			x.cleanUp(ctx, []Hook{*h}, []error{failure})
		}
		return failure
	}
	ref.UID = object.GetUID()
	x.emit(Warning, Outcome{Message: fmt.Sprintf("%s, which an earlier command left running, is deleted", key)})
	deletion := kube.Deletion{Ref: ref, Propagation: propagation(false)}
	if err := x.remove(ctx, []kube.Deletion{deletion}, object.GetAnnotations()[AnnotationPhase]); err != nil {
		return fmt.Errorf("deleting what an earlier command left running: %w", err)
	}
	return nil
}

// same returns the hook of the plan that an object was made for, if it is still just that; else nil.
func (x *execution) same(object *unstructured.Unstructured) *Hook {
	annotations := object.GetAnnotations()
	for _, step := range x.plan.Steps {
		for _, h := range step.Hooks {
			made := manifest.KeyOf(manifest.Object{Unstructured: object}.Reference()) == manifest.KeyOf(h.Object.Reference())
			if made && annotations[AnnotationPhase] == string(h.Phase) && annotations[AnnotationHash] == x.record(h).Hash {
				return &h
			}
		}
	}
	return nil
}

// stamped returns the object of a hook as it is applied: with what tells a later command which run made it, of what.
func (x *execution) stamped(h Hook) *unstructured.Unstructured {
	object := h.Object.DeepCopy()
	annotations := object.GetAnnotations()
	annotations[AnnotationRun], annotations[AnnotationHash] = x.plan.Release.Status.Writer, x.record(h).Hash
	object.SetAnnotations(annotations)
	return object
}

// troubled reports whether a revision did not come to a good end, or a hook of it did not; nil is none.
func troubled(r *release.Release) bool {
	if r == nil {
		return false
	}
	switch r.Status.Phase {
	case release.Deployed, release.Superseded, release.Uninstalled:
		return slices.ContainsFunc(r.Status.Hooks, func(h release.Hook) bool {
			return h.State == release.HookFailed || h.State == release.HookRunning
		})
	}
	return true
}
