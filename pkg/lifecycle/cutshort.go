package lifecycle

import (
	"context"
	"errors"
	"strings"
)

// Because adds to an error why the work was cut short, if it was: ErrTimedOut, ErrInterrupted or ErrLockLost. That a context has
// ended, which the error may say too, is left out of the text: it is the same in a programmer's words.
func Because(ctx context.Context, err error) error {
	reason := ended(ctx)
	if err == nil || reason == nil {
		return err
	}
	var failed *HookError
	if errors.As(err, &failed) && errors.Is(err, reason) {
		// It says so itself, and its text holds a log, which may have any words.
		return err
	}
	return &cutShort{reason: reason, err: err}
}

// cutShort is an error of work that was ended from outside.
type cutShort struct{ reason, err error }

// Error says first why the work was ended, once.
func (e *cutShort) Error() string {
	var failed *HookError
	if errors.As(e.err, &failed) {
		return e.reason.Error() + ": " + e.err.Error()
	}
	text, reason := withoutContext(e.err.Error()), e.reason.Error()
	if errors.Is(e.err, e.reason) && text != "" {
		return text
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, reason+": "), ": "+reason)
	if text == "" || text == reason {
		return reason
	}
	return reason + ": " + text
}

// Unwrap returns both errors.
func (e *cutShort) Unwrap() []error { return []error{e.reason, e.err} }

// withoutContext leaves out of a text that a context has ended.
func withoutContext(text string) string {
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		said := ended.Error()
		for _, words := range []string{": " + said, " (" + said + ")", said + ": ", said} {
			text = strings.ReplaceAll(text, words, "")
		}
	}
	return text
}
