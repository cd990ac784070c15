package lifecycle

import (
	"fmt"
	"slices"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// timeline keeps what a run does, when, and to which objects, in the status of its release. It writes nothing itself: what it has kept goes out
// with the records of hooks and of the end, so it costs no request.
type timeline struct {
	clock func() time.Time
	spans []release.Span
	// changes are what was done to objects, by earlier attempts at the operation, too.
	changes release.Changes
	// status is where the spans are kept; nil as long as nothing of the run is on record, and for an operation that leaves the
	// status of the revision to the one before it.
	status *release.Status
	// counting is the span whose objects are counted, by its place; -1 where there is none.
	counting int
	// deletion is what a deletion is called.
	deletion string
}

// newTimeline returns a timeline that begins with what was done before the run. status is that of the revision before it.
func newTimeline(operation release.Operation, status release.Status, clock func() time.Time, before []release.Span) *timeline {
	t := &timeline{clock: clock, spans: slices.Clone(before), counting: -1, deletion: "prune"}
	if operation == status.Operation || operation == release.OperationUndo {
		t.changes = status.Changes.Attempted()
	}
	if operation == release.OperationUninstall || operation == release.OperationUndo {
		t.deletion = "delete"
	}
	return t
}

// KeepIn has a status hold the timeline from now on, after what it holds of an operation that this one undoes.
func (t *timeline) KeepIn(status *release.Status, undoes bool) {
	if undoes {
		t.spans = slices.Concat(status.Timeline, t.spans)
	}
	t.status = status
	t.keep()
}

func (t *timeline) keep() {
	if t.status != nil {
		t.status.Timeline, t.status.Changes = t.spans, t.changes
	}
}

// Begin notes that something begins, and returns what notes how it ended, and returns how long it took.
func (t *timeline) Begin(span release.Span) (end func(error) time.Duration) {
	span.StartedAt = release.Instant(t.clock())
	t.spans = append(t.spans, span)
	at, counted := len(t.spans)-1, t.counting
	if span.Kind == release.SpanApply || span.Kind == release.SpanDelete {
		t.counting = at
	}
	t.keep()
	return func(err error) time.Duration {
		finished := release.Instant(t.clock())
		t.spans[at].FinishedAt, t.spans[at].Result = &finished, release.SpanSucceeded
		if err != nil {
			t.spans[at].Result = release.SpanFailed
		}
		t.counting = counted
		t.keep()
		return t.spans[at].Elapsed()
	}
}

// Observe counts what becomes of objects, and notes which they are.
func (t *timeline) Observe(event Event) {
	if result := t.changeOf(event); result != "" {
		object := event.Object
		t.changes.Add(result, kinds.Key{Group: object.Group, Kind: object.Kind, Namespace: object.Namespace, Name: object.Name})
		t.keep()
	}
	if t.counting < 0 || event.Type != ObjectApplied && event.Type != ObjectDeleted && event.Type != ObjectKept {
		return
	}
	span := &t.spans[t.counting]
	if span.Counts == nil {
		span.Counts = map[string]int{}
	}
	span.Counts[string(event.Result)]++
	t.keep()
}

// changeOf is what the run did to the object of an event; "" for nothing, and for what hooks make.
func (t *timeline) changeOf(event Event) release.ChangeResult {
	switch {
	case event.Object == nil:
		return ""
	case event.Type == ObjectGivenBack, event.Type == ObjectHandedOver:
		return changeResults()[event.Result]
	case t.counting < 0 || event.Type != ObjectApplied && event.Type != ObjectDeleted:
		return ""
	case event.Result == ResultDeleted && t.deletion == "prune" && t.spans[t.counting].Kind == release.SpanDelete:
		return release.ChangePruned
	}
	return changeResults()[event.Result]
}

// changeResults are the results of events as records have them; those that are no change of an object are not among them.
func changeResults() map[Result]release.ChangeResult {
	return map[Result]release.ChangeResult{
		ResultCreated: release.ChangeCreated, ResultConfigured: release.ChangeConfigured, ResultAdopted: release.ChangeAdopted,
		ResultDeleted: release.ChangeDeleted, ResultGivenBack: release.ChangeGivenBack, ResultHandedOver: release.ChangeHandedOver,
		ResultUnchanged: release.ChangeNone,
	}
}

// BeginStep notes that a step begins. One that takes no time is not noted.
func (t *timeline) BeginStep(step plan.Step) (end func(error) time.Duration) {
	switch step.Action {
	case plan.Apply:
		return t.Begin(release.Span{Kind: release.SpanApply, Name: applyName(step), Count: len(step.Objects)})
	case plan.RunHooks:
		return t.Begin(release.Span{Kind: release.SpanPhase, Name: string(step.Phase), Count: len(step.Hooks)})
	case plan.Wait:
		return t.Begin(release.Span{Kind: release.SpanWait, Name: "wait", Count: len(step.Objects)})
	case plan.Delete:
		return t.Begin(release.Span{Kind: release.SpanDelete, Name: t.deletion, Count: len(step.Entries)})
	case plan.GiveBack:
		return t.Begin(release.Span{Kind: release.SpanGiveBack, Name: "give back", Count: len(step.Entries)})
	case plan.HandOver:
		return t.Begin(release.Span{Kind: release.SpanHandOver, Name: "hand over", Count: len(step.Handovers)})
	case plan.Keep, plan.WriteHelm:
	}
	return func(error) time.Duration { return 0 }
}

// applyName names a wave.
func applyName(step plan.Step) string {
	switch {
	case step.Early:
		return fmt.Sprintf("apply early, wave %d", step.Wave)
	case step.Wave == 0:
		return "apply definitions and namespaces"
	}
	return fmt.Sprintf("apply wave %d", step.Wave)
}
