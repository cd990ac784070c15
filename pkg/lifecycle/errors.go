package lifecycle

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

var (
	// ErrTimedOut is in the chain of an error when the operation or a hook ran out of time.
	ErrTimedOut = errors.New("timed out")
	// ErrInterrupted is in the chain when the caller's context was cancelled: Ctrl-C, or SIGTERM.
	ErrInterrupted = errors.New("interrupted")
	// ErrLockLost is what the caller cancels its context with when another command has taken the release over. Nothing more
	// is done or recorded then: the record is the other command's.
	ErrLockLost = errors.New("the lock of the release was lost")
)

// ForeignError is an object of the plan that is on the cluster already and does not belong to this release. It was left
// alone.
type ForeignError struct {
	Ref corev1.ObjectReference
	// Owner says who it belongs to, as a phrase: "release shop/web", "Helm release shop/web", "no release",
	// and what labels and annotations say so.
	Owner string
	// Hook is the hook that would have to delete it, which is never done to what belongs to others; else empty.
	Hook string
}

// Error names the object and its owner.
func (e *ForeignError) Error() string {
	text := kinds.KeyOf(e.Ref).String() + " already exists and "
	if signs, nobodys := strings.CutPrefix(e.Owner, plan.NoOwner); nobodys {
		text += "is not part of any release" + signs
	} else {
		text += "belongs to " + e.Owner
	}
	if e.Hook != "" {
		text += fmt.Sprintf("; hook %s would delete it", e.Hook)
	}
	return text
}

// PreflightError is what would be refused, found before it could do harm.
type PreflightError struct {
	// Problems are in the order of the plan; there is at least one.
	Problems []error
	// Begun says that Namespaces and definitions that the rest builds on were applied before. Else nothing was changed but
	// what Returned names.
	Begun bool
	// Returned are the objects that were given back before, as the end of what an earlier command had begun.
	Returned []string
}

// refusedFor is what problems mean that were found before anything was done; nil for none.
func refusedFor(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	return &PreflightError{Problems: problems}
}

// Error lists the problems.
func (e *PreflightError) Error() string {
	var text strings.Builder
	if len(e.Problems) == 1 {
		text.WriteString(e.Problems[0].Error())
	} else {
		fmt.Fprintf(&text, "%d problems:", len(e.Problems))
		for _, problem := range e.Problems {
			text.WriteString("\n  - " + strings.ReplaceAll(problem.Error(), "\n", "\n    "))
		}
	}
	switch {
	case e.Begun:
	case len(e.Returned) > 0:
		text.WriteString("\nNothing was changed but what an earlier command had begun: given back was " + words.List(e.Returned, words.Many) + ".")
	default:
		text.WriteString("\nNothing was changed.")
	}
	return text.String()
}

// Unwrap returns Problems.
func (e *PreflightError) Unwrap() []error { return e.Problems }

// HookError is a hook that failed.
type HookError struct {
	// Hook is its record.
	Hook release.Hook
	// HidesLog says that the end of the log is not shown.
	HidesLog bool
	// Kept says that its object is still on the cluster, to be looked at.
	Kept bool
	// AppliedEarly are the objects that were applied because the hooks of its phase need them.
	AppliedEarly []corev1.ObjectReference
	// Err is why it could not be followed to its end: ErrTimedOut, ErrInterrupted, or that it could not be applied. nil
	// when it ended by itself.
	Err error
}

// Error says in sentences which hook failed, how, and what its log said last.
func (e *HookError) Error() string {
	var text strings.Builder
	message, more, long := strings.Cut(e.Hook.Message, "\n")
	fmt.Fprintf(&text, "hook %s failed: %s", e.Hook.Title, message)
	if len(e.AppliedEarly) > 0 {
		text.WriteString("; applied before it: " + words.List(titles(e.AppliedEarly), words.Many))
	}
	if long {
		text.WriteString("\n" + more)
	}
	if e.Hook.LogNote != "" {
		text.WriteString("\nnote: " + strings.ReplaceAll(e.Hook.LogNote, "\n", " "))
	}
	if e.Hook.LogTail != "" && !e.HidesLog {
		fmt.Fprintf(&text, "\nlast lines of the log of container %q:", e.Hook.Container)
		for line := range strings.SplitSeq(strings.TrimRight(e.Hook.LogTail, "\n"), "\n") {
			text.WriteString("\n  | " + line)
		}
	}
	return text.String()
}

// Unwrap returns Err.
func (e *HookError) Unwrap() error { return e.Err }
