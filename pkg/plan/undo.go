package plan

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Undo plans to undo what the failed run of a plan has changed, so that the release is as it was before: a
// failed installation is removed, all else goes back to the last deployed revision, which request is Rollback's to
// restore; it is not read after an installation. needed is false, and there is no plan, where nothing has to be done.
//
// If the failed operation got no further than the hooks before its work, no rollback hook runs, and nothing is waited for.
// What an operation before it left changed, because it failed, goes back, too.
// What was adopted is given back before anything else, whatever revision the release goes back to.
// A pre-rollback hook that fails does not end the undo. Custom resource definitions stay in any case.
func Undo(failed Plan, result Result, request Request) (undo Plan, needed bool, err error) {
	switch {
	case failed.Operation == release.OperationInstall:
		return undoInstall(failed, result), true, nil
	case result.Extent == ExtentNone && !leftChanged(failed.History) && len(release.Provisional(result.Release.Inventory)) == 0:
		return Plan{}, false, nil
	}
	// It adopts nothing: what belongs to others by now is left to them.
	request.Options.DeleteCRDs, request.Options.TakeOwnership = false, false
	if undo, err = New(request); err != nil {
		return Plan{}, false, err
	}
	undo.IsUndo = true
	undo.giveBackFirst()
	undo.disown()
	for i := range undo.Steps {
		if undo.Steps[i].Phase == hook.PreRollback {
			undo.Steps[i].Optional = true
		}
	}
	if result.Extent != ExtentAll {
		undo.Steps = slices.DeleteFunc(undo.Steps, func(step Step) bool { return step.Action == RunHooks || step.Action == Wait })
		undo.Release.Status.Hooks = nil
	}
	return undo, true, nil
}

// leftChanged reports whether the newest revision failed, and so may have left something that is not as it was deployed.
func leftChanged(history release.History) bool {
	newest := history.Newest()
	return newest != nil && newest.Status.Phase == release.Failed
}

// disown keeps what the plan would delete although it was there before the release took it over, and takes it off the
// inventory.
func (p *Plan) disown() {
	adopted := map[kinds.Key]bool{}
	for i := range p.Steps {
		step := &p.Steps[i]
		for _, entry := range step.Entries {
			adopted[entry.Key()] = entry.Origin == release.Adopted && step.Action == Delete
		}
		if step.Action == Delete {
			step.Entries = slices.DeleteFunc(step.Entries, func(entry release.Entry) bool { return adopted[entry.Key()] })
		}
	}
	p.Release.Inventory = slices.DeleteFunc(p.Release.Inventory, func(entry release.Entry) bool { return adopted[entry.Key()] })
}

// UndoHooks are the hooks that run if the work of an operation fails and the release goes back to the revision that a
// request restores, which is Rollback's.
func UndoHooks(request Request) ([]Hook, error) {
	content, _, err := request.content()
	if err != nil {
		return nil, err
	}
	var hooks []Hook
	course := CourseOf(request.Operation)
	for _, phase := range []hook.Phase{course.Before, course.After} {
		for _, step := range content.hookSteps(phase, request.Options) {
			hooks = append(hooks, step.Hooks...)
		}
	}
	return hooks, nil
}

// undoInstall removes what a failed installation made. What it adopted from others is given back; what it found without
// a record of where that comes from stays.
func undoInstall(failed Plan, result Result) Plan {
	r := result.Release.Clone()
	made := slices.DeleteFunc(slices.Clone(r.Inventory), func(entry release.Entry) bool {
		return entry.Origin == release.Adopted && !entry.Provisional
	})
	options := failed.Options
	options.DeleteCRDs, options.TakeOwnership = false, false
	plan := Plan{
		Operation: release.OperationUndo, Release: r, Options: options, History: failed.History, IsUndo: true, Earlier: earlier(r),
		Steps: newRemoval(made, r.Namespace, options).steps(),
	}
	plan.giveBackFirst()
	return plan
}

// giveBackFirst has an undo begin with giving back what was adopted and did not become final. The plan does nothing else to
// these objects, although the revision that it restores may have them.
func (p *Plan) giveBackFirst() {
	entries := release.Provisional(p.Release.Inventory)
	if len(entries) == 0 {
		return
	}
	lent := map[kinds.Key]bool{}
	index := release.Index(p.Release.Inventory)
	for _, entry := range entries {
		lent[entry.Key()] = true
		// A revision that is not stored yet is stored with it, any other when the step begins.
		p.Release.Inventory[index[entry.Key()]].Returning = p.Release.ResourceVersion == ""
	}
	steps := []Step{{Action: GiveBack, Entries: entries}}
	for _, step := range p.Steps {
		step.Objects = slices.DeleteFunc(slices.Clone(step.Objects), func(object manifest.Object) bool {
			return lent[object.Key()]
		})
		step.Hooks = slices.DeleteFunc(slices.Clone(step.Hooks), func(h Hook) bool { return lent[h.Object.Key()] })
		step.Entries = slices.DeleteFunc(slices.Clone(step.Entries), func(entry release.Entry) bool { return lent[entry.Key()] })
		if len(step.Objects)+len(step.Hooks)+len(step.Entries) > 0 {
			steps = append(steps, step)
		}
	}
	p.Steps = steps
}
