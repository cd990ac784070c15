package patience

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServer(t *testing.T) {
	t.Parallel()
	t.Run("what may be repeated is, and for how long", whatIsRepeated)
	t.Run("a watch is read as it comes", aWatchIsReadAsItComes)
	t.Run("whoever asks may give up", whoeverAsksMayGiveUp)
	t.Run("an outage is said", anOutageIsSaid)
}

// network answers requests.
type network func(request *http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (n network) RoundTrip(request *http.Request) (*http.Response, error) { return n(request) }

type broken struct{}

// Read implements io.Reader.
func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type silence struct{ context.Context }

// Read implements io.Reader.
func (s silence) Read([]byte) (int, error) {
	<-s.Done()
	return 0, s.Err()
}

func whatIsRepeated(t *testing.T) {
	t.Parallel()
	fine := code(http.StatusOK)
	for name, test := range map[string]struct {
		answers []network
		// method is GET and path /x unless they are given; new tells that the server has never answered before.
		method, path string
		new          bool
		requests     int
		// code is that of the answer; 0 is an error.
		code        int
		least, most time.Duration
	}{
		"an answer":                          {answers: []network{fine}, requests: 1, code: 200},
		"an answer that there is nothing":    {answers: []network{code(404)}, requests: 1, code: 404},
		"a lost connection":                  {answers: []network{cut, fine}, requests: 2, code: 200, most: time.Second},
		"half an answer":                     {answers: []network{half, fine}, requests: 2, code: 200, most: time.Second},
		"a server that stumbles":             {answers: []network{code(500), code(503), code(504), fine}, requests: 4, code: 200, most: 2 * time.Second},
		"a server that names a time":         {answers: []network{later("9"), fine}, requests: 2, code: 200, least: 9 * time.Second, most: 9 * time.Second},
		"an error that lasts":                {answers: []network{code(500)}, requests: tries, code: 500, most: 5 * time.Second},
		"an outage that passes":              {answers: append(slices.Repeat([]network{cut}, 20), fine), requests: 21, code: 200, least: 20 * time.Second, most: 40 * time.Second},
		"a server that was never there":      {answers: []network{cut}, new: true, requests: tries, most: 5 * time.Second},
		"one that has never had time":        {answers: []network{later("1")}, new: true, requests: tries, code: 429, most: 6 * time.Second},
		"a list that is lost":                {answers: []network{code(410), fine}, path: "/x?limit=500", requests: 2, code: 200, most: time.Second},
		"the rest of a list that is lost":    {answers: []network{code(410), fine}, path: "/x?continue=a", requests: 1, code: 410},
		"an old list":                        {answers: []network{code(410), fine}, path: "/x?resourceVersion=4", requests: 1, code: 410},
		"a watch is its client's to repeat":  {answers: []network{cut, fine}, path: "/x?watch=true", requests: 1},
		"a log is its reader's to repeat":    {answers: []network{cut, fine}, path: "/x?follow=true", requests: 1},
		"a write is its writer's to repeat":  {answers: []network{cut, fine}, method: "PATCH", requests: 1},
		"half an answer to a write":          {answers: []network{half, fine}, method: "PATCH", requests: 1},
		"silence":                            {answers: []network{silent, fine}, requests: 2, code: 200, least: answerTime, most: answerTime + time.Second},
		"silence within an answer":           {answers: []network{stuck, fine}, requests: 2, code: 200, least: answerTime, most: answerTime + time.Second},
		"silence that lasts":                 {answers: []network{silent}, requests: 2, least: 2 * answerTime, most: 2*answerTime + time.Second},
		"silence after a write":              {answers: []network{silent}, method: "PATCH", requests: 1, least: answerTime, most: answerTime},
		"silence where a watch should begin": {answers: []network{silent}, path: "/x?watch=1", requests: 1, least: answerTime, most: answerTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, count := connect(&Server{met: !test.new}, test.answers...)
				start := time.Now()
				got, err := send(t.Context(), t, client, test.method, "/x"+strings.TrimPrefix(test.path, "/x"))
				took := time.Since(start)
				if got != test.code || *count != test.requests || took < test.least || took > test.most {
					t.Errorf("code %d (%v), %d requests, %s", got, err, *count, took)
				}
			})
		})
	}
}

func code(code int) network {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("whole"))}, nil
	}
}

// later is an answer that names a time.
func later(seconds string) network {
	return func(request *http.Request) (*http.Response, error) {
		response, err := code(http.StatusTooManyRequests)(request)
		response.Header.Set("Retry-After", seconds)
		return response, err
	}
}

func cut(*http.Request) (*http.Response, error) { return nil, lost(syscall.ECONNREFUSED) }

// half is an answer that ends in the middle.
func half(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader("wh"), broken{}))}, nil
}

// silent never answers.
func silent(request *http.Request) (*http.Response, error) {
	<-request.Context().Done()
	return nil, request.Context().Err()
}

// stuck begins to answer.
func stuck(request *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(silence{request.Context()})}, nil
}

// connect returns a client that gets the answers one after the other, the last for ever, and the number of them.
func connect(server *Server, answers ...network) (http.RoundTripper, *int) {
	count := 0
	return server.Wrap(network(func(request *http.Request) (*http.Response, error) {
		count++
		return answers[min(count, len(answers))-1](request)
	})), &count
}

func request(ctx context.Context, t *testing.T, method, path string) *http.Request {
	t.Helper()
	made, err := http.NewRequestWithContext(ctx, method, "http://server"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// send returns the code of a whole answer, 0 without one.
func send(ctx context.Context, t *testing.T, client http.RoundTripper, method, path string) (int, error) {
	t.Helper()
	response, err := client.RoundTrip(request(ctx, t, method, path))
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "whole" {
		t.Errorf("the body is %q, %v", body, err)
	}
	if again := response.Header.Get("Retry-After"); again != "" {
		t.Errorf("the client is told to come back after %s", again)
	}
	return response.StatusCode, nil
}

// A watch has no end, and a client may end it.
func aWatchIsReadAsItComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := connect(&Server{}, stuck)
		response, err := client.RoundTrip(request(t.Context(), t, http.MethodGet, "/x?watch=true"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		ended := make(chan error)
		go func() {
			_, err := response.Body.Read(nil)
			ended <- err
		}()
		select {
		case err := <-ended:
			t.Errorf("ended by itself: %v", err)
		case <-time.After(time.Hour):
		}
		_ = response.Body.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

func whoeverAsksMayGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		server := &Server{met: true, Say: func(message string) { said = append(said, message) }}
		client, _ := connect(server, silent)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		_, err := send(ctx, t, client, http.MethodGet, "/x")
		if took := time.Since(start); took != 30*time.Second || !errors.Is(err, context.DeadlineExceeded) || said != nil {
			t.Errorf("%v after %s, said %v", err, took, said)
		}
	})
}

// An outage is said once it has lasted, and its end; and who asks after it was too long is not kept waiting again.
func anOutageIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		start := time.Now()
		server := &Server{Say: func(message string) {
			said = append(said, time.Since(start).Truncate(5*time.Second).String()+" "+message)
		}}
		up := true
		client, _ := connect(server, func(request *http.Request) (*http.Response, error) {
			if up {
				return code(http.StatusOK)(request)
			}
			return cut(request)
		})
		ask := func() error {
			_, err := send(t.Context(), t, client, http.MethodGet, "/x")
			return err
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		up = false
		if err := ask(); err == nil {
			t.Error("there was an answer")
		}
		again := time.Now()
		if err := ask(); err == nil || time.Since(again) > 5*time.Second {
			t.Errorf("%v after %s", err, time.Since(again))
		}
		up = true
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"5s the API server is out of reach (" + lost(syscall.ECONNREFUSED).Error() + "), trying again",
			time.Since(start).Truncate(5*time.Second).String() + " the API server answers again",
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
		checkShown(t, said)
	})
}

// checkShown compares what was said with what the documentation shows of an outage, but for times and the error.
func checkShown(t *testing.T, said []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown, printed []string
	for line := range strings.Lines(string(text)) {
		if message, found := strings.CutPrefix(line, "warning: the API server "); found {
			shown = append(shown, cause.ReplaceAllString(strings.TrimSpace(message), ""))
		}
	}
	for _, line := range said {
		_, message, _ := strings.Cut(line, " the API server ")
		printed = append(printed, cause.ReplaceAllString(message, ""))
	}
	if diff := cmp.Diff(shown, printed); diff != "" {
		t.Errorf("docs/troubleshooting.md (-shown +said):\n%s", diff)
	}
}

var cause = regexp.MustCompile(`\(.*\)`)
