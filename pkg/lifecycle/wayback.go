package lifecycle

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// NewRollback returns the request to restore an earlier revision as a new one. target is that revision and previous the
// newest one, both whole; the caller adds their Nodes, as Nodes and Left, and the Scopes.
func NewRollback(target, previous *release.Release, history release.History, options Options) Request {
	next := release.New(previous.Name, previous.Namespace, previous.Spec.Revision+1)
	next.Spec.Pack, next.Spec.FromRevision, next.Content = target.Spec.Pack, target.Spec.Revision, target.Content
	operation := release.OperationRollback
	if !history.EverDeployed() {
		// What is not there cannot be left.
		operation = release.OperationInstall
	}
	return Request{
		Operation: operation, Release: next, Previous: previous, History: history, Options: options,
	}
}

// NewWayBack plans to take back what the failed run of a plan has changed, so that the release is as it was before: a
// failed installation is removed, all else goes back to the last deployed revision, which request is NewRollback's to
// restore; it is not looked at after an installation. The plan is nil where nothing has to be done.
//
// If the failed operation got no further than the hooks before its work, no rollback hook runs, and nothing is waited for.
// What an operation before it left changed, because it failed, goes back, too.
// What was adopted is given back before anything else, whatever revision the release goes back to.
// A pre-rollback hook that fails does not end the way back. Custom resource definitions stay in any case.
func NewWayBack(failed *Plan, request Request) (*Plan, error) {
	switch {
	case failed.Operation == release.OperationInstall:
		return newReversion(failed), nil
	case failed.Extent == Nothing && !leftChanged(failed.History) && len(release.Provisional(failed.Release.Inventory)) == 0:
		return nil, nil
	}
	// It adopts nothing: what belongs to others by now is left to them.
	request.Options.DeleteCRDs, request.Options.TakeOwnership = false, false
	plan, err := NewPlan(request)
	if err != nil {
		return nil, err
	}
	plan.Untried = true
	plan.giveBackFirst()
	plan.disown()
	for i := range plan.Steps {
		if plan.Steps[i].Phase == hook.PreRollback {
			plan.Steps[i].Optional = true
		}
	}
	if failed.Extent != Everything {
		plan.Steps = slices.DeleteFunc(plan.Steps, func(step Step) bool { return step.Verb == RunHooks || step.Verb == Wait })
		plan.Release.Status.Hooks = nil
	}
	return plan, nil
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
			adopted[entry.Key()] = entry.Origin == release.Adopted && step.Verb == Delete
		}
		if step.Verb == Delete {
			step.Entries = slices.DeleteFunc(step.Entries, func(entry release.Entry) bool { return adopted[entry.Key()] })
		}
	}
	p.Release.Inventory = slices.DeleteFunc(p.Release.Inventory, func(entry release.Entry) bool { return adopted[entry.Key()] })
}

// HooksOfWayBack are the hooks that run if the work of an operation fails and the release goes back to the revision that a
// request restores, which is NewRollback's.
func HooksOfWayBack(request Request) ([]Hook, error) {
	plan, err := NewPlan(request)
	if err != nil {
		return nil, err
	}
	var hooks []Hook
	for _, step := range plan.Steps {
		hooks = append(hooks, step.Hooks...)
	}
	return hooks, nil
}

// newReversion removes what a failed installation made. What it adopted from others is given back; what it found without
// a record of where that comes from stays.
func newReversion(failed *Plan) *Plan {
	r := failed.Release
	made := slices.DeleteFunc(slices.Clone(r.Inventory), func(entry release.Entry) bool {
		return entry.Origin == release.Adopted && !entry.Provisional
	})
	options := failed.Options
	options.DeleteCRDs, options.TakeOwnership = false, false
	plan := &Plan{
		Operation: release.OperationRevert, Release: r, Options: options, History: failed.History, Untried: true, Earlier: earlier(r),
		Steps: newRemoval(made, r.Namespace, options).steps(),
	}
	plan.giveBackFirst()
	return plan
}
