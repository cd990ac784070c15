package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// session is how a verb that changes a release goes about it: open → plan → lock → plan again if the history has moved →
// confirm, once → run. What differs between the verbs is in its fields.
type session struct {
	*RunOptions
	operation release.Operation
	// plan plans the operation. It only reads, may be called twice, and asks nothing. What there is to say is in the proposal,
	// which may be there with an error, too, for its notes, or is a warning of the target, which holds it back.
	plan func(context.Context, *target) (*proposal, error)
	// room makes what must be there before the lock can be taken; nil is nothing.
	room func(context.Context, *target) error
	// run runs the plan that was confirmed; nil is RunOptions.run.
	run func(context.Context, *target, *proposal) (plan.Result, error)
}

// proposal is a plan, with what its user has to know before it is run.
type proposal struct {
	plan.Plan
	// deployed is the revision that was deployed before, whole. It is nil where there is none and where nobody needs it.
	deployed *release.Release
	// notes are said once the plan is final, a line each.
	notes []string
	// strangers are hooks that run outside of the release's namespace and that this user has not chosen.
	strangers []plan.Hook
}

// fromRecord is the planning of a verb that runs what is stored: its hooks were chosen by whoever made the revision.
func fromRecord(plan func(context.Context, *target) (plan.Plan, error)) func(context.Context, *target) (*proposal, error) {
	return func(ctx context.Context, target *target) (*proposal, error) {
		planned, err := plan(ctx, target)
		if err != nil {
			return nil, err
		}
		return &proposal{Plan: planned, strangers: planned.HooksOutside()}, nil
	}
}

// performed is what a session came to.
type performed struct {
	plan plan.Plan
	plan.Result
}

// perform goes through a session. What it came to is nil where nothing was run.
func (s session) perform(ctx context.Context) (*performed, error) {
	target, err := connect(s.Getter, s.IOStreams)
	if err != nil {
		return nil, err
	}
	defer target.close()
	defer s.unlock(ctx, target)
	proposed, err := s.propose(ctx, target)
	s.tell(target, proposed)
	if err == nil {
		err = s.confirm(ctx, target, proposed)
	}
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	done := &performed{plan: proposed.Plan}
	if s.run != nil {
		done.Result, err = s.run(ctx, target, proposed)
	} else {
		done.Result, err = s.RunOptions.run(ctx, target, proposed.Plan)
	}
	return done, err
}

// propose plans, locks the release, and plans again if another command has changed the release meanwhile, or was killed while
// it worked on it. The lock is held until unlock; a dry run does without.
func (s session) propose(ctx context.Context, target *target) (*proposal, error) {
	if s.isDry() {
		return s.proposeDry(ctx, target)
	}
	first, failure := s.planAnew(ctx, target)
	if failure != nil && !s.isPending(ctx, target) {
		return first, failure
	}
	if failure == nil && s.room != nil {
		if err := s.room(ctx, target); err != nil {
			return nil, err
		}
	}
	if err := s.lock(ctx, target, s.operation); err != nil {
		return nil, err
	}
	history, err := target.store.History(ctx, target.namespace, s.Name)
	if err != nil {
		return nil, err
	}
	closed, err := s.recover(ctx, target, history.Newest())
	if err != nil {
		return nil, err
	}
	if failure == nil && !closed && slices.EqualFunc(history, first.History, sameRecord) {
		return first, nil
	}
	// It may have waited for whoever defines kinds.
	target.cluster.LookAgain()
	return promptly(ctx, func() (*proposal, error) { return s.planAnew(ctx, target) })
}

// proposeDry plans without a lock. A release that another command works on, or did when it was killed, may look otherwise when
// that is over.
func (s session) proposeDry(ctx context.Context, target *target) (*proposal, error) {
	proposed, err := s.planAnew(ctx, target)
	if s.isPending(ctx, target) {
		_, _ = fmt.Fprintf(s.ErrOut, "warning: another command works on release %s, or was killed while it did; this is what would be done now\n", s.Name)
	}
	if err == nil && s.room != nil {
		err = s.room(ctx, target)
	}
	return proposed, err
}

// planAnew plans, and forgets what an earlier plan has found out: of the release as it was then.
func (s session) planAnew(ctx context.Context, target *target) (*proposal, error) {
	target.incomplete = nil
	target.warnings.hold()
	return s.plan(ctx, target)
}

// tell says what there is to know of the last plan and of its proposal; nil is none.
func (s session) tell(target *target, proposed *proposal) {
	target.warnings.release()
	if proposed == nil {
		return
	}
	for _, note := range proposed.notes {
		_, _ = fmt.Fprintln(s.ErrOut, note)
	}
}
