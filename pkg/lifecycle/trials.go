package lifecycle

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// trial is an object whose write is tried before the work begins.
type trial struct {
	object manifest.Object
	isHook bool
	// replaces says that what has its name now will be deleted before.
	replaces bool
	// later says that it is a hook that another command runs.
	later bool
	// step is the number of the step that writes it; that of the way back is one more than the plan has.
	step int
}

// trials are what the run will apply, each once, without what is in the way of it.
func (x *execution) trials(foreign []error) []trial {
	var found []trial
	blocked, seen := foreignKeys(foreign), documents{}
	for i, step := range x.ahead() {
		for _, h := range step.Hooks {
			if !blocked[h.Object.Key()] && !x.hasRun(h) && seen.add(h.Object) {
				found = append(found, trial{object: h.Object, isHook: true, replaces: x.replaces(h) || x.leaves(h.Object), step: i})
			}
		}
		if step.Verb != plan.Apply || !x.triesAll() {
			continue
		}
		for _, object := range step.Objects {
			if !x.isUnchanged(object) && !blocked[object.Key()] {
				found = append(found, trial{object: object, replaces: x.leaves(object), step: i})
			}
		}
	}
	return found
}

// documents are hooks that were met, by what they are: hooks of several phases may share a name and differ in all else.
type documents map[string]bool

// add notes a hook and reports whether it was not met before, at whatever phase.
func (d documents) add(object manifest.Object) bool {
	object = manifest.Object{Unstructured: object.DeepCopy()}
	annotations := object.GetAnnotations()
	delete(annotations, plan.AnnotationPhase)
	object.SetAnnotations(annotations)
	// What was read from YAML can be written as JSON.
	sum, _ := object.Hash()
	isNew := !d[sum]
	d[sum] = true
	return isNew
}

// ahead are the steps of the plan, and the hooks of the way back that may become necessary.
func (x *execution) ahead() []plan.Step {
	return append(slices.Clip(x.plan.Steps), plan.Step{Verb: plan.RunHooks, Hooks: x.plan.Undo})
}

// triesAll reports whether more than hooks is tried: when hooks run before the work, or something is deployed that a
// failure half way would leave changed.
func (x *execution) triesAll() bool {
	before := x.plan.Course().Before
	return x.plan.Operation != release.OperationInstall || x.rehearsal.all || slices.ContainsFunc(x.plan.Steps, func(step plan.Step) bool {
		return step.Verb == plan.RunHooks && step.Phase == before
	})
}

// leaves reports whether what has the name of an object is being deleted, and was not waited for.
func (x *execution) leaves(object manifest.Object) bool {
	return slices.ContainsFunc(x.rehearsal.leaving, func(ref corev1.ObjectReference) bool {
		return kinds.KeyOf(ref) == object.Key()
	})
}

// unguarded reports whether the plan deletes something that can make the API server refuse everything else, which it does
// before all else: what that refuses now it does not refuse then.
func (x *execution) unguarded() bool {
	return slices.ContainsFunc(x.plan.Steps, func(step plan.Step) bool {
		return step.Verb == plan.Delete && step.Wave == kinds.Waves && slices.ContainsFunc(step.Entries, func(entry release.Entry) bool {
			_, there := x.deletable(entry)
			return there
		})
	})
}

// deletions are what the run will delete, save Namespaces, which come last and may have to stay.
func (x *execution) deletions() []kube.Deletion {
	var refs []corev1.ObjectReference
	for _, step := range x.ahead() {
		for _, entry := range step.Entries {
			if step.Verb == plan.Delete && !kinds.IsNamespace(entry.GroupKind()) {
				refs = append(refs, entry.Reference())
			}
		}
		for _, h := range step.Hooks {
			if x.replaces(h) && !x.hasRun(h) {
				refs = append(refs, h.Object.Reference())
			}
		}
	}
	var found []kube.Deletion
	seen := map[kinds.Key]bool{}
	for _, ref := range refs {
		key := kinds.KeyOf(ref)
		if object, live := x.live[key]; live && !x.spares(object) && !seen[key] {
			seen[key] = true
			ref.UID = object.uid
			found = append(found, kube.Deletion{Ref: ref, NoWait: true, DryRun: true})
		}
	}
	return found
}
