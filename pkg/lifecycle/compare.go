package lifecycle

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// comparison compares what is on the cluster with what a plan would make of it.
type comparison struct {
	*preflight
	cluster Cluster
}

// compared is an object that a step changes.
type compared struct {
	step int
	ref  corev1.ObjectReference
	// sent is what would be applied, and nil where it is deleted; answer is what the API server would make of it, and nil where it
	// could not be asked.
	sent, answer *unstructured.Unstructured
}

// versions are the object before and after; both nil where it is there and nobody knows what would become of it.
func (c compared) versions(found *unstructured.Unstructured) (before, after *unstructured.Unstructured) {
	switch {
	case c.answer != nil:
		return found, c.answer
	case c.sent == nil, found == nil:
		return found, c.sent
	}
	return nil, nil
}

// Complete adds to a preview what changes in each object. What is there is read now, all objects at once.
func (c comparison) Complete(ctx context.Context, preview *Preview) error {
	objects := c.changed(*preview)
	refs := make([]corev1.ObjectReference, len(objects))
	for i, object := range objects {
		refs[i] = object.ref
	}
	found, err := c.cluster.Snapshot(ctx, refs)
	if err != nil {
		return fmt.Errorf("reading what would be changed: %w", err)
	}
	for i, object := range objects {
		key := kinds.KeyOf(object.ref)
		effect := preview.effects[object.step][key]
		before, after := object.versions(found[i])
		change, differs := diff.New(object.ref, string(effect), before, after)
		switch {
		case differs || after == nil || effect == ResultRecreated || effect == ResultAdopted:
			preview.Changes = append(preview.Changes, change)
		case effect == ResultConfigured:
			preview.effects[object.step][key] = ResultUnchanged
		}
	}
	return nil
}

// changed are the objects that the steps of a preview change, hooks apart.
func (c comparison) changed(preview Preview) []compared {
	var objects []compared
	for i, step := range preview.Plan.Steps {
		for _, object := range step.Objects {
			effect := preview.Effect(i, object.Reference())
			if step.Action == plan.Apply && effect != ResultUnchanged && effect != ResultRefused {
				objects = append(objects, compared{step: i, ref: object.Reference(), sent: object.Unstructured, answer: c.answers[object.Key()]})
			}
		}
		for _, entry := range step.Entries {
			if preview.Effect(i, entry.Reference()) == ResultDeleted {
				objects = append(objects, compared{step: i, ref: entry.Reference()})
			}
		}
	}
	return objects
}
