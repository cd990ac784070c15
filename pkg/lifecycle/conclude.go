package lifecycle

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// conclude writes how a hook ended into its record.
func (x *execution) conclude(record *release.Hook, outcome kube.HookOutcome, err error, elapsed time.Duration) {
	record.UID, record.Attempts = outcome.Applied.Ref.UID, outcome.Attempts
	if err == nil && outcome.Succeeded {
		record.State = release.HookSucceeded
		return
	}
	record.State, record.Reason = release.HookFailed, outcome.Reason
	record.Container, record.ExitCode, record.Signal = outcome.Container, outcome.ExitCode, outcome.Signal
	record.LogTail = outcome.LogTail
	record.Message = sentence(record, outcome, err, elapsed)
	if record.Reason == "" && errors.Is(err, ErrTimedOut) {
		record.Reason = release.ReasonTimedOut
	}
}

// sentence says for people how a hook failed: what happened, how often it was tried, and how long it took.
func sentence(record *release.Hook, outcome kube.HookOutcome, err error, elapsed time.Duration) string {
	known := join(strings.TrimSuffix(outcome.Message, "."), outcome.LogHint)
	effort := rounded(elapsed).String()
	if outcome.Attempts > 0 {
		effort += ", " + count(outcome.Attempts, "attempt")
	}
	switch {
	case errors.Is(err, ErrTimedOut):
		return join(known, "timed out after "+effort)
	case errors.Is(err, ErrInterrupted):
		return join(known, "interrupted after "+effort+"; "+object(record)+" may still be running")
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

func object(record *release.Hook) string {
	return manifest.Key{Kind: record.Kind, Namespace: record.Namespace, Name: record.Name}.String()
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

func count(number int, noun string) string {
	if number == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", number, noun)
}

// firstLine is the part of an error that fits into a status.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
