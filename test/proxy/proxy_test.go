package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestRequestsAreRecordedInOrder(t *testing.T) {
	t.Parallel()
	p := startBefore(t, http.NotFound)
	send(t, p, http.MethodGet, "/api/v1/pods?limit=5", "")
	send(t, p, http.MethodPost, "/api/v1/namespaces/a/pods", "{}")

	got := p.Requests()
	if len(got) != 2 {
		t.Fatalf("%d requests are recorded, want 2", len(got))
	}
	first := got[0]
	if first.Method != http.MethodGet || first.Path != "/api/v1/pods" || first.Query.Get("limit") != "5" {
		t.Errorf("the first request is %+v", first)
	}
	if first.Status != http.StatusNotFound || first.UserAgent != "probe/1" {
		t.Errorf("the first request has status %d and user agent %q", first.Status, first.UserAgent)
	}
	if first.Start.After(first.End) || first.Start.After(got[1].Start) {
		t.Errorf("times are out of order: %v to %v, then %v", first.Start, first.End, got[1].Start)
	}
	p.Reset()
	if got := p.Requests(); len(got) != 0 {
		t.Errorf("after a reset there are still %d requests", len(got))
	}
}

func TestWritesAreWhatIsMeantToChangeSomething(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/namespaces/a/configmaps"
	for name, test := range map[string]struct {
		method, path, body string
		want               bool
	}{
		"a read":                          {method: "GET", path: path},
		"a creation":                      {method: "POST", path: path, body: "{}", want: true},
		"an apply":                        {method: "PATCH", path: path + "/c?fieldManager=x", body: "{}", want: true},
		"an update":                       {method: "PUT", path: path + "/c", body: "{}", want: true},
		"a deletion":                      {method: "DELETE", path: path + "/c", body: `{"propagationPolicy":"Background"}`, want: true},
		"a deletion without options":      {method: "DELETE", path: path + "/c", want: true},
		"a deletion in unreadable form":   {method: "DELETE", path: path + "/c", body: "k8s\x00", want: true},
		"a dry-run":                       {method: "PATCH", path: path + "/c?dryRun=All", body: "{}"},
		"a dry-run deletion":              {method: "DELETE", path: path + "/c", body: `{"dryRun":["All"]}`},
		"a dry-run deletion in the query": {method: "DELETE", path: path + "/c?dryRun=All"},
		"a question about rights":         {method: "POST", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body: "{}"},
		"a question about the user":       {method: "POST", path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", body: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startBefore(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(w, r.Body)
			})
			if got := send(t, p, test.method, test.path, test.body); got != test.body {
				t.Errorf("the server got the body %q, want %q", got, test.body)
			}
			if got := len(p.Writes()) == 1; got != test.want {
				t.Errorf("counts as a write: %v, want %v", got, test.want)
			}
			if len(p.Requests()) != 1 {
				t.Errorf("requests: %v", p.Requests())
			}
		})
	}
}

func TestStreamsArePassedOnAsTheyCome(t *testing.T) {
	t.Parallel()
	proceed := make(chan struct{})
	p := startBefore(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		<-proceed
		_, _ = io.WriteString(w, "second\n")
	})
	answer := do(t, p, http.MethodGet, "/watch", nil)
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	if line, err := lines.ReadString('\n'); line != "first\n" {
		t.Fatalf("read %q: %v", line, err)
	}
	open := p.Requests()[0]
	if open.Status != http.StatusOK || !open.End.IsZero() {
		t.Errorf("while it is open, the stream has status %d and end %v", open.Status, open.End)
	}
	close(proceed)
	if line, err := lines.ReadString('\n'); line != "second\n" {
		t.Errorf("read %q: %v", line, err)
	}
}

func TestChunkedBodiesArePassedOn(t *testing.T) {
	t.Parallel()
	p := startBefore(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, strings.Join(r.TransferEncoding, ","))
	})
	// A reader of unknown length.
	answer := do(t, p, http.MethodPost, "/", io.MultiReader(strings.NewReader("one "), strings.NewReader("two ")))
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if diff := cmp.Diff("one two chunked", string(body)); err != nil || diff != "" {
		t.Errorf("error %v, body (-want +got):\n%s", err, diff)
	}
}

func TestAnInterceptorAnswersInPlaceOfTheServer(t *testing.T) {
	t.Parallel()
	p := startBefore(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "real") })
	p.Intercept(func(r *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		answer, err := upstream.RoundTrip(r)
		if err == nil {
			answer.StatusCode = http.StatusTooManyRequests
		}
		return answer, err
	})
	if got := send(t, p, http.MethodGet, "/", ""); got != "real" {
		t.Errorf("body is %q", got)
	}
	p.Intercept(func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, errors.New("lost") })
	if got := send(t, p, http.MethodGet, "/", ""); got != "lost\n" {
		t.Errorf("body is %q", got)
	}
	p.Intercept(nil)
	send(t, p, http.MethodGet, "/", "")

	var statuses []int
	for _, r := range p.Requests() {
		statuses = append(statuses, r.Status)
	}
	want := []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusOK}
	if diff := cmp.Diff(want, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestACutConnectionLosesTheAnswer(t *testing.T) {
	t.Parallel()
	served := make(chan struct{}, 1)
	p := startBefore(t, func(http.ResponseWriter, *http.Request) { served <- struct{}{} })
	p.Intercept(func(r *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if answer, err := upstream.RoundTrip(r); err == nil {
			_ = answer.Body.Close()
		}
		return nil, proxy.ErrCut
	})
	request := newRequest(t, p, http.MethodPost, "/", nil)
	answer, err := http.DefaultClient.Do(request)
	if err == nil {
		_ = answer.Body.Close()
		t.Errorf("got an answer: %s", answer.Status)
	}
	select {
	case <-served:
	default:
		t.Error("the server has not seen the request")
	}
}

// startBefore starts a Proxy before a server with that handler.
func startBefore(t *testing.T, handler http.HandlerFunc) *proxy.Proxy {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return proxy.Start(t, &rest.Config{Host: server.URL})
}

func newRequest(t *testing.T, p *proxy.Proxy, method, path string, body io.Reader) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.Config().Host+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("User-Agent", "probe/1")
	return request
}

func do(t *testing.T, p *proxy.Proxy, method, path string, body io.Reader) *http.Response {
	t.Helper()
	answer, err := http.DefaultClient.Do(newRequest(t, p, method, path, body))
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func send(t *testing.T, p *proxy.Proxy, method, path, body string) string {
	t.Helper()
	answer := do(t, p, method, path, strings.NewReader(body))
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
