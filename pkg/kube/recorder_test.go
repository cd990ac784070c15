package kube_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
)

// recorder notes the requests of a client for what is in namespaces, and
// disturbs them where a test asks for it.
type recorder struct {
	mu      sync.Mutex
	lines   []string
	watches []io.Closer
	// lose is a request whose answer is to be lost, once.
	lose string
	// down is a group whose API server seems not to answer.
	down string
	// refuse tells requests that are never sent; nil is none.
	refuse func(*http.Request) bool
	// conflict tells requests that are answered with a conflict in place of the API server; nil is none.
	conflict func(*http.Request) bool
}

var errCut = errors.New("cut")

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		line := describe(request)
		if r.refuse != nil && r.refuse(request) {
			return nil, errCut
		}
		if r.conflict != nil && r.conflict(request) {
			return conflicting(request), nil
		}
		answer, err := next.RoundTrip(request)
		if err == nil && r.down != "" && request.URL.Path == "/apis" {
			err = makeStale(answer, r.down)
		}
		if err == nil && r.note(line, answer) {
			return nil, errors.Join(io.ErrUnexpectedEOF, answer.Body.Close())
		}
		return answer, err
	})
}

// conflicting is the answer to a request that conflicts with another one.
func conflicting(request *http.Request) *http.Response {
	body := `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`
	return &http.Response{
		StatusCode: http.StatusConflict, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: request,
	}
}

// makeStale says in a discovery of all groups that one cannot be asked.
func makeStale(answer *http.Response, group string) error {
	found := &apidiscoveryv2.APIGroupDiscoveryList{}
	err := json.NewDecoder(answer.Body).Decode(found)
	for i := range found.Items {
		for j := range found.Items[i].Versions {
			if version := &found.Items[i].Versions[j]; found.Items[i].Name == group {
				version.Freshness, version.Resources = apidiscoveryv2.DiscoveryFreshnessStale, nil
			}
		}
	}
	text, failure := json.Marshal(found)
	err = errors.Join(err, failure, answer.Body.Close())
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return err
}

// note keeps the request, unless it is described by nothing, and reports
// whether its answer is to be lost.
func (r *recorder) note(line string, answer *http.Response) (lose bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if line == "" {
		return false
	}
	r.lines = append(r.lines, line)
	if strings.HasPrefix(line, "WATCH") {
		r.watches = append(r.watches, answer.Body)
	}
	if lose = line == r.lose; lose {
		r.lose = ""
	}
	return lose
}

// cut ends all watches, as a network does.
func (r *recorder) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, watch := range r.watches {
		_ = watch.Close()
	}
	r.watches = nil
}

// describe is a request's verb and resource; "" for one that is not in a
// namespace.
func describe(request *http.Request) string {
	// /apis/batch/v1/namespaces/NAMESPACE/jobs/NAME
	_, path, inNamespace := strings.Cut(request.URL.Path, "/namespaces/")
	parts := strings.Split(path, "/")
	if !inNamespace || len(parts) < 2 {
		return ""
	}
	line := request.Method + " " + parts[1]
	if request.URL.Query().Get("watch") != "" {
		line = "WATCH " + parts[1]
	}
	if len(parts) > 2 {
		line += strings.Join(append([]string{"/*"}, parts[3:]...), "/")
	}
	return line
}

// take returns what was requested since, sorted.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	slices.Sort(lines)
	return lines
}
