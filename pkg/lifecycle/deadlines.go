package lifecycle

import (
	"context"
	"errors"
	"strings"
	"time"
)

// lastWords bounds what is done after the work has ended: cleaning up behind hooks, and the last record. It holds even
// when the work ran out of time or was interrupted.
const lastWords = 30 * time.Second

// withTimeout limits work to a time; 0 means no limit. WithCause tells afterwards that it was the limit that ended it.
func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, timeout, ErrTimedOut)
}

// halfOf limits work to half of the time that a context leaves from now on; without a limit there is none.
func halfOf(ctx context.Context, now time.Time) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return withTimeout(ctx, max(1, deadline.Sub(now)/2))
}

// detached runs what must still be done after an interrupt, with a time of its own. When the lock is lost nothing must.
func detached(ctx context.Context, do func(context.Context) error) error {
	limited, cancel := withTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	if isLockLost(ctx) {
		return ErrLockLost
	}
	defer context.AfterFunc(ctx, func() {
		if isLockLost(ctx) {
			cancel()
		}
	})()
	return do(limited)
}

// ended returns ErrTimedOut, ErrInterrupted or ErrLockLost when a context has ended, else nil.
func ended(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case isLockLost(ctx):
		return ErrLockLost
	case errors.Is(context.Cause(ctx), ErrTimedOut):
		return ErrTimedOut
	}
	return ErrInterrupted
}

// isLockLost reports whether a context has ended because the lock was lost.
func isLockLost(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrLockLost) }

// WithCause adds to an error why the work was cut short, if it was: ErrTimedOut, ErrInterrupted or ErrLockLost. That a context has
// ended, which the error may say too, is removed from the text: it is the same in a programmer's words.
func WithCause(ctx context.Context, err error) error {
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
	if text := withoutContext(e.err.Error()); errors.Is(e.err, e.reason) && text != "" {
		return text
	}
	if detail := e.detail(); detail != "" {
		return e.reason.Error() + ": " + detail
	}
	return e.reason.Error()
}

// detail is what was being done when the work was ended; "" where the error says only that it was.
func (e *cutShort) detail() string {
	text, reason := withoutContext(e.err.Error()), e.reason.Error()
	if text == reason {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(text, reason+": "), ": "+reason)
}

// Unwrap returns both errors.
func (e *cutShort) Unwrap() []error { return []error{e.reason, e.err} }

// withoutContext removes from a text that a context has ended.
func withoutContext(text string) string {
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		said := ended.Error()
		for _, words := range []string{": " + said, " (" + said + ")", said + ": ", said} {
			text = strings.ReplaceAll(text, words, "")
		}
	}
	return text
}
