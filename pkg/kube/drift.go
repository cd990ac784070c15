package kube

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/drift"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// Drift tells what of some objects, as they were applied, is not on the cluster any more: those that differ, in the order of
// objects. Each is read, and submitted as a dry-run that takes all its fields, atOnce at a time: what that would change is what
// differs. What an autoscaler has set is left out, where the autoscalers of the namespace may be listed. The error joins those of
// the objects that cannot be compared, in their order, and there may be objects that differ besides.
func (c *Cluster) Drift(ctx context.Context, objects []*unstructured.Unstructured) ([]drift.Object, error) {
	ctx = quiet(ctx)
	compared := make([]drift.Object, len(objects))
	err := each(ctx, len(objects), atOnce, func(i int) (err error) {
		if compared[i], err = c.api.drift(ctx, objects[i]); err != nil {
			err = fmt.Errorf("comparing %s: %w", kinds.NameOf(kinds.RefOf(objects[i])), refusal.WithoutSecrets(objects[i], err))
		}
		return err
	})
	compared = c.api.withoutScaled(ctx, compared)
	return slices.DeleteFunc(compared, func(object drift.Object) bool { return !object.Drifted() }), err
}

// drift compares one object.
func (c *connection) drift(ctx context.Context, object *unstructured.Unstructured) (drift.Object, error) {
	found := drift.Object{Ref: kinds.RefOf(object)}
	live, err := c.whole(ctx, found.Ref)
	if err != nil || live == nil {
		found.Missing = err == nil
		return found, err
	}
	answer := &unstructured.Unstructured{}
	_, err = applier{c}.Send(ctx, object, ApplyOptions{ForceConflicts: true, dryRun: true}, answer)
	switch {
	case err == nil:
		found.Fields, err = drift.Between(live, answer, fieldManager)
	case apierrors.IsInvalid(err):
		found.Refused = refusal.WithoutSecrets(object, refusal.Classify(found.Ref, err)).Error()
		guessed, failure := drift.Guess(live, object)
		if failure == nil && len(guessed) > 0 {
			found.Fields, err = guessed, nil
		}
	}
	return found, err
}

// withoutScaled leaves out what autoscalers have set. They are asked for in namespaces where one may have.
func (c *connection) withoutScaled(ctx context.Context, objects []drift.Object) []drift.Object {
	known := map[string][]unstructured.Unstructured{}
	for i, object := range objects {
		if !slices.ContainsFunc(object.Fields, drift.Field.Scaled) {
			continue
		}
		autoscalers, asked := known[object.Ref.Namespace]
		if !asked {
			autoscalers = c.autoscalers(ctx, object.Ref.Namespace)
			known[object.Ref.Namespace] = autoscalers
		}
		objects[i] = object.WithoutScaled(autoscalers)
	}
	return objects
}

// autoscalers are the HorizontalPodAutoscalers of a namespace; none where they cannot be listed, which is a notice.
func (c *connection) autoscalers(ctx context.Context, namespace string) []unstructured.Unstructured {
	mapping, err := c.kinds.Mapping(schema.GroupVersionKind{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"})
	if err != nil {
		return nil
	}
	list, err := c.Objects(mapping, namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		c.Lacks(err, right{"list", mapping.Resource.GroupResource(), namespace}, "what an autoscaler has set counts as changed")
		return nil
	}
	return list.Items
}
