package plan

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Resume plans the rest of an operation that was interrupted. request.Release is the revision that it worked on,
// whole, with its Nodes; request.Operation is the operation, and request.Previous, with its nodes in Left, the revision that
// a rollback leaves. Hooks that have succeeded do not run again, and those that were not to run still do not.
func Resume(request Request) (Plan, error) {
	journal := slices.Clone(request.Release.Status.Hooks)
	request.Options.SkipPhases = slices.Concat(request.Options.SkipPhases, leftOut(journal, request.Operation))
	resume := New
	if request.Operation == release.OperationUninstall {
		resume = Remove
	} else {
		// What it made so far is what comes before.
		before := *request.Release
		if request.Previous != nil {
			before.Spec.Revision = request.Previous.Spec.Revision
		}
		request.Previous = &before
	}
	plan, err := resume(request)
	if err != nil {
		return Plan{}, err
	}
	plan.Resumed = true
	// They passed the preflight when it began.
	plan.Later = nil
	before := release.Status{Hooks: journal}
	for i := range plan.Release.Status.Hooks {
		record := &plan.Release.Status.Hooks[i]
		old := before.Hook(record.Phase, record.Reference())
		switch {
		case old == nil || old.Hash != record.Hash:
		case old.State == release.HookSucceeded:
			*record = *old
		default:
			// That it was started stays known, should the resumption be ended before it comes to it.
			record.StartedAt = old.StartedAt
		}
	}
	return plan, nil
}

// leftOut are the phases of an operation whose hooks were not to run: the user left them out, or the journal has none.
func leftOut(journal []release.Hook, operation release.Operation) []hook.Phase {
	course := CourseOf(operation)
	return slices.DeleteFunc([]hook.Phase{course.Before, course.After}, func(phase hook.Phase) bool {
		return slices.ContainsFunc(journal, func(record release.Hook) bool {
			return record.Phase == string(phase) && record.Reason != release.ReasonNoHooks
		})
	})
}
