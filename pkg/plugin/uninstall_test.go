package plugin_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestUninstall(t *testing.T) {
	t.Parallel()
	t.Run("what was meant is only looked for where it is said", uninstallLooksForWhatWasMeantWhereItIsSaid)
}

// A script that cleans up names many releases that are not there.
func uninstallLooksForWhatWasMeantWhereItIsSaid(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args  []string
		code  int
		looks bool
	}{
		{args: nil, code: 1, looks: true},
		{args: []string{"--dry-run=client"}, code: 1, looks: true},
		{args: []string{"--ignore-not-found"}},
		{args: []string{"--ignore-not-found", "--dry-run=client"}},
	} {
		server := newEmptyServer(t)
		args := append([]string{"uninstall", "web", "-n", "shop", "--server", server.URL}, test.args...)
		_, stderr, code := run(t, args...)
		if code != test.code || strings.Contains(stderr, `release "web" in namespace "shop": not found`) != (code == 1) {
			t.Errorf("%v: exit code %d: %s", test.args, code, stderr)
		}
		if looks := slices.Contains(server.asked(), "/api/v1/secrets"); looks != test.looks {
			t.Errorf("%v: looks for other releases: %t; it asked for %v", test.args, looks, server.asked())
		}
	}
}

// emptyServer is a cluster with nothing in it, which takes every object that is written.
type emptyServer struct {
	*httptest.Server
	mu    sync.Mutex
	paths []string
}

func newEmptyServer(t *testing.T) *emptyServer {
	t.Helper()
	server := &emptyServer{}
	server.Server = httptest.NewServer(server)
	t.Cleanup(server.Close)
	return server
}

// asked are the paths of the requests.
func (s *emptyServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.paths)
}

// ServeHTTP implements http.Handler.
func (s *emptyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.paths = append(s.paths, r.URL.Path)
	s.mu.Unlock()
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, r.Body)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "List", "metadata": {}, "items": []}`)
}
