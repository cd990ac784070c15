package lifecycle

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// rehearsal is what a run tries before it does anything.
type rehearsal struct {
	// all says that nothing is done afterwards: everything is tried, and nothing can wait for anything.
	all bool
	// leaving is what is being deleted. Nothing waits for it where all is tried.
	leaving []corev1.ObjectReference
	// coming is what is made before the plan is run, and is not there yet.
	coming []corev1.ObjectReference
	// left is what could not be tried yet.
	left []trial
}

// preflight looks at what is on the cluster, and tries, without doing it, whatever could turn out to be refused only after
// something was done that cannot be undone: what is deleted, every hook, and all objects where hooks come before them or where
// they may change what is deployed. All problems are returned at once. What rests on something that comes first is left for
// preflightRest.
func (x *execution) preflight(ctx context.Context) error {
	found, err := x.survey(ctx, x.ahead())
	if err != nil {
		return err
	}
	if err := x.awaitLeaving(ctx, found); err != nil {
		return err
	}
	foreign := found.foreign
	if x.plan.IsUndo {
		return errors.Join(foreign...)
	}
	x.hint()
	foreign = append(foreign, x.undeletable()...)
	trials, deletions := x.trials(foreign), x.deletions()
	later, err := x.laterTrials(ctx)
	if err != nil {
		return err
	}
	trials = append(trials, later...)
	if len(trials)+len(deletions) == 0 {
		return refusal(foreign)
	}
	started := x.clock()
	x.emit(CheckStarted, Outcome{Message: words.Count(len(trials)+len(deletions), "object")})
	problems, err := x.try(ctx, trials)
	if err == nil {
		problems = slices.Concat(problems, x.tryDeletions(ctx, deletions), x.bereft())
		err = ctx.Err()
	}
	if err == nil {
		err = refusal(append(foreign, problems...))
	}
	x.emit(CheckFinished, Outcome{Result: result(err), ElapsedMS: x.since(started)})
	return err
}

// awaitLeaving waits for what is being deleted. Nothing waits for it where all is tried, nor where the run ends before that
// counts.
func (x *execution) awaitLeaving(ctx context.Context, found surveyed) error {
	switch {
	case len(found.leaving) == 0 || len(found.foreign) > 0:
		return nil
	case x.rehearsal.all:
		x.rehearsal.leaving = found.leaving
		x.emit(Warning, Outcome{Message: "this is being deleted, and would be waited for: " + words.List(titles(found.leaving), words.Many)})
		return nil
	}
	return x.awaitGone(ctx, found.leaving)
}

// hint warns of hooks that are going to run out of time.
func (x *execution) hint() {
	for _, step := range x.plan.Steps {
		for _, h := range step.Hooks {
			if why := h.NeverEnds(); why != "" && !x.hasRun(h) {
				x.warn(h.Phase, "%s%s: %s", placeOf(h.Object), h.Object.Title(), why)
			}
		}
	}
}

// refusal is what problems mean that were found before anything was done; nil for none.
func refusal(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	return &PreflightError{Problems: problems}
}

// preflightRest tries what had to wait for a step. It is nothing unless that was the one before all waves.
func (x *execution) preflightRest(ctx context.Context, done plan.Step) error {
	if done.Verb != plan.Apply || done.Wave != 0 || len(x.rehearsal.left) == 0 {
		return nil
	}
	trials := x.rehearsal.left
	x.rehearsal.left = nil
	problems, err := x.try(ctx, trials)
	for _, trial := range x.rehearsal.left {
		x.untried(trial, "it rests on a definition that comes later")
	}
	if err == nil && len(problems) > 0 {
		err = &PreflightError{Problems: problems, Begun: true}
	}
	return err
}

// try returns what would be refused, and defers what cannot be tried yet.
func (x *execution) try(ctx context.Context, trials []trial) ([]error, error) {
	resting := x.restingOn()
	trials = slices.DeleteFunc(slices.Clone(trials), func(t trial) bool {
		if why := resting(t.object); why != "" {
			x.postpone(t, why)
			return true
		}
		return false
	})
	answers, err := x.check(ctx, trials)
	if err != nil {
		return nil, err
	}
	if err := x.tryAnew(ctx, trials, answers); err != nil {
		return nil, err
	}
	var problems []error
	for i, answer := range answers {
		switch {
		case answer.Unknown != "":
			x.untried(trials[i], answer.Unknown)
		case errors.Is(answer.Err, kube.ErrGone), errors.Is(answer.Err, kube.ErrReplaced):
			// Somebody is at work. The apply looks again.
		case trials[i].later && answer.Err != nil && !isDecisive(answer.Err):
			x.emit(Warning, Outcome{Message: laterRefused(trials[i].object, answer.Err).Error()})
		case trials[i].later && answer.Err != nil:
			problems = append(problems, laterRefused(trials[i].object, answer.Err))
		case isRuling(answer.Err) && x.rulesChange(trials[i]):
			x.postpone(trials[i], "other rules will hold in its namespace by then")
		case answer.Err != nil:
			problems = append(problems, placed(trials[i].object, x.notRecreated(trials[i].object, answer.Err)))
		case x.groundChanges(trials[i]) && !x.rehearsal.all:
			x.rehearsal.left = append(x.rehearsal.left, trials[i])
		}
	}
	return problems, nil
}

// tryAnew tries to create what cannot be changed in place but may be made anew.
func (x *execution) tryAnew(ctx context.Context, trials []trial, answers []kube.Checked) error {
	var again []trial
	var places []int
	for i, answer := range answers {
		if x.mayRecreate(trials[i].object, answer.Err) {
			again = append(again, trial{object: trials[i].object, isHook: trials[i].isHook, replaces: true})
			places = append(places, i)
		}
	}
	if len(again) == 0 {
		return nil
	}
	second, err := x.check(ctx, again)
	if err != nil {
		return err
	}
	for i, place := range places {
		answers[place] = second[i]
	}
	return nil
}

func (x *execution) check(ctx context.Context, trials []trial) ([]kube.Checked, error) {
	coming := x.coming()
	custom := x.customSteps()
	able := func(corev1.ObjectReference) bool { return true }
	checks := make([]kube.Check, len(trials))
	for i, t := range trials {
		checks[i] = kube.Check{
			Object: x.body(t.object), Replaces: t.replaces, ForceConflicts: x.plan.Options.ForceConflicts, Claims: plan.MarkFields(),
			Adopts: x.live[t.object.Key()].foreign != "", Coming: coming,
		}
		if t.later || x.mayBring(t, custom) {
			checks[i].Coming = able
		}
		if t.isHook {
			checks[i].Object = kube.WithLogMessages(checks[i].Object)
		}
	}
	return x.Cluster.Check(ctx, checks)
}

// coming tells what the plan brings that is not there yet.
func (x *execution) coming() func(corev1.ObjectReference) bool {
	planned := map[kinds.Key]bool{}
	for _, object := range plan.Objects(x.ahead()) {
		planned[object.Key()] = true
	}
	for _, ref := range x.rehearsal.coming {
		planned[kinds.KeyOf(ref)] = true
	}
	return func(ref corev1.ObjectReference) bool {
		_, live := x.live[kinds.KeyOf(ref)]
		return planned[kinds.KeyOf(ref)] && !live
	}
}

// restingOn returns what tells on which part of the plan that is not on the cluster yet an object rests: its namespace, or
// the definition of its kind. It says "" where there is none.
func (x *execution) restingOn() func(manifest.Object) string {
	coming, defined := x.coming(), map[schema.GroupKind]bool{}
	for _, object := range plan.Objects(x.ahead()) {
		if kinds.IsDefinition(object.GroupKind()) && !x.isUnchanged(object) {
			group, _, _ := unstructured.NestedString(object.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(object.Object, "spec", "names", "kind")
			defined[schema.GroupKind{Group: group, Kind: kind}] = true
		}
	}
	return func(object manifest.Object) string {
		switch namespace := object.GetNamespace(); {
		case namespace != "" && coming(corev1.ObjectReference{APIVersion: "v1", Kind: "Namespace", Name: namespace}):
			return "its namespace is not there yet"
		case defined[object.GroupKind()]:
			return "the definition of its kind comes with it"
		}
		return ""
	}
}

// postpone has an object tried after the step before all waves, if there is one.
func (x *execution) postpone(t trial, why string) {
	if len(x.plan.Steps) == 0 || x.plan.Steps[0].Wave != 0 || x.plan.Steps[0].Verb != plan.Apply || x.rehearsal.all {
		x.untried(t, why)
		return
	}
	x.rehearsal.left = append(x.rehearsal.left, t)
}

// untried says of an object that it could not be tried.
func (x *execution) untried(t trial, why string) {
	x.emit(CheckSkipped, Outcome{Object: eventObject(t.object.Reference()), Message: why})
}

func (x *execution) tryDeletions(ctx context.Context, deletions []kube.Deletion) []error {
	problems := make([]error, len(deletions))
	// What was not tried is told by the context.
	_ = x.Cluster.Delete(ctx, deletions, func(i int, _ time.Duration, err error) { problems[i] = err })
	unguarded := x.unguarded()
	return slices.DeleteFunc(problems, func(err error) bool { return err == nil || unguarded && !kube.LacksRight(err) })
}
