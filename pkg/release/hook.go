package release

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// HookState is how far a hook got.
type HookState string

// The states of a hook.
const (
	HookPending   HookState = "Pending"
	HookRunning   HookState = "Running"
	HookSucceeded HookState = "Succeeded"
	HookFailed    HookState = "Failed"
	HookSkipped   HookState = "Skipped"
)

// Why a hook is Skipped.
const (
	// ReasonNotReached: an earlier failure ended the operation before the hook's turn.
	ReasonNotReached = "NotReached"
	// ReasonNoHooks: the user asked for it.
	ReasonNoHooks = "SkippedByUser"
)

const (
	// ReasonInterrupted is the reason of a hook that the user interrupted before any attempt of it ended.
	ReasonInterrupted = "Interrupted"
	// ReasonNotRecorded is the reason of a hook that was not run because its start could not be recorded.
	ReasonNotRecorded = "NotRecorded"
	// ReasonSuspended is the reason of a Job that was still suspended when the time was over.
	ReasonSuspended = "Suspended"
)

// ReasonTimedOut is the reason of a hook that ran out of time before any attempt of it ended.
const ReasonTimedOut = "TimedOut"

// Hook is the record of one hook at one phase.
type Hook struct {
	// Title is how the hook is shown: pre-install/migrate.
	Title      string `json:"title"`
	Phase      string `json:"phase"`
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	Weight     int    `json:"weight,omitempty"`
	// UID is that of the object that was made; empty before it was.
	UID   types.UID `json:"uid,omitempty"`
	State HookState `json:"state"`
	// Reason is one CamelCase word: OOMKilled, ImagePullBackOff, DeadlineExceeded…; empty on success, and where the
	// exit code says all.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// ExitCode and Signal are those of the last attempt that ended; nil and 0 where none did.
	ExitCode *int32 `json:"exitCode,omitempty"`
	Signal   int32  `json:"signal,omitempty"`
	// Container is the one that failed.
	Container string `json:"container,omitempty"`
	// Attempts counts the Pods that were started.
	Attempts   int          `json:"attempts,omitempty"`
	StartedAt  *metav1.Time `json:"startedAt,omitempty"`
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// ElapsedMS is how long it took, in milliseconds; 0 where it has not ended, and in records of earlier versions.
	ElapsedMS int64 `json:"elapsedMs,omitempty"`
	// LogTail is the end of the log of the container that failed, or of the main one of a hook that has succeeded: at most 20 lines
	// and 4 KiB.
	LogTail string `json:"logTail,omitempty"`
	// LogNote says why the log could not be read; empty where it was, or need not be.
	LogNote string `json:"logNote,omitempty"`
	// FromRevision is the revision whose hook it is, where that is not this one.
	FromRevision int `json:"fromRevision,omitempty"`
	// Hash is that of the object as it was rendered, journaled before it is applied.
	Hash string `json:"hash,omitempty"`
}

// Summary is the state as `status` shows it: "Succeeded", "Failed (exit code 1)", "Failed (OOMKilled, exit code 137)".
func (h Hook) Summary() string {
	detail := h.Detail()
	if detail == "" {
		return string(h.State)
	}
	return fmt.Sprintf("%s (%s)", h.State, detail)
}

// Detail says in a few words how a hook failed, or why it was skipped; "" of any other.
func (h Hook) Detail() string {
	switch {
	case h.State == HookSkipped && h.Reason == ReasonNotReached:
		return "not reached"
	case h.State != HookFailed:
		return ""
	}
	code := h.code()
	switch {
	case code == "":
		return h.Reason
	case !explains(h.Reason):
		return code
	case isWellKnown(h.Reason):
		return h.Reason + ", " + code
	}
	return code + ", " + h.Reason
}

// code is how the container ended; "" where that is not known.
func (h Hook) code() string {
	switch {
	case h.ExitCode == nil:
		return ""
	case *h.ExitCode == 0 && h.Signal != 0:
		return fmt.Sprintf("signal %d", h.Signal)
	}
	return fmt.Sprintf("exit code %d", *h.ExitCode)
}

// isWellKnown reports whether a reason is a word of Kubernetes' own that says more than the exit code, which may come of it.
// The others are words of a container runtime, or of whoever wrote the status.
func isWellKnown(reason string) bool {
	return slices.Contains([]string{"OOMKilled", "Evicted", "DeadlineExceeded", "PodFailurePolicy", "StartError"}, reason)
}

// explains reports whether a reason says more than an exit code does.
func explains(reason string) bool {
	return !slices.Contains([]string{"", "Error", "BackoffLimitExceeded", ReasonTimedOut, ReasonInterrupted}, reason)
}

// Hook returns the record of the hook of an object at a phase, to be changed in place; nil where there is none.
func (s *Status) Hook(phase string, object corev1.ObjectReference) *Hook {
	for i := range s.Hooks {
		h := &s.Hooks[i]
		if h.Phase == phase && h.Reference() == object {
			return h
		}
	}
	return nil
}

// Reference names the object of the hook, without its UID.
func (h Hook) Reference() corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: h.APIVersion, Kind: h.Kind, Namespace: h.Namespace, Name: h.Name}
}

// HasSucceeded reports whether the records of hooks say of an object that the hook it was made for came to a good end.
func HasSucceeded(records []Hook, uid types.UID) bool {
	return slices.ContainsFunc(records, func(record Hook) bool {
		return record.UID == uid && uid != "" && record.State == HookSucceeded
	})
}

// IsOpen reports whether a hook of a phase has not come to a good end.
func IsOpen(records []Hook, phase string) bool {
	return slices.ContainsFunc(records, func(h Hook) bool {
		return h.Phase == phase && h.State != HookSucceeded && h.State != HookSkipped
	})
}
