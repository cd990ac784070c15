package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// journal writes into the release how far the run got: its status and the records of its hooks, before and after each act.
type journal struct {
	*ledger
	store    Store
	timeline *timeline
}

// Start records the operation before anything of it is done.
func (j *journal) Start(ctx context.Context) error {
	r := j.release
	if j.plan.Operation == release.OperationUninstall && !r.Removed() {
		r.Status.Remember()
	}
	if meanwhile := j.plan.Course().Meanwhile; meanwhile != "" {
		r.Status.Phase = meanwhile
		r.Status.Operation, r.Status.Interrupted = j.plan.Operation, ""
		r.Status.StartedAt, r.Status.FinishedAt, r.Status.Message, r.Status.Cause = j.Timestamp(), nil, "", ""
		r.SetCondition(*j.Timestamp())
		j.timeline.KeepIn(&r.Status, false)
	}
	if j.plan.Operation == release.OperationUndo {
		j.timeline.KeepIn(&r.Status, true)
		// What hooks have done goes with what they did it to, so that there is nothing left to continue.
		r.Status.Interrupted = ""
	}
	if err := j.writeStart(ctx); err != nil {
		return err
	}
	j.Emit(OperationStarted, Outcome{
		TimeoutMS: j.plan.Options.Timeout.Milliseconds(), Prune: pruned(j.plan), ElapsedMS: j.Since(j.started),
	})
	for _, record := range j.plan.Skipped() {
		j.Emit(HookSkipped, j.hookOutcome(record))
	}
	return nil
}

// pruned is how many objects a plan deletes besides its other work.
func pruned(p plan.Plan) int {
	count := 0
	for _, step := range p.Steps {
		if step.Action == plan.Delete && p.Operation != release.OperationUninstall {
			count += len(step.Entries)
		}
	}
	return count
}

// writeStart records a new revision, or the status of one that is there.
func (j *journal) writeStart(ctx context.Context) error {
	if j.release.ResourceVersion == "" {
		// It may be large, and take as long as the work may. What was cut short leaves nothing behind.
		return j.store.Create(ctx, j.release)
	}
	return j.recordStatus(ctx)
}

// RecordInventory writes the inventory if it has changed.
func (j *journal) RecordInventory(ctx context.Context) error {
	if !j.stale {
		return nil
	}
	if err := j.store.UpdateInventory(ctx, j.release); err != nil {
		return err
	}
	j.stale = false
	return nil
}

// recordStatus writes the status, also when the work was interrupted.
func (j *journal) recordStatus(ctx context.Context) error {
	return detached(ctx, func(ctx context.Context) error { return j.store.UpdateStatus(ctx, j.release) })
}

// Hook returns the record of a hook; the plan has one for each of its hooks.
func (j *journal) Hook(h plan.Hook) *release.Hook {
	return j.release.Status.Hook(string(h.Phase), h.Object.Reference())
}

func (j *journal) hookOutcome(record release.Hook) Outcome {
	return Outcome{
		Phase: record.Phase, Hook: &EventHook{record.Kind, record.Namespace, record.Name},
		Title: record.Title, Summary: record.Summary(),
		Result: Result(record.State), Reason: record.Reason, Message: record.Message,
	}
}

// StartHook records that a hook runs, before it is applied.
func (j *journal) StartHook(ctx context.Context, h plan.Hook) error {
	record := j.Hook(h)
	record.State, record.StartedAt = release.HookRunning, j.Timestamp()
	return j.recordStatus(ctx)
}

// TellHook reports that a hook starts, which is one of several of its phase.
func (j *journal) TellHook(h plan.Hook, place place) {
	outcome := j.hookOutcome(*j.Hook(h))
	outcome.Index, outcome.Count = place.index, place.count
	j.Emit(HookStarted, outcome)
}

// place says which hook it is, from 1, of how many of a phase; its zero value is that of a hook that is taken up alone.
type place struct{ index, count int }

// FinishHook records how a hook ended. When the lock is lost, which is ErrLockLost, another command deals with the hook.
func (j *journal) FinishHook(ctx context.Context, h plan.Hook, end hookEnd) error {
	record := j.Hook(h)
	recordHookEnd(record, h, end)
	record.FinishedAt, record.ElapsedMS = j.Timestamp(), end.elapsed.Milliseconds()
	err := j.recordStatus(ctx)
	if isLockLost(ctx) {
		return errors.Join(ErrLockLost, err)
	}
	finished := j.hookOutcome(*record)
	finished.ElapsedMS = end.elapsed.Milliseconds()
	if record.State == release.HookFailed && j.plan.Options.Logs != plan.NoLogs {
		finished.LogTail = record.LogTail
	}
	j.Emit(HookFinished, finished)
	return err
}

// hookEnd is how following a hook ended.
type hookEnd struct {
	outcome kube.HookOutcome
	// err is why it could not be followed to its end; else nil.
	err     error
	elapsed time.Duration
	// suspended says that it is a Job that was suspended then.
	suspended bool
}

// suspendedMessage is what is said of a Job that is suspended, while it is and when the time is over.
const suspendedMessage = "the Job is suspended"

// recordHookEnd writes how a hook ended into its record.
func recordHookEnd(record *release.Hook, h plan.Hook, end hookEnd) {
	outcome, err := end.outcome, end.err
	record.UID, record.Attempts = outcome.Applied.Ref.UID, outcome.Attempts
	if err == nil && outcome.Succeeded {
		record.State, record.LogTail = release.HookSucceeded, outcome.LogTail
		return
	}
	record.State, record.Reason = release.HookFailed, outcome.Reason
	record.Container, record.ExitCode, record.Signal = outcome.Container, outcome.ExitCode, outcome.Signal
	record.LogTail, record.LogNote = outcome.LogTail, outcome.LogHint
	if record.Reason == "" {
		record.Reason = end.reason()
	}
	// A request that was cut off may have been carried out.
	running := (record.UID != "" || outcome.Applied.Err != nil) && !h.Has(hook.HookFailed)
	known := words.Join(", ", strings.TrimSuffix(outcome.Message, "."), end.waitsFor(h), end.refusal())
	if errors.Is(err, ErrTimedOut) {
		known = words.Join(", ", known, h.NeverEnds())
	}
	record.Message = end.sentence(known, record.Attempts)
	if running && errors.Is(err, ErrInterrupted) {
		record.Message += "; " + h.Object.Key().String() + " may still be running"
	}
}

// refusal says why a hook was not applied, apart from that its time was over; "" where it was.
func (e hookEnd) refusal() string {
	var cut *cutShort
	switch {
	case e.err == nil || e.outcome.Applied.Ref.UID != "":
		return ""
	case errors.As(e.err, &cut):
		return cut.detail()
	}
	return e.err.Error()
}

// waitsFor says what a hook waits for that does not itself say so.
func (e hookEnd) waitsFor(h plan.Hook) string {
	condition, given := h.Object.GetAnnotations()[hook.ReadyWhenAnnotation]
	switch {
	case e.outcome.Message != "":
		return ""
	case e.suspended:
		return suspendedMessage
	case given:
		return "waiting for " + condition
	}
	return ""
}

// reason is the reason of a hook that was not followed to its end; else "".
func (e hookEnd) reason() string {
	switch {
	case errors.Is(e.err, ErrTimedOut) && e.suspended:
		return release.ReasonSuspended
	case errors.Is(e.err, ErrTimedOut):
		return release.ReasonTimedOut
	case errors.Is(e.err, ErrInterrupted):
		return release.ReasonInterrupted
	}
	return ""
}

// sentence says for people how a hook failed: what happened, how often it was attempted, and how long it took.
func (e hookEnd) sentence(known string, attempts int) string {
	effort := words.Duration(e.elapsed)
	if attempts > 0 {
		effort += ", " + words.Count(attempts, "attempt")
	}
	switch {
	case errors.Is(e.err, ErrTimedOut):
		return words.Join(", ", known, "timed out after "+effort)
	case errors.Is(e.err, ErrInterrupted):
		return words.Join(", ", known, "interrupted after "+effort)
	case e.err != nil:
		return e.err.Error()
	}
	return known + " (" + effort + ")"
}

// summary is the part of an error that fits into a status: its first line and, for objects that are not ready, the first
// of them.
func summary(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	var unready *kube.NotReadyError
	if errors.As(err, &unready) {
		line += ": " + unready.First()
	}
	return line
}

// maxCause is how many bytes of an error are shown in a column.
const maxCause = 80

// causeOf is an error in a few words: pre-upgrade/migrate: exit code 3.
func causeOf(err error) string {
	var failed *HookError
	var unready *kube.NotReadyError
	text := summary(err)
	switch {
	case errors.As(err, &failed):
		text = words.Join(": ", failed.Hook.Title, failed.Hook.Detail())
	case errors.As(err, &unready):
		text = words.Join(": ", ErrTimedOut.Error(), unready.First())
	}
	if len(text) > maxCause {
		text = strings.ToValidUTF8(text[:maxCause], "") + "…"
	}
	return text
}

// Finish records how the operation went. The record is written even when the work was interrupted, but not when the lock was
// lost: it is another command's then.
func (j *journal) Finish(ctx context.Context, failure error, extent plan.Extent) error {
	if isLockLost(ctx) {
		failure = errors.Join(ErrLockLost, failure)
		j.Emit(OperationFinished, j.outcome(failure))
		return failure
	}
	j.closeHooks()
	if failure == nil {
		j.KeepAsApplied()
	}
	j.Shrink()
	j.recordOutcome(failure, extent)
	err := detached(ctx, j.writeEnd)
	if err == nil {
		j.makeFinal(ctx, failure == nil)
	}
	j.Emit(OperationFinished, j.outcome(failure))
	if err != nil {
		err = fmt.Errorf("the end of the operation could not be recorded: %w", err)
	}
	return errors.Join(failure, err)
}

// outcome is how the operation went.
func (j *journal) outcome(failure error) Outcome {
	outcome := Outcome{Result: ResultSucceeded, ElapsedMS: j.Since(j.started)}
	if failure != nil {
		outcome.Result, outcome.Message = ResultFailed, failure.Error()
	}
	return outcome
}

// recordOutcome writes into the status how the operation went.
func (j *journal) recordOutcome(failure error, extent plan.Extent) {
	r := j.release
	if errors.Is(failure, ErrInterrupted) && j.plan.Course().Done != "" {
		r.Status.Interrupted = j.plan.Operation
	}
	switch done := j.plan.Course().Done; {
	case j.plan.Operation == release.OperationUndo:
		r.Status.Message = words.Join("; ", r.Status.Message, undone(r, failure))
		r.SetCondition(*j.Timestamp())
		return
	case done == "":
		return
	case failure == nil:
		r.Status.Phase = done
	case extent == plan.ExtentNone && r.Status.Restore():
		r.Status.Message, r.Status.Cause = stillThere(r.Status.Message, summary(failure)), ""
		r.SetCondition(*j.Timestamp())
		return
	default:
		r.Status.Phase, r.Status.Message, r.Status.Cause = release.Failed, summary(failure), causeOf(failure)
	}
	r.Status.Before, r.Status.FinishedAt = nil, j.Timestamp()
	r.SetCondition(*j.Timestamp())
}

// writeEnd writes the inventory, which the end has made exact, and then the status. The record of a release that was
// uninstalled goes instead, unless it is to be kept.
func (j *journal) writeEnd(ctx context.Context) error {
	var dropped error
	if j.release.Status.Phase == release.Uninstalled && !j.plan.Options.KeepHistory {
		dropped = j.store.Drop(ctx, j.release.Namespace, j.release.Name)
		if dropped == nil {
			return nil
		}
	}
	if err := errors.Join(dropped, j.RecordInventory(ctx), j.store.UpdateStatus(ctx, j.release)); err != nil {
		return err
	}
	if err := j.retire(ctx); err != nil {
		j.Emit(Warning, Outcome{Message: "the history is not up to date, the next command updates it: " + err.Error()})
	}
	return nil
}

// retire follows an operation that ended a revision: where it is deployed or removed, those before it are superseded, and
// in any case the oldest forgotten. What is not done here, because the program was ended, the next operation does.
func (j *journal) retire(ctx context.Context) error {
	if j.plan.Course().Done == "" {
		return nil
	}
	superseded, forgotten := retire(j.plan.History, j.release, j.plan.Options.HistoryMax)
	if j.plan.IsUndo {
		// The record of the failure that made an undo necessary stays, however few are to be kept.
		failed := j.plan.History.Newest()
		forgotten = slices.DeleteFunc(forgotten, func(r *release.Release) bool { return r == failed })
	}
	for _, revision := range superseded {
		if err := j.store.Supersede(ctx, revision); err != nil {
			return err
		}
	}
	for _, revision := range forgotten {
		if err := j.store.Forget(ctx, revision); err != nil {
			return err
		}
	}
	return nil
}

// closeHooks says of every hook whose turn never came that it was not reached. One whose start could not be recorded was
// not applied.
func (j *journal) closeHooks() {
	hooks := j.release.Status.Hooks
	for i := range hooks {
		if hooks[i].State == release.HookPending {
			hooks[i].State, hooks[i].Reason = release.HookSkipped, release.ReasonNotReached
		}
		if hooks[i].State == release.HookRunning {
			hooks[i].State, hooks[i].Reason, hooks[i].FinishedAt = release.HookFailed, release.ReasonNotRecorded, j.Timestamp()
		}
	}
}

// retire says which revisions of a history are superseded when a new one is deployed, or removed, and which are then too
// many. The newest are kept, and the one that stays deployed. Those whose heads cannot be read do not count: they are kept
// until the release is uninstalled.
func retire(history release.History, newest *release.Release, most int) (superseded, forgotten release.History) {
	history = history.Readable()
	stays := history.Deployed()
	if newest.Status.Phase != release.Failed {
		stays = nil
		superseded = slices.DeleteFunc(slices.Clone(history), func(r *release.Release) bool {
			return r.Status.Phase != release.Deployed || r.Spec.Revision == newest.Spec.Revision
		})
	}
	tooMany := len(history) + 1 - most
	for _, revision := range history {
		if most > 0 && len(forgotten) < tooMany && revision != stays {
			forgotten = append(forgotten, revision)
		}
	}
	return superseded, forgotten
}

// makeFinal follows the last record: what an operation has adopted that succeeded is the release's from then on, to be
// deleted like all else of it; and where nothing is left to be given back, what it was is forgotten. If this is cut short,
// the next operation does it: see finalInventory in pkg/plan.
func (j *journal) makeFinal(ctx context.Context, succeeded bool) {
	r := j.release
	dropped := r.Status.Phase == release.Uninstalled && !j.plan.Options.KeepHistory
	if dropped || len(r.Former)+len(release.Provisional(r.Inventory)) == 0 {
		return
	}
	if succeeded && j.plan.Course().Done == release.Deployed {
		for i := range r.Inventory {
			j.stale = j.stale || r.Inventory[i].Provisional
			r.Inventory[i].Provisional, r.Inventory[i].Returning = false, false
		}
	}
	if err := detached(ctx, j.forgetFormer); err != nil {
		j.Emit(Warning, Outcome{Message: "the record of what was adopted is not up to date, the next command does this: " + err.Error()})
	}
}

// forgetFormer records what is final, and removes what adopted objects were if nothing is left to be given back.
func (j *journal) forgetFormer(ctx context.Context) error {
	r := j.release
	if err := j.RecordInventory(ctx); err != nil {
		return err
	}
	if r.KeepFormer(); len(r.Former) > 0 {
		return nil
	}
	return j.store.DropFormer(ctx, r.Namespace, r.Name)
}
