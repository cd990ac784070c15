package release

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SpanKind says what an operation did in a span of time.
type SpanKind string

// The kinds of spans.
const (
	// SpanLock is waiting for another command.
	SpanLock SpanKind = "lock"
	// SpanPreflight is submitting everything as a dry-run.
	SpanPreflight SpanKind = "preflight"
	// SpanLeftover is ending the hooks that an earlier command has left running.
	SpanLeftover SpanKind = "leftover"
	// SpanPhase is the hooks of a phase, and what is done around them; SpanHook is one of them.
	SpanPhase SpanKind = "phase"
	SpanHook  SpanKind = "hook"
	// SpanApply is a wave of objects.
	SpanApply SpanKind = "apply"
	// SpanWait is waiting until objects are ready.
	SpanWait SpanKind = "wait"
	// SpanDelete is deleting objects, such as those that have left the pack.
	SpanDelete SpanKind = "delete"
	// SpanGiveBack is giving back what was adopted.
	SpanGiveBack SpanKind = "give-back"
	// SpanHandOver is having objects change hands.
	SpanHandOver SpanKind = "hand-over"
)

// SpanResult is how a span ended.
type SpanResult string

// The results of spans.
const (
	SpanSucceeded SpanResult = "Succeeded"
	SpanFailed    SpanResult = "Failed"
)

// Span is a part of an operation: what was done, and when.
type Span struct {
	Kind SpanKind `json:"kind"`
	// Name is what people read: preflight, pre-upgrade, pre-upgrade/migrate, apply wave 3.
	Name string `json:"name"`
	// Count is how many objects or hooks it was about; 0 where that says nothing.
	Count int `json:"count,omitempty"`
	// Counts says what became of the objects, by result, such as created and unchanged.
	Counts    map[string]int   `json:"counts,omitempty"`
	StartedAt metav1.MicroTime `json:"startedAt"`
	// FinishedAt is nil for what had not ended when the record was written.
	FinishedAt *metav1.MicroTime `json:"finishedAt,omitempty"`
	// Result is empty as long as it has not ended.
	Result SpanResult `json:"result,omitempty"`
}

// Elapsed is how long the span took; 0 where it has not ended.
func (s Span) Elapsed() time.Duration {
	if s.FinishedAt == nil {
		return 0
	}
	return max(0, s.FinishedAt.Sub(s.StartedAt.Time))
}

// Instant is a moment as the record has it: in UTC, to the millisecond.
func Instant(moment time.Time) metav1.MicroTime {
	return metav1.NewMicroTime(moment.UTC().Truncate(time.Millisecond))
}

// Elapsed is how long the hook took; 0 where it has not ended.
func (h Hook) Elapsed() time.Duration {
	switch {
	case h.ElapsedMS > 0:
		return time.Duration(h.ElapsedMS) * time.Millisecond
	case h.StartedAt == nil || h.FinishedAt == nil:
		return 0
	}
	return max(0, h.FinishedAt.Sub(h.StartedAt.Time))
}
