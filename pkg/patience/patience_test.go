package patience

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestRepeat(t *testing.T) {
	t.Parallel()
	t.Run("failures that pass are waited out", failuresThatPassAreWaitedOut)
	t.Run("it ends with its context", repeatEndsWithItsContext)
}

func failuresThatPassAreWaitedOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// answers come one after the other, the last for ever.
		answers []error
		calls   int
		unsure  bool
		// least and most are how long it takes.
		least, most time.Duration
	}{
		"what is done":                       {answers: []error{nil}, calls: 1},
		"a refusal":                          {answers: []error{answered(http.StatusForbidden, 0)}, calls: 1},
		"a conflict":                         {answers: []error{answered(http.StatusConflict, 0)}, calls: 1},
		"an end of the work":                 {answers: []error{context.Canceled}, calls: 1},
		"a lost connection":                  {answers: []error{lost(syscall.ECONNRESET), nil}, calls: 2, unsure: true, least: 80 * time.Millisecond, most: time.Second},
		"a lost answer":                      {answers: []error{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), nil}, calls: 2, unsure: true, most: time.Second},
		"a server without time":              {answers: []error{answered(http.StatusTooManyRequests, 0), nil}, calls: 2, most: time.Second},
		"a server that names a time":         {answers: []error{answered(http.StatusTooManyRequests, 7), nil}, calls: 2, least: 7 * time.Second, most: 7 * time.Second},
		"a time that is longer than we have": {answers: []error{answered(http.StatusTooManyRequests, 600)}, calls: 2, least: time.Minute, most: time.Minute},
		"an error of the server's that passes": {
			answers: []error{answered(http.StatusInternalServerError, 0), answered(http.StatusGatewayTimeout, 0), nil},
			calls:   3, unsure: true, most: time.Second,
		},
		"an error of the server's that lasts": {
			answers: []error{answered(http.StatusInternalServerError, 0)}, calls: tries, unsure: true, least: 2 * time.Second, most: 5 * time.Second,
		},
		"an outage that passes": {
			answers: append(slicesOf(20, lost(syscall.ECONNREFUSED)), nil), calls: 21, unsure: true, least: 20 * time.Second, most: 40 * time.Second,
		},
		"errors of the server's after an outage": {
			answers: append(slicesOf(10, lost(syscall.ECONNREFUSED)), answered(http.StatusInternalServerError, 0), nil),
			calls:   12, unsure: true, least: 5 * time.Second, most: 40 * time.Second,
		},
		"an outage that lasts": {
			answers: []error{answered(http.StatusServiceUnavailable, 0)}, calls: 36, unsure: true, least: time.Minute, most: 63 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start, calls := time.Now(), 0
				unsure, err := Repeat(t.Context(), func() error {
					calls++
					return test.answers[min(calls, len(test.answers))-1]
				})
				took := time.Since(start)
				if last := test.answers[len(test.answers)-1]; !errors.Is(err, last) {
					t.Errorf("the error is %v, want %v", err, last)
				}
				// How long it is waited varies by a fifth.
				if more := calls - test.calls; more < -6 || more > 6 || test.calls <= 21 && more != 0 {
					t.Errorf("%d calls, want %d", calls, test.calls)
				}
				if unsure != test.unsure || took < test.least || took > test.most {
					t.Errorf("unsure %v, after %s", unsure, took)
				}
			})
		})
	}
}

// answered is the error of a client for an answer of the server.
func answered(code, seconds int) error {
	err := apierrors.NewGenericServerResponse(code, "PATCH", schema.GroupResource{}, "x", "no", seconds, true)
	err.ErrStatus.Details.RetryAfterSeconds = int32(seconds) //nolint:gosec // A small number.
	return err
}

// lost is the error of a client whose connection broke.
func lost(cause error) error {
	return &url.Error{Op: "Patch", URL: "http://x", Err: &net.OpError{Op: "read", Net: "tcp", Err: cause}}
}

func slicesOf(count int, err error) []error {
	all := make([]error, count)
	for i := range all {
		all[i] = err
	}
	return all
}

func repeatEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, err := Repeat(ctx, func() error { return answered(http.StatusServiceUnavailable, 0) })
		if took := time.Since(start); took != 5*time.Second || !apierrors.IsServiceUnavailable(err) {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestFailureOf(t *testing.T) {
	t.Parallel()
	t.Run("it keeps the time that is named", failureKeepsTimeThatIsNamed)
}

// Every way in which the server is told to come back counts, whatever the code.
func failureKeepsTimeThatIsNamed(t *testing.T) {
	t.Parallel()
	err := apierrors.NewServerTimeout(schema.GroupResource{Resource: "pods"}, "get", 3)
	if found, passes := failureOf(err); !passes || found.wait != 3*time.Second || found.code != http.StatusInternalServerError {
		t.Errorf("%+v, %v", found, passes)
	}
	if _, passes := failureOf(&apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusGone, Reason: metav1.StatusReasonExpired}}); passes {
		t.Error("what has expired passes")
	}
}
