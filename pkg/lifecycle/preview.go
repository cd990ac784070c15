package lifecycle

import (
	"cmp"
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// Preview is what running a plan would do, as far as can be told without doing it.
type Preview struct {
	Plan *Plan

	// effects is nil where nobody looked.
	effects map[manifest.Key]string
}

// Effect says what becomes of an object that the plan applies or deletes: created, configured, unchanged, replaced, adopted,
// deleted, kept, or not there. It is "" where nobody looked.
func (p Preview) Effect(ref corev1.ObjectReference) string {
	if p.effects == nil {
		return ""
	}
	return cmp.Or(p.effects[manifest.KeyOf(ref)], "not there")
}

// AddNamespace has the preview of a plan begin with a Namespace that is made before the work, and that the plan itself does
// not have.
func (p *Plan) AddNamespace(name string) {
	namespace := &unstructured.Unstructured{}
	namespace.SetAPIVersion("v1")
	namespace.SetKind("Namespace")
	namespace.SetName(name)
	first := Step{Verb: Apply, Objects: []manifest.Object{{Unstructured: namespace}}}
	p.Steps = append([]Step{first}, p.Steps...)
}

// Preview tells what Run would do without writing anything. It looks at what is on the cluster and tries every write as a
// dry-run; the error is what Run would be refused for, and the preview is there in any case.
func (r Runner) Preview(ctx context.Context, plan *Plan) (Preview, error) {
	x := r.execution(plan)
	x.rehearsal.all = true
	preview := Preview{Plan: plan, effects: map[manifest.Key]string{}}
	if err := x.survey(ctx, x.ahead()); err != nil {
		return preview, Because(ctx, err)
	}
	for _, step := range plan.Steps {
		x.foresee(step, preview.effects)
	}
	return preview, Because(ctx, x.preflight(ctx))
}

// foresee notes what a step does to each object.
func (x *execution) foresee(step Step, effects map[manifest.Key]string) {
	for _, object := range objectsOf([]Step{step}) {
		key := manifest.KeyOf(object.Reference())
		switch found, live := x.live[key]; {
		case !live:
			effects[key] = "created"
		case found.foreign != "":
			effects[key] = "adopted"
		case step.Verb == Apply && x.isUnchanged(object):
			effects[key] = "unchanged"
		default:
			effects[key] = "configured"
		}
	}
	for _, h := range step.Hooks {
		if x.replaces(h) {
			effects[manifest.KeyOf(h.Object.Reference())] = "replaced"
		}
	}
	for _, entry := range step.Entries {
		if _, live := x.live[keyOf(entry)]; live {
			effects[keyOf(entry)] = map[Verb]string{Delete: "deleted", Keep: "kept"}[step.Verb]
		}
	}
}
