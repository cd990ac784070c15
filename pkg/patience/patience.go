// Package patience asks an API server again that is out of reach, busy, or stumbles for a moment.
package patience

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// outage is how long a server is waited for that was there before.
	outage = time.Minute
	// tries is how often a request is sent in all whose error may last: to a server that was never there, and where it is
	// an error of the server's own, which webhooks have, too.
	tries = 6
)

// Repeat calls ask until its error is nil, or none that passes by itself; until a server that does not answer, or has no
// time, has been waited for a minute; or until ctx ends. Times to wait that the server names are kept to. ask must be
// idempotent: an earlier call may have been carried out. Then unsure is true. The error is that of the last call.
func Repeat(ctx context.Context, ask func() error) (unsure bool, err error) {
	var attempts series
	for {
		err = ask()
		failure, passes := failureOf(err)
		if !passes || !attempts.pause(ctx, failure, true) {
			return unsure, err
		}
		unsure = unsure || failure.code != http.StatusTooManyRequests
	}
}

// failure is why a request was not carried out, or may not have been.
type failure struct {
	// code is that of the answer, 0 without one.
	code int
	// wait is how long the server wants to be left alone; 0 where it does not say.
	wait time.Duration
}

// failureOf reads a failure out of a client's error, and reports whether it passes by itself.
func failureOf(err error) (failure, bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return failure{}, unanswered(err)
	}
	found := failure{code: int(status.Status().Code)}
	seconds, named := apierrors.SuggestsClientDelay(err)
	if named {
		found.wait = time.Duration(seconds) * time.Second
	}
	return found, named || found.lasts() || found.code == http.StatusInternalServerError
}

// unanswered reports whether there was no answer of the server.
func unanswered(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errSilent) ||
		utilnet.IsProbableEOF(err) || utilnet.IsHTTP2ConnectionLost(err)
}

// lasts reports whether a failure ends with an outage, which may last.
func (f failure) lasts() bool {
	switch f.code {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// series is the tries of one request. Its zero value is ready.
type series struct {
	// since is when the first failed; zero before that.
	since   time.Time
	backoff wait.Backoff
	// counted are the failures that may be the last word; those of an outage are not, however many there are.
	counted int
}

// pause waits before the next try, and reports whether there is to be one. met tells that the server was there before.
func (s *series) pause(ctx context.Context, after failure, met bool) bool {
	if s.since.IsZero() {
		s.since = time.Now()
		s.backoff = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: tries, Jitter: 0.2, Cap: 2 * time.Second}
	}
	if !met || !after.lasts() {
		s.counted++
	}
	delay := max(s.backoff.Step(), after.wait)
	left := time.Until(s.since.Add(outage))
	if left <= 0 || s.counted >= tries {
		return false
	}
	timer := time.NewTimer(min(delay, left))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Pause waits for the duration, and returns the context's error if that ends first.
func Pause(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
