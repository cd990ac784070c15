package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
)

// server answers one request after the other by its handlers, the last for
// all that follow, and counts them.
func server(t *testing.T, handlers ...http.HandlerFunc) (rest.Interface, *atomic.Int32) {
	t.Helper()
	count := &atomic.Int32{}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(count.Add(1)), len(handlers))-1](w, r)
	}))
	t.Cleanup(front.Close)
	config := unthrottled(&rest.Config{Host: front.URL})
	client, err := plainClient(config, front.Client())
	if err != nil {
		t.Fatal(err)
	}
	return client, count
}

func answer(code int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		status := "Success"
		if code >= 300 {
			status = "Failure"
		}
		fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": %q, "message": %q, "code": %d}`, status, message, code)
	}
}

func busy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "too many requests", http.StatusTooManyRequests)
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	hijacker, _ := w.(http.Hijacker)
	if connection, _, err := hijacker.Hijack(); err == nil {
		_ = connection.Close()
	}
}

func TestRetried(t *testing.T) {
	t.Parallel()
	t.Run("errors of the moment are tried again", errorsOfTheMomentAreTriedAgain)
	t.Run("it ends with the context", retriesEndWithTheContext)
}

func errorsOfTheMomentAreTriedAgain(t *testing.T) {
	t.Parallel()
	fine := answer(http.StatusOK, "")
	for name, test := range map[string]struct {
		handlers []http.HandlerFunc
		requests int32
		unsure   bool
		code     int32
		atLeast  time.Duration
	}{
		"a good answer is not asked twice":       {handlers: []http.HandlerFunc{fine}, requests: 1},
		"a lost connection":                      {handlers: []http.HandlerFunc{hangUp, fine}, requests: 2, unsure: true},
		"an error of the moment":                 {handlers: []http.HandlerFunc{answer(500, "etcd: leader changed"), answer(503, ""), fine}, requests: 3, unsure: true},
		"a busy server, after the time it names": {handlers: []http.HandlerFunc{busy, fine}, requests: 2, atLeast: time.Second},
		"an error that stays is given up":        {handlers: []http.HandlerFunc{answer(500, "no")}, requests: 6, unsure: true, code: 500},
		"invalid fields are an answer":           {handlers: []http.HandlerFunc{answer(500, "failed to create typed patch object (x): .a: no")}, requests: 1, code: 500},
		"a refusal is an answer":                 {handlers: []http.HandlerFunc{answer(403, "no")}, requests: 1, code: 403},
		"a conflict is an answer":                {handlers: []http.HandlerFunc{answer(409, "no")}, requests: 1, code: 409},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, count := server(t, test.handlers...)
			start := time.Now()
			result, unsure := retried(t.Context(), func() *rest.Request { return client.Patch("x").AbsPath("/x").Body([]byte("{}")) })
			code := int32(0)
			var status apierrors.APIStatus
			if errors.As(result.Error(), &status) {
				code = status.Status().Code
			}
			if count.Load() != test.requests || unsure != test.unsure || code != test.code || time.Since(start) < test.atLeast {
				t.Errorf("%d requests, unsure %v, code %d (%v), after %s", count.Load(), unsure, code, result.Error(), time.Since(start))
			}
		})
	}
}

func retriesEndWithTheContext(t *testing.T) {
	t.Parallel()
	client, _ := server(t, busy)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	result, _ := retried(ctx, func() *rest.Request { return client.Get().AbsPath("/x") })
	if err := result.Error(); err == nil || time.Since(start) > 900*time.Millisecond {
		t.Errorf("%v after %s", err, time.Since(start))
	}
}
