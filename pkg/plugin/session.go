package plugin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// session is one command that changes one release: its connection, its lock, and what it was asked for.
type session struct {
	RunOptions
	*connection
	operation release.Operation
	// held is the lock of the release; nil until it is taken. A dry run does without.
	held *releaseLock
	// view shows the run.
	view progress.View
	// provenance says where a revision comes from that the session makes; nil where it makes none.
	provenance *provenance
	// waited is how long another command was waited for, for the timeline of the run; empty once a run has it.
	waited []release.Span
}

// performed is what a session came to.
type performed struct {
	plan plan.Plan
	plan.Result
	// preview is what a dry run has found; nil where the plan was run.
	preview *lifecycle.Preview
}

// Said is what was done to the release, or would be, behind its name.
func (p *performed) Said() string {
	spec := p.Release.Spec
	switch doing(p.plan) {
	case release.OperationInstall:
		return "installed"
	case release.OperationRollback:
		return fmt.Sprintf("rolled back to revision %d (now revision %d)", spec.FromRevision, spec.Revision)
	case release.OperationUninstall:
		return "uninstalled"
	}
	return fmt.Sprintf("upgraded to revision %d", spec.Revision)
}

// Object is the release as it is printed. That of a dry run has its plan with it.
func (p *performed) Object() (*unstructured.Unstructured, error) {
	deployed := 0
	if p.Release.Status.Phase == release.Deployed {
		deployed = p.Release.Spec.Revision
	}
	shown := p.Release.Shown(deployed)
	if p.preview == nil {
		return printers.Object(shown)
	}
	return printers.Planned(shown, *p.preview)
}

// IsRecorded reports whether there is a record of the release. Nil came to nothing.
func (p *performed) IsRecorded() bool {
	return p != nil && p.Release != nil && p.Release.ResourceVersion != ""
}

// perform goes through a session: open → plan → lock → plan again if the history has moved → compare, confirm, once → run → undo,
// where the run has failed and the proposal says so → close. What differs between the verbs is how they plan; all else they want of
// the session is in what they propose. What it came to is nil where nothing was run.
func perform(ctx context.Context, options RunOptions, operation release.Operation, plan planner) (*performed, error) {
	s, err := open(options, operation)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	if !s.isDry() && makesRevision(operation) {
		s.provenance = findMaker(ctx, s.cluster)
	}
	proposed, found, err := s.propose(ctx, plan)
	s.tell(proposed, found)
	if err == nil {
		err = s.Compare(ctx, proposed)
	}
	if err == nil {
		err = s.Confirm(ctx, proposed)
	}
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	s.NameMarked(ctx, proposed)
	if s.isDry() {
		return s.preview(ctx, proposed)
	}
	result, err := s.CarryOut(ctx, proposed.Plan)
	switch {
	case err == nil:
	case proposed.atomic:
		err = s.Undo(ctx, proposed, result, err)
	default:
		err = s.withStanding(proposed.Plan, result, err)
	}
	return &performed{plan: proposed.Plan, Result: result}, err
}

// open makes ready to work on a release. The caller closes the session.
func open(options RunOptions, operation release.Operation) (*session, error) {
	connected, err := connect(options.Getter, options.IOStreams)
	if err != nil {
		return nil, err
	}
	return &session{
		RunOptions: options, connection: connected, operation: operation, view: options.Progress.Open(options.ErrOut),
	}, nil
}

// makesRevision reports whether an operation makes a revision.
func makesRevision(operation release.Operation) bool {
	switch operation {
	case release.OperationInstall, release.OperationUpgrade, release.OperationRollback, release.OperationAdopt:
		return true
	case release.OperationUninstall, release.OperationTest, release.OperationUndo, release.OperationHandover:
	}
	return false
}

// Planning returns what an attempt to plan reads from, as connection.Planning does.
func (s *session) Planning(found *warnings) planning {
	at := s.connection.Planning(found)
	at.provenance = s.provenance
	return at
}

// observe shows an event, and tells it to whoever else wants to know.
func (s *session) observe(event lifecycle.Event) {
	s.view.Observe(event)
	if s.Progress.observe != nil {
		s.Progress.observe(event)
	}
}

// Lock takes the lock of the release, which Close gives up.
func (s *session) Lock(ctx context.Context) (err error) {
	begun := release.Instant(time.Now())
	s.held, err = s.connection.Lock(ctx, s.RunOptions, s.operation, s.observe)
	locked := release.Instant(time.Now())
	s.waited = []release.Span{{Kind: release.SpanLock, Name: "lock", StartedAt: begun, FinishedAt: &locked, Result: release.SpanSucceeded}}
	return err
}

// Close gives the lock up if it is held, and ends all that the session keeps open.
func (s *session) Close(ctx context.Context) {
	if s.held != nil {
		s.held.Unlock(ctx)
	}
	s.closeView()
	s.connection.Close()
}

// closeView ends the view; what is observed after it is not shown.
func (s *session) closeView() {
	s.view.Close()
	s.view = unseen{}
}

// propose plans, locks the release, and plans again if another command has changed the release meanwhile, or was killed while
// it worked on it. found is what the last plan warns of, also where there is an error.
func (s *session) propose(ctx context.Context, plan planner) (proposed *proposal, found *warnings, err error) {
	if s.isDry() {
		return s.proposeDry(ctx, plan)
	}
	found = &warnings{}
	first, failure := plan(ctx, s.Planning(found))
	if failure != nil && !s.IsPending(ctx, s.Name) {
		return first, found, failure
	}
	if failure == nil && first.createNamespace {
		// A lock has to be somewhere.
		if _, err := s.cluster.CreateNamespace(ctx, s.namespace); err != nil {
			return nil, found, err
		}
	}
	if err := s.Lock(ctx); err != nil {
		return nil, found, err
	}
	history, closed, err := s.reread(ctx)
	if err != nil {
		return nil, found, err
	}
	if failure == nil && !closed && slices.EqualFunc(history, first.History, sameRecord) {
		return first, found, nil
	}
	// It may have waited for whoever defines kinds.
	s.cluster.LookAgain()
	found = &warnings{}
	proposed, err = promptly(ctx, func() (*proposal, error) { return plan(ctx, s.Planning(found)) })
	return proposed, found, err
}

// proposeDry plans without a lock. A release that another command works on, or did when it was killed, may look otherwise when
// that is over.
func (s *session) proposeDry(ctx context.Context, plan planner) (proposed *proposal, found *warnings, err error) {
	found = &warnings{}
	proposed, err = plan(ctx, s.Planning(found))
	if s.IsPending(ctx, s.Name) {
		_, _ = fmt.Fprintf(s.ErrOut, "warning: another command is working on release %s, or was killed; this is the plan as of now\n", s.Name)
	}
	if err == nil && proposed.createNamespace && s.DryRun == cmdutil.DryRunServer {
		proposed.created, err = s.tryNamespace(ctx)
	}
	return proposed, found, err
}

// tryNamespace returns the namespace of the release if it would be created.
func (s *session) tryNamespace(ctx context.Context) ([]corev1.ObjectReference, error) {
	missing, err := s.cluster.TryNamespace(ctx, s.namespace)
	if err != nil || !missing {
		return nil, err
	}
	return []corev1.ObjectReference{{APIVersion: "v1", Kind: "Namespace", Name: s.namespace}}, nil
}

// reread reads the history again now that the lock is held, and closes the newest revision if a command was killed while it
// worked on it: nobody does any more. closed reports whether it has.
func (s *session) reread(ctx context.Context) (history release.History, closed bool, err error) {
	if history, err = s.store.History(ctx, s.namespace, s.Name); err != nil {
		return nil, false, err
	}
	newest := history.Newest()
	if newest == nil || !newest.Status.Phase.Pending() {
		return history, false, nil
	}
	whole, err := s.CloseInterrupted(ctx, newest, s.held.Former())
	if err != nil {
		return nil, false, err
	}
	_, _ = fmt.Fprintf(s.ErrOut, "revision %d was %s\n", whole.Spec.Revision, whole.Status.Message)
	return history, true, nil
}

// promptly does what does not heed ctx, such as rendering and a schema, and does not wait for it longer than ctx lasts. What
// it does must change nothing, because it may go on unseen.
func promptly[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ended := make(chan result, 1)
	go func() {
		value, err := do()
		ended <- result{value, err}
	}()
	select {
	case found := <-ended:
		return found.value, found.err
	case <-ctx.Done():
		var none T
		return none, lifecycle.ErrInterrupted
	}
}

// interrupted is the error of what ctx has ended before the work began: how it noticed does not matter.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return lifecycle.ErrInterrupted
	}
	return err
}

// tell says what there is to know of the last plan and of its proposal; nil is none.
func (s *session) tell(proposed *proposal, found *warnings) {
	s.warnings.AddAll(found)
	if proposed == nil {
		return
	}
	for _, note := range proposed.notes {
		_, _ = fmt.Fprintln(s.ErrOut, note)
	}
}

// CarryOut runs a plan while the lock is held.
func (s *session) CarryOut(ctx context.Context, planned plan.Plan) (plan.Result, error) {
	ctx, cancel := s.held.While(ctx)
	defer cancel()
	runner := lifecycle.Runner{Cluster: s.cluster, Store: s.store, Observe: s.held.Observe(s.observe), Before: s.waited, Now: time.Now}
	s.waited = nil
	result, err := runner.Run(ctx, planned)
	return result, failing(planned, s.held.LostOr(err))
}

// preview prints what running a plan would do. With the server's help the error is what it would be refused for.
func (s *session) preview(ctx context.Context, proposed *proposal) (*performed, error) {
	preview, refused := lifecycle.Preview{Plan: proposed.Plan}, error(nil)
	if s.DryRun == cmdutil.DryRunServer {
		preview, refused = s.foresee(ctx, proposed)
	}
	// The answer goes to the same terminal: a frame that is drawn anew below it would erase its last lines.
	s.closeView()
	refused = errors.Join(refused, s.show(preview, refused))
	return &performed{plan: proposed.Plan, Result: plan.Result{Release: proposed.Release}, preview: &preview}, failing(proposed.Plan, refused)
}

// foresee has the server say what running a plan would do.
func (s *session) foresee(ctx context.Context, proposed *proposal) (lifecycle.Preview, error) {
	runner := lifecycle.Runner{Cluster: s.cluster, Store: s.store, Observe: s.observe, Now: time.Now}
	if s.Review.Diff {
		return runner.Compare(ctx, proposed.Plan, proposed.created...)
	}
	return runner.Preview(ctx, proposed.Plan, proposed.created...)
}

// show prints what a dry run has found, and what it would be refused for.
func (s *session) show(preview lifecycle.Preview, refused error) error {
	switch {
	case s.Review.Show != nil:
		return s.Review.Show(preview, refused)
	case s.Review.Diff:
		err := s.beside(func(streams genericiooptions.IOStreams) error {
			return printers.Diff(streams, liveAndMerged(), preview.Changes)
		})
		if err != nil {
			return err
		}
	}
	if s.Output.ForMachines() {
		return nil
	}
	return printers.Plan(s.Out, preview)
}

// Compare prints what running a plan would change, before it is run, where that was asked for. What it would be refused for is the
// error.
func (s *session) Compare(ctx context.Context, proposed *proposal) error {
	if !s.Review.Diff || s.isDry() {
		return nil
	}
	preview, refused := s.foresee(ctx, proposed)
	comparison := comparisonOf(preview, refused)
	return failing(proposed.Plan, errors.Join(refused, s.beside(comparison.Text)))
}

// beside prints on the error stream what is no answer, all at once.
func (s *session) beside(write func(genericiooptions.IOStreams) error) error {
	var text bytes.Buffer
	err := write(genericiooptions.IOStreams{In: s.In, Out: &text, ErrOut: s.ErrOut})
	_, _ = s.ErrOut.Write(text.Bytes())
	return err
}

// failing adds to the error of running a plan what was being done; nil stays nil.
func failing(planned plan.Plan, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing(planned), planned.Release.Name, err)
}

// doing is what a plan does, as its user calls it: a rollback of what was uninstalled runs as an installation.
func doing(planned plan.Plan) release.Operation {
	if planned.Release.Spec.FromRevision != 0 && planned.Operation == release.OperationInstall {
		return release.OperationRollback
	}
	return planned.Operation
}

// sweep removes what a command has left that was killed while it dropped the record. notFound is what to say where there is
// nothing.
func (o RunOptions) sweep(ctx context.Context, operation release.Operation, notFound error) (*performed, error) {
	s, err := open(o, operation)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	swept, err := s.sweep(ctx)
	if err == nil && !swept {
		err = notFound
	}
	return &performed{Result: plan.Result{Release: release.New(o.Name, s.namespace, 0)}}, err
}

// sweep removes what a command has left that was killed while it dropped the record, and reports whether there was something.
func (s *session) sweep(ctx context.Context) (bool, error) {
	switch err := s.Lock(ctx); {
	case missingNamespace(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return s.store.Sweep(ctx, s.namespace, s.Name)
}
