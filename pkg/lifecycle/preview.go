package lifecycle

import (
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Preview is what running a plan would do, as far as can be told without doing it.
type Preview struct {
	Plan plan.Plan
	// Changes are what applying and deleting would change, object by object in the order of the plan; nil unless Compare was
	// asked. Objects of hooks are not among them.
	Changes []diff.Change

	// effects are those of each step of the plan; nil where nobody looked.
	effects []map[kinds.Key]Result
}

// Effect says what becomes of an object that a step of the plan, counted from 0, applies or deletes. It is "" where the
// cluster was not asked.
func (p Preview) Effect(step int, ref corev1.ObjectReference) Result {
	if p.effects == nil {
		return ""
	}
	if effect, known := p.effects[step][kinds.KeyOf(ref)]; known {
		return effect
	}
	return ResultNotFound
}

// Differs reports whether running the plan would change something on the cluster, the hooks that it runs apart.
func (p Preview) Differs() bool {
	return len(p.Changes) > 0 || slices.ContainsFunc(p.Plan.Steps, func(step plan.Step) bool {
		return step.Action == plan.GiveBack && len(step.Entries) > 0
	})
}

// Changing returns the preview without the objects that stay as they are, and what is waited for.
func (p Preview) Changing() Preview {
	steps := slices.Clone(p.Plan.Steps)
	for i, step := range steps {
		steps[i].Objects = slices.DeleteFunc(slices.Clone(step.Objects), func(object manifest.Object) bool {
			return step.Action == plan.Wait || p.Effect(i, object.Reference()) == ResultUnchanged
		})
		steps[i].Entries = slices.DeleteFunc(slices.Clone(step.Entries), func(entry release.Entry) bool {
			return p.Effect(i, entry.Reference()) == ResultNotFound
		})
	}
	p.Plan.Steps = steps
	return p
}

// Preview tells what Run would do without writing anything. It reads what is on the cluster and submits every write as a
// dry-run; the error is what Run would be refused for, and the preview is there in any case. What is being deleted counts as
// gone, and what is created before the plan is run as planned. It has the time that Run would have.
func (r Runner) Preview(ctx context.Context, p plan.Plan, created ...corev1.ObjectReference) (Preview, error) {
	ctx, cancel := withTimeout(ctx, p.Options.Timeout)
	defer cancel()
	x := r.execution(p)
	preview, err := x.foresee(ctx, created)
	return preview, WithCause(ctx, err)
}

// Compare is Preview with the changes of every object: the answers to the dry-runs, beside what is on the cluster. An object
// that applying would leave as it is counts as unchanged.
func (r Runner) Compare(ctx context.Context, p plan.Plan, created ...corev1.ObjectReference) (Preview, error) {
	ctx, cancel := withTimeout(ctx, p.Options.Timeout)
	defer cancel()
	x := r.execution(p)
	x.preflight.whole = true
	preview, err := x.foresee(ctx, created)
	if preview.effects != nil {
		comparison := comparison{preflight: x.preflight, cluster: r.Cluster}
		err = errors.Join(err, comparison.Complete(ctx, &preview))
	}
	return preview, WithCause(ctx, err)
}

// foresee submits everything as a dry-run, and says what each step does.
func (x *execution) foresee(ctx context.Context, created []corev1.ObjectReference) (Preview, error) {
	x.preflight.preview, x.preflight.created, x.adoption.preview = true, created, true
	preview := Preview{Plan: x.plan}
	refused := x.adoption.CompleteReturns(ctx)
	if refused == nil {
		refused = x.check(ctx)
	}
	var found *PreflightError
	if refused != nil && !errors.As(refused, &found) {
		return preview, refused
	}
	running, err := x.hooks.Foresee(ctx)
	if err != nil {
		return preview, errors.Join(refused, err)
	}
	for _, step := range x.plan.Steps {
		preview.effects = append(preview.effects, x.effectsOf(step, running))
	}
	return preview, refused
}

// effectsOf returns what a step does to each object, and notes what is there after it. running are the effects on hooks that still
// run.
func (x *execution) effectsOf(step plan.Step, running map[*unstructured.Unstructured]Result) map[kinds.Key]Result {
	effects := map[kinds.Key]Result{}
	if step.Action == plan.Apply {
		for _, object := range step.Objects {
			effects[object.Key()] = x.effectOfApply(object)
		}
	}
	for _, h := range step.Hooks {
		if x.HasRun(h) {
			continue
		}
		key := h.Object.Key()
		replaced := x.Replaces(h)
		if effects[key] = x.effectOfApply(h.Object); replaced {
			effects[key] = ResultReplaced
		}
		if effect, runs := running[h.Object.Unstructured]; runs {
			effects[key] = effect
		}
	}
	for _, entry := range step.Entries {
		found, there := x.live[entry.Key()]
		switch {
		case step.Action == plan.GiveBack:
			effects[entry.Key()] = ResultGivenBack
		case !there:
		case step.Action == plan.Keep, x.Spares(found):
			effects[entry.Key()] = ResultKept
		default:
			effects[entry.Key()] = ResultDeleted
		}
	}
	for _, handover := range step.Handovers {
		if _, there := x.live[handover.Entry.Key()]; there {
			effects[handover.Entry.Key()] = x.handover.result()
		}
	}
	for _, h := range step.Hooks {
		if h.Has(hook.HookSucceeded) {
			delete(x.live, h.Object.Key())
		}
	}
	return effects
}

// effectOfApply returns what applying an object does, and notes that it is there.
func (x *execution) effectOfApply(object manifest.Object) Result {
	key := object.Key()
	found, there := x.live[key]
	unchanged := there && x.IsUnchanged(object)
	x.live[key] = live{}
	switch {
	case x.preflight.refused[key]:
		return ResultRefused
	case !there:
		return ResultCreated
	case unchanged:
		return ResultUnchanged
	case found.foreign != "":
		return ResultAdopted
	case x.preflight.recreated[key]:
		return ResultRecreated
	}
	return ResultConfigured
}
