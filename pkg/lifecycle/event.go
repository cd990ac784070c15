package lifecycle

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// EventType says what an event reports.
type EventType string

// The types of events. For every started there is one finished, also when the work failed.
const (
	OperationStarted  EventType = "operation-started"
	OperationFinished EventType = "operation-finished"
	PhaseStarted      EventType = "phase-started"
	PhaseFinished     EventType = "phase-finished"
	HookStarted       EventType = "hook-started"
	HookProgress      EventType = "hook-progress"
	HookLog           EventType = "hook-log"
	HookFinished      EventType = "hook-finished"
	HookSkipped       EventType = "hook-skipped"
	WaveStarted       EventType = "wave-started"
	WaveFinished      EventType = "wave-finished"
	ObjectApplied     EventType = "object-applied"
	ObjectDeleted     EventType = "object-deleted"
	DeletionStarted   EventType = "deletion-started"
	DeletionProgress  EventType = "deletion-progress"
	DeletionFinished  EventType = "deletion-finished"
	ObjectKept        EventType = "object-kept"
	ObjectGivenBack   EventType = "object-given-back"
	WaitStarted       EventType = "wait-started"
	WaitProgress      EventType = "wait-progress"
	WaitFinished      EventType = "wait-finished"
	PreflightStarted  EventType = "check-started"
	PreflightFinished EventType = "check-finished"
	PreflightSkipped  EventType = "check-skipped"
	Warning           EventType = "warning"
	// LockWaiting and LockAcquired tell of another command that is waited for. They come before a run.
	LockWaiting  EventType = "lock-waiting"
	LockAcquired EventType = "lock-acquired"
)

// Result is how something went, or what became of an object, in one word. That of an event about a hook is its state.
type Result string

// The results.
const (
	ResultSucceeded  Result = "Succeeded"
	ResultFailed     Result = "Failed"
	ResultSkipped    Result = "Skipped"
	ResultWaiting    Result = "Waiting"
	ResultReady      Result = "Ready"
	ResultCreated    Result = "created"
	ResultConfigured Result = "configured"
	ResultUnchanged  Result = "unchanged"
	ResultReplaced   Result = "replaced"
	ResultRecreated  Result = "recreated"
	ResultAdopted    Result = "adopted"
	ResultRefused    Result = "refused"
	ResultDeleted    Result = "deleted"
	ResultKept       Result = "kept"
	ResultGivenBack  Result = "given back"
	ResultNotFound   Result = "not found"
	// A hook that still runs is waited for by a preview: as the operation's own, or before it runs again.
	ResultAwaited            Result = "waited for"
	ResultAwaitedAndReplaced Result = "waited for, then replaced"
)

// Event is one thing that happened. Events of one run come in order, one at a time.
type Event struct {
	Time time.Time `json:"time"`
	// Seq counts the events of a run from 1. Where they are printed it counts those of the command.
	Seq       int               `json:"seq"`
	Type      EventType         `json:"type"`
	Operation release.Operation `json:"operation,omitempty"`
	Release   string            `json:"release,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	Revision  int               `json:"revision,omitempty"`
	Outcome
}

// Outcome is what an event is about and how it went; fields that do not apply are empty.
type Outcome struct {
	Phase   string       `json:"phase,omitempty"`
	Hook    *EventHook   `json:"hook,omitempty"`
	Object  *EventObject `json:"object,omitempty"`
	Result  Result       `json:"result,omitempty"`
	Reason  string       `json:"reason,omitempty"`
	Message string       `json:"message,omitempty"`
	// ElapsedMS is how long something took; of an operation that has started, how much of its time limit is used, in milliseconds.
	ElapsedMS int64 `json:"elapsedMs,omitempty"`
	// LogTail is the end of the log of a hook that has failed.
	LogTail string `json:"logTail,omitempty"`
	// Container is the one that a line of a log is from, where its Pod has several.
	Container string `json:"container,omitempty"`
	// Count is how many objects or hooks something is about that has started, and Index the place of a hook among those of its
	// phase, from 1.
	Count int `json:"count,omitempty"`
	Index int `json:"index,omitempty"`
	// TimeoutMS is how long an operation may take, in milliseconds, and Prune how many objects it will delete.
	TimeoutMS int64 `json:"timeoutMs,omitempty"`
	Prune     int   `json:"prune,omitempty"`
	// Title and Summary are a hook and its state as people see them, and Summary is in short why an object is not ready, or who
	// holds the lock; Wave is the number of a wave. They are not part of the JSON form.
	Title   string `json:"-"`
	Summary string `json:"-"`
	Wave    int    `json:"-"`
}

// EarlierRun is why the object of a hook is deleted that an earlier run has left.
const EarlierRun = "EarlierRun"

// EventHook names the hook that an event is about.
type EventHook struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// EventObject names the object that an event is about.
type EventObject struct {
	Group     string `json:"group"`
	Version   string `json:"version"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

func eventObject(ref corev1.ObjectReference) *EventObject {
	gvk := ref.GroupVersionKind()
	return &EventObject{
		Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind,
		Namespace: ref.Namespace, Name: ref.Name, UID: string(ref.UID),
	}
}

// reporter tells of a run to its observer.
type reporter struct {
	// observe may be nil.
	observe func(Event)
	// notices are what the cluster has noticed since it was asked last.
	notices func() []string
	clock   func() time.Time
	// about is what all events have in common.
	about   Event
	started time.Time
	seq     int
}

// Timestamp is the time now, as the record has it: in UTC, to the second.
func (r *reporter) Timestamp() *metav1.Time {
	now := metav1.NewTime(r.clock().UTC().Truncate(time.Second))
	return &now
}

// Since is how long ago something was begun, in milliseconds.
func (r *reporter) Since(begun time.Time) int64 { return r.clock().Sub(begun).Milliseconds() }

// Emit reports what happened, after what the cluster has noticed meanwhile.
func (r *reporter) Emit(kind EventType, outcome Outcome) {
	if r.observe == nil {
		return
	}
	for _, notice := range r.notices() {
		r.tell(Warning, Outcome{Message: notice})
	}
	r.tell(kind, outcome)
}

func (r *reporter) tell(kind EventType, outcome Outcome) {
	r.seq++
	event := r.about
	event.Time, event.Seq, event.Type, event.Outcome = r.clock().UTC(), r.seq, kind, outcome
	r.observe(event)
}

// Warn reports a warning about a phase; "" is none.
func (r *reporter) Warn(phase hook.Phase, format string, args ...any) {
	r.Emit(Warning, Outcome{Phase: string(phase), Message: fmt.Sprintf(format, args...)})
}

// resultOf is how work ended that has an error, or nil.
func resultOf(err error) Result {
	if err != nil {
		return ResultFailed
	}
	return ResultSucceeded
}
