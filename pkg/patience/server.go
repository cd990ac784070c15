package patience

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// answerTime is how long an answer is waited for. An API server gives itself a minute.
	answerTime = 70 * time.Second
	// noticeAfter is how long a server may be out of reach before that is said.
	noticeAfter = 5 * time.Second
)

// errSilent is why a request ends that gets no answer.
var errSilent = fmt.Errorf("no answer after %s", answerTime)

// Server is what is known of an API server by how requests to it went. Its zero value knows nothing.
type Server struct {
	// Say is told, in words, that the server is out of reach for a while, and that it is back; nil is not told. It is
	// called once at a time.
	Say func(message string)

	mu sync.Mutex
	// met tells that the server was there, lost since when it is not; told that it was said.
	met  bool
	lost time.Time
	told bool
}

// Wrap returns a transport that asks again what only reads and gets no good answer, as Repeat does; a server that was never
// there is given a few seconds. Requests that write are sent once. No request waits for ever: without an answer in 70
// seconds it fails.
func (s *Server) Wrap(next http.RoundTripper) http.RoundTripper {
	return transport{server: s, next: next}
}

type transport struct {
	server *Server
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method != http.MethodGet || streams(request) {
		return t.send(request)
	}
	var attempts series
	for {
		response, err := t.send(request)
		failure, passes := failureIn(request, response, err)
		if !passes {
			return response, err
		}
		if !attempts.pause(request.Context(), failure, t.server.isMet()) {
			if response != nil {
				// Clients would start over.
				response.Header.Del("Retry-After")
			}
			return response, err
		}
	}
}

// streams reports whether an answer has no end.
func streams(request *http.Request) bool {
	query := request.URL.Query()
	return slices.Contains([]string{"true", "1"}, query.Get("watch")) || query.Get("follow") == "true"
}

// failureIn reads a failure out of an answer, and reports whether it passes by itself.
func failureIn(request *http.Request, response *http.Response, err error) (failure, bool) {
	if err != nil {
		return failure{}, true
	}
	found := failure{code: response.StatusCode}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		found.wait = time.Duration(seconds) * time.Second
	}
	query := request.URL.Query()
	switch found.code {
	case http.StatusInternalServerError:
		return found, true
	case http.StatusGone:
		// The version that a client asks for stays gone; what it does not ask for is the server's to find again.
		return found, !query.Has("continue") && !query.Has("resourceVersion")
	}
	return found, found.lasts()
}

// send sends a request once and, unless it streams, reads the whole answer.
func (t transport) send(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	limit := time.AfterFunc(answerTime, func() { cancel(errSilent) })
	response, err := t.next.RoundTrip(request.WithContext(ctx))
	if err == nil && streams(request) {
		limit.Stop()
		response.Body = &stream{ReadCloser: response.Body, end: func() { cancel(context.Canceled) }}
	} else {
		if err == nil {
			response, err = whole(response)
		}
		limit.Stop()
		cancel(context.Canceled)
	}
	if err != nil && errors.Is(context.Cause(ctx), errSilent) {
		err = errSilent
	}
	if request.Context().Err() == nil {
		t.server.note(response, err)
	}
	return response, err
}

// whole reads an answer to its end.
func whole(response *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// stream is an answer that is read as it comes.
type stream struct {
	io.ReadCloser
	end func()
}

// Close implements io.Closer.
func (s *stream) Close() error {
	defer s.end()
	return s.ReadCloser.Close()
}

func (s *Server) isMet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.met
}

// note remembers how a request went, and says what is news.
func (s *Server) note(response *http.Response, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.met = s.met || response.StatusCode < http.StatusInternalServerError && response.StatusCode != http.StatusTooManyRequests
		s.lost = time.Time{}
		if s.told {
			s.told = false
			s.say("the API server answers again")
		}
	case s.lost.IsZero():
		s.lost = time.Now()
	case s.met && time.Since(s.lost) >= outage:
		// Whoever asks from now on need not wait as long.
		s.met = false
	case s.met && !s.told && time.Since(s.lost) > noticeAfter:
		s.told = true
		s.say(fmt.Sprintf("the API server is out of reach (%v), trying again", err))
	}
}

func (s *Server) say(message string) {
	if s.Say != nil {
		s.Say(message)
	}
}
