package lifecycle

import (
	"errors"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// reasonDeleted is the reason of a hook whose object was deleted before it finished.
const reasonDeleted = "Deleted"

// suspendedMessage is what is said of a Job that is suspended, while it is and when the time is over.
const suspendedMessage = "the Job is suspended"

// conclude writes how a hook ended into its record.
func (x *execution) conclude(h plan.Hook, outcome kube.HookOutcome, err error, elapsed time.Duration) {
	record := x.record(h)
	record.UID, record.Attempts = outcome.Applied.Ref.UID, outcome.Attempts
	if err == nil && outcome.Succeeded {
		record.State = release.HookSucceeded
		return
	}
	record.State, record.Reason = release.HookFailed, outcome.Reason
	record.Container, record.ExitCode, record.Signal = outcome.Container, outcome.ExitCode, outcome.Signal
	record.LogTail, record.LogNote = outcome.LogTail, outcome.LogHint
	waits := x.waitsFor(h, outcome)
	if record.Reason == "" {
		record.Reason = reasonFor(err, x.suspended)
	}
	// A request that was cut off may have been carried out.
	running := (record.UID != "" || outcome.Applied.Err != nil) && !h.Has(hook.HookFailed)
	known := join(strings.TrimSuffix(outcome.Message, "."), waits, unsaid(outcome, err))
	if errors.Is(err, ErrTimedOut) {
		known = join(known, h.NeverEnds())
	}
	record.Message = sentence(record, known, err, elapsed)
	if running && errors.Is(err, ErrInterrupted) {
		record.Message += "; " + h.Object.Key().String() + " may still be running"
	}
}

// unsaid is what the error says of a hook that was not applied, beside that its time was over.
func unsaid(outcome kube.HookOutcome, err error) string {
	if err == nil || outcome.Applied.Ref.UID != "" {
		return ""
	}
	text := err.Error()
	for _, over := range []error{ErrTimedOut, ErrInterrupted} {
		if text == over.Error() {
			return ""
		}
		text = strings.TrimSuffix(strings.TrimPrefix(text, over.Error()+": "), ": "+over.Error())
	}
	return text
}

// waitsFor says what a hook waits for that does not itself say so.
func (x *execution) waitsFor(h plan.Hook, outcome kube.HookOutcome) string {
	condition, given := h.Object.GetAnnotations()[hook.ReadyWhenAnnotation]
	switch {
	case outcome.Message != "":
		return ""
	case x.suspended:
		return suspendedMessage
	case given:
		return "waiting for " + condition
	}
	return ""
}

func reasonFor(err error, suspended bool) string {
	switch {
	case errors.Is(err, ErrTimedOut) && suspended:
		return release.ReasonSuspended
	case errors.Is(err, ErrTimedOut):
		return release.ReasonTimedOut
	case errors.Is(err, ErrInterrupted):
		return release.ReasonInterrupted
	}
	return ""
}

// sentence says for people how a hook failed: what happened, how often it was tried, and how long it took.
func sentence(record *release.Hook, known string, err error, elapsed time.Duration) string {
	effort := rounded(elapsed).String()
	if record.Attempts > 0 {
		effort += ", " + words.Count(record.Attempts, "attempt")
	}
	switch {
	case errors.Is(err, ErrTimedOut):
		return join(known, "timed out after "+effort)
	case errors.Is(err, ErrInterrupted):
		return join(known, "interrupted after "+effort)
	case err != nil:
		return err.Error()
	}
	return known + " (" + effort + ")"
}

// rounded leaves a tenth of a second only where it counts.
func rounded(elapsed time.Duration) time.Duration {
	const long = 10 * time.Second
	if elapsed >= long {
		return elapsed.Round(time.Second)
	}
	return elapsed.Round(time.Second / 10)
}

func join(parts ...string) string {
	var said []string
	for _, part := range parts {
		if part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, ", ")
}

// summary is the part of an error that fits into a status: its first line and, for objects that are not ready, the first
// of them.
func summary(err error) string {
	line, rest, _ := strings.Cut(err.Error(), "\n")
	var unready *kube.NotReadyError
	if errors.As(err, &unready) {
		first, _, _ := strings.Cut(rest, "\n")
		line = strings.TrimSuffix(line, ":") + ": " + strings.TrimSpace(first)
	}
	return line
}
