package proxy

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Request is one request that went through a Proxy.
type Request struct {
	Method    string
	Path      string
	Query     url.Values
	UserAgent string
	// DryRun says that the server was asked to change nothing.
	DryRun bool
	// Status is the HTTP status of the answer, 0 as long as there is none.
	Status int
	Start  time.Time
	// End is when the last byte of the answer was passed on, zero until then. A
	// watch or a followed log has none while it is open.
	End time.Time
}

// Write reports whether the request was meant to change something in the
// cluster: no read, no dry-run, and no review, which is a question that is
// put by creating an object.
func (r Request) Write() bool {
	if r.DryRun || isReview(r.Path) {
		return false
	}
	return slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, r.Method)
}

func isReview(path string) bool {
	return strings.HasPrefix(path, "/apis/authorization.k8s.io/") || strings.HasPrefix(path, "/apis/authentication.k8s.io/")
}

// newRequest describes r as it arrives. It may read its body, and puts it back.
func newRequest(r *http.Request) (Request, error) {
	dry, err := isDryRun(r)
	return Request{
		Method:    r.Method,
		Path:      r.URL.Path,
		Query:     r.URL.Query(),
		UserAgent: r.UserAgent(),
		DryRun:    dry,
		Start:     time.Now(),
	}, err
}

func isDryRun(r *http.Request) (bool, error) {
	if slices.Contains(r.URL.Query()["dryRun"], metav1.DryRunAll) {
		return true, nil
	}
	if r.Method != http.MethodDelete {
		return false, nil
	}
	// The options of a deletion are its body.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var options metav1.DeleteOptions
	if json.Unmarshal(body, &options) != nil {
		return false, nil // none, or in a form of the server's own: it counts as a write
	}
	return slices.Contains(options.DryRun, metav1.DryRunAll), nil
}
