package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// preflight submits as a dry-run, before the first write of a plan, whatever could turn out to be refused only after
// something was done that cannot be undone: deletions, every hook, and all objects where hooks come before them or where they
// may change what is deployed.
type preflight struct {
	*ledger
	cluster dryRunner
	// steps are those of the plan and, as one more, the hooks of the undo that may become necessary.
	steps []plan.Step
	// preview says that nothing is written afterwards: everything is submitted, and nothing is waited for.
	preview bool
	// created names what is created before the plan is run, and does not exist yet.
	created []corev1.ObjectReference
	// terminating is what is being deleted. It is empty once that was waited for.
	terminating []corev1.ObjectReference
	// postponed has to wait for the step before all waves.
	postponed []dryRun
	findings
}

// findings are what a preview tells of besides.
type findings struct {
	// whole asks for what objects would be, and answers are that.
	whole   bool
	answers map[kinds.Key]*unstructured.Unstructured
	// refused are the objects that would be refused, and those whose names objects of others have.
	refused map[kinds.Key]bool
	// recreated are the objects that cannot be changed in place and would be deleted and recreated.
	recreated map[kinds.Key]bool
}

// dryRun is an object that is submitted before the work begins.
type dryRun struct {
	object manifest.Object
	isHook bool
	// replaces says that the object that has its name now will be deleted before.
	replaces bool
	// later says that it is a hook that another command runs.
	later bool
	// step is the number of the step that writes it.
	step int
}

func newPreflight(l *ledger, cluster dryRunner) *preflight {
	undo := plan.Step{Action: plan.RunHooks, Hooks: l.plan.Undo}
	return &preflight{
		ledger: l, cluster: cluster, steps: append(slices.Clip(l.plan.Steps), undo),
		findings: findings{answers: map[kinds.Key]*unstructured.Unstructured{}, refused: map[kinds.Key]bool{}, recreated: map[kinds.Key]bool{}},
	}
}

// Run reads what is on the cluster, and returns all problems at once, as a *PreflightError. What depends on something that the
// plan creates first is left for RunPostponed.
func (p *preflight) Run(ctx context.Context) error {
	found, err := p.Refresh(ctx, p.steps)
	if err != nil {
		return err
	}
	if err := p.awaitTerminating(ctx, found); err != nil {
		return err
	}
	if p.plan.IsUndo {
		return errors.Join(untyped(found.foreign)...)
	}
	p.warnOfEndlessHooks()
	foreign := slices.Concat(found.foreign, p.undeletable())
	seen := documents{}
	objects, deletions := p.dryRuns(foreign, seen), p.deletions()
	later, err := p.laterHooks(ctx, seen)
	if err != nil {
		return err
	}
	objects = append(objects, later...)
	if len(objects)+len(deletions) == 0 {
		return refusedFor(untyped(foreign))
	}
	started := p.clock()
	count := len(objects) + len(deletions)
	p.Emit(PreflightStarted, Outcome{Count: count, Message: words.Count(count, "object")})
	problems, err := p.submit(ctx, objects)
	if err == nil {
		problems = slices.Concat(untyped(foreign), problems, p.submitDeletions(ctx, deletions), p.missingDependencies())
		err = ctx.Err()
	}
	if err == nil {
		err = refusedFor(problems)
	}
	p.Emit(PreflightFinished, Outcome{Result: resultOf(err), ElapsedMS: p.Since(started)})
	return err
}

// RunPostponed submits what had to wait for a step. It does nothing unless that was the one before all waves.
func (p *preflight) RunPostponed(ctx context.Context, done plan.Step) error {
	if done.Action != plan.Apply || done.Wave != 0 || len(p.postponed) == 0 {
		return nil
	}
	objects := p.postponed
	p.postponed = nil
	problems, err := p.submit(ctx, objects)
	for _, d := range p.postponed {
		p.skip(d, "it depends on a definition that comes later")
	}
	if err == nil && len(problems) > 0 {
		err = &PreflightError{Problems: problems, Begun: true}
	}
	return err
}

// awaitTerminating waits for objects that are being deleted. A preview waits for nothing, and so does a run that ends before
// they count.
func (p *preflight) awaitTerminating(ctx context.Context, found obstacles) error {
	switch {
	case len(found.terminating) == 0 || len(found.foreign) > 0:
		return nil
	case p.preview:
		p.terminating = found.terminating
		p.Emit(Warning, Outcome{Message: "this is being deleted, and would be waited for: " + words.List(titles(found.terminating), words.Many)})
		return nil
	}
	return p.AwaitGone(ctx, found.terminating)
}

// warnOfEndlessHooks warns of hooks that are going to run out of time.
func (p *preflight) warnOfEndlessHooks() {
	for _, step := range p.plan.Steps {
		for _, h := range step.Hooks {
			if why := h.NeverEnds(); why != "" && !p.HasRun(h) {
				p.Warn(h.Phase, "%s%s: %s", placeOf(h.Object), h.Object.Title(), why)
			}
		}
	}
}

// undeletable returns the hooks whose name an object of others has, and which would have to delete that: it could not be given
// back.
func (p *preflight) undeletable() []*ForeignError {
	var problems []*ForeignError
	for _, step := range p.steps {
		for _, h := range step.Hooks {
			if problem := p.WouldDelete(h); problem != nil && !p.HasRun(h) {
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// dryRuns are the objects that the run will apply, each once, without those whose names are taken by others. All hooks are noted
// as seen.
func (p *preflight) dryRuns(foreign []*ForeignError, seen documents) []dryRun {
	var found []dryRun
	var skipped []manifest.Object
	taken, all := foreignKeys(foreign), p.submitsAll()
	maps.Copy(p.refused, taken)
	for i, step := range p.steps {
		for _, h := range step.Hooks {
			if taken[h.Object.Key()] || p.HasRun(h) {
				skipped = append(skipped, h.Object)
				continue
			}
			if seen.add(h.Object) {
				replaces := p.Replaces(h) || p.isTerminating(h.Object)
				found = append(found, dryRun{object: h.Object, isHook: true, replaces: replaces, step: i})
			}
		}
		if step.Action != plan.Apply || !all {
			continue
		}
		for _, object := range step.Objects {
			if !p.IsUnchanged(object) && !taken[object.Key()] {
				found = append(found, dryRun{object: object, replaces: p.isTerminating(object), step: i})
			}
		}
	}
	// Only now: an equal hook of another step is submitted all the same.
	for _, object := range skipped {
		seen.add(object)
	}
	return found
}

// foreignKeys are the names of objects of others.
func foreignKeys(problems []*ForeignError) map[kinds.Key]bool {
	keys := map[kinds.Key]bool{}
	for _, problem := range problems {
		keys[kinds.KeyOf(problem.Ref)] = true
	}
	return keys
}

// submitsAll reports whether more than hooks is submitted: when hooks run before the work, or something is deployed that a
// failure half way would leave changed.
func (p *preflight) submitsAll() bool {
	before := p.plan.Course().Before
	return p.plan.Operation != release.OperationInstall || p.preview || slices.ContainsFunc(p.plan.Steps, func(step plan.Step) bool {
		return step.Action == plan.RunHooks && step.Phase == before
	})
}

// isTerminating reports whether the object that has the name of another is being deleted, and was not waited for.
func (p *preflight) isTerminating(object manifest.Object) bool {
	return slices.ContainsFunc(p.terminating, func(ref corev1.ObjectReference) bool { return kinds.KeyOf(ref) == object.Key() })
}

// laterHooks are the hooks that other commands run, each once, without those that were seen before. An object that has the name of one
// and belongs to others may be gone by then.
func (p *preflight) laterHooks(ctx context.Context, seen documents) ([]dryRun, error) {
	var found []dryRun
	var refs []corev1.ObjectReference
	for _, h := range p.plan.Later {
		if !seen.add(h.Object) {
			continue
		}
		refs = append(refs, h.Object.Reference())
		found = append(found, dryRun{
			object: h.Object, isHook: true, later: true, step: len(p.plan.Steps),
			replaces: kinds.RunsPods(h.Object.GroupKind()) || h.Has(hook.BeforeHookCreation),
		})
	}
	if len(found) == 0 {
		return nil, nil
	}
	objects, err := p.cluster.Find(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("looking for objects with the names of hooks: %w", err)
	}
	own := plan.OwnerOf(p.release)
	for i, object := range objects {
		switch {
		case object == nil:
			found[i].replaces = false
		case object.DeletionTimestamp == nil && p.ClaimOn(object, kinds.KeyOf(refs[i])) == theirs:
			found[i].replaces = true
			p.Emit(Warning, Outcome{Message: laterRefused(found[i].object, &ForeignError{Ref: refs[i], Owner: own.HolderPhrase(object)}).Error()})
		}
	}
	return found, nil
}

// documents are hooks by what they are: hooks of several phases may share a name and differ in all else.
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

// submit returns what would be refused, and postpones what cannot be submitted yet.
func (p *preflight) submit(ctx context.Context, objects []dryRun) ([]error, error) {
	outlook := p.outlook()
	objects = slices.DeleteFunc(slices.Clone(objects), func(d dryRun) bool {
		rule := outlook.decide(beforehand(), attempt{dryRun: d})
		if rule.verdict == postpone {
			p.postpone(d, rule.reason)
		}
		return rule.verdict == postpone
	})
	answers, err := p.send(ctx, outlook, objects)
	if err != nil {
		return nil, err
	}
	if err := p.sendAsNew(ctx, outlook, objects, answers); err != nil {
		return nil, err
	}
	var problems []error
	for i, answer := range answers {
		answered := attempt{objects[i], answer}
		if answer.Object != nil {
			p.answers[objects[i].object.Key()] = answer.Object
		}
		switch rule := outlook.decide(afterwards(), answered); rule.verdict {
		case refuse:
			p.refused[objects[i].object.Key()] = !objects[i].later
			problems = append(problems, p.problem(answered))
		case warn:
			p.Emit(Warning, Outcome{Message: p.problem(answered).Error()})
		case skip:
			p.skip(objects[i], answer.Unknown)
		case postpone:
			p.postpone(objects[i], rule.reason)
		case repeat:
			p.postponed = append(p.postponed, objects[i])
		case pass:
		}
	}
	return problems, nil
}

// send submits objects and returns the answers in their order.
func (p *preflight) send(ctx context.Context, outlook *outlook, objects []dryRun) ([]kube.DryRunResult, error) {
	anything := func(corev1.ObjectReference) bool { return true }
	requests := make([]kube.DryRun, len(objects))
	for i, d := range objects {
		requests[i] = kube.DryRun{
			Object: p.Body(d.object), Replaces: d.replaces, ForceConflicts: p.plan.Options.ForceConflicts, Claims: plan.MarkFields(),
			Adopts: p.live[d.object.Key()].foreign != "", Planned: outlook.isPlanned, Whole: p.whole && !d.isHook,
		}
		if d.later || outlook.mayBeCreated(d) {
			requests[i].Planned = anything
		}
		if d.isHook {
			requests[i].Object = kube.WithLogMessages(requests[i].Object)
		}
	}
	return p.cluster.DryRun(ctx, requests)
}

// sendAsNew submits the creation of what cannot be changed in place and may be recreated, whose answers take the place of the
// first ones.
func (p *preflight) sendAsNew(ctx context.Context, outlook *outlook, objects []dryRun, answers []kube.DryRunResult) error {
	var again []dryRun
	var places []int
	for i, answer := range answers {
		if p.MayRecreate(objects[i].object, answer.Err) {
			again = append(again, dryRun{object: objects[i].object, isHook: objects[i].isHook, replaces: true})
			places = append(places, i)
		}
	}
	if len(again) == 0 {
		return nil
	}
	second, err := p.send(ctx, outlook, again)
	if err != nil {
		return err
	}
	for i, place := range places {
		answers[place] = second[i]
		p.recreated[again[i].object.Key()] = true
	}
	return nil
}

// problem says why an object would be refused.
func (p *preflight) problem(a attempt) error {
	if a.later {
		return laterRefused(a.object, a.answer.Err)
	}
	return placed(a.object, p.NotRecreated(a.object, a.answer.Err))
}

// laterRefused says why a hook that another command runs would be refused now.
func laterRefused(object manifest.Object, err error) error {
	return fmt.Errorf("a hook of the phase %s would be refused now: %w", object.GetAnnotations()[plan.AnnotationPhase], placed(object, err))
}

// postpone has an object submitted after the step before all waves, if there is one.
func (p *preflight) postpone(d dryRun, why string) {
	if len(p.plan.Steps) == 0 || p.plan.Steps[0].Wave != 0 || p.plan.Steps[0].Action != plan.Apply || p.preview {
		p.skip(d, why)
		return
	}
	p.postponed = append(p.postponed, d)
}

// skip says of an object that it could not be submitted.
func (p *preflight) skip(d dryRun, why string) {
	p.Emit(PreflightSkipped, Outcome{Object: eventObject(d.object.Reference()), Message: why})
}
