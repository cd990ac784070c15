package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// A request that takes longer than --request-timeout allows is the cluster's fault, whichever it is; --timeout is something
// else.
func TestARequestThatExpiresIsTheClustersFault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		// method and path are of the requests that get no answer; path is a part of theirs.
		method, path string
	}{
		"a list":            {args: []string{"list"}, method: http.MethodGet, path: "/secrets"},
		"the kinds":         {args: []string{"install", "app", stepsPack}, method: http.MethodGet, path: "/apis"},
		"the lock":          {args: []string{"install", "app", stepsPack}, method: http.MethodPost, path: "/leases"},
		"a dry run":         {args: []string{"install", "app", stepsPack}, method: http.MethodPatch, path: "/jobs/app-first"},
		"the record":        {args: []string{"install", "app", stepsPack}, method: http.MethodPost, path: "/secrets"},
		"an object":         {args: []string{"install", "app", stepsPack, "--no-hooks"}, method: http.MethodPatch, path: "/configmaps/settings"},
		"a question of its": {args: []string{"install", "app", stepsPack}, method: http.MethodGet, path: "/jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, ended := newBench(t, failure{}), make(chan struct{})
			b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
				if request.Method != test.method || !strings.Contains(request.URL.Path, test.path) || request.URL.Query().Has("watch") {
					return upstream.RoundTrip(request)
				}
				<-ended
				return nil, proxy.ErrCut
			})
			code, said := b.command(t, append(test.args, "--request-timeout=2s")...)
			close(ended)
			if code != 5 || !strings.Contains(said, "error: ") {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
}
