package plugin

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
)

func TestLock(t *testing.T) {
	t.Parallel()
	t.Run("it may be given up while its loss is waited for", lockMayBeGivenUpWhileWatched)
}

// A lock may be given up before what watches it has begun to.
func lockMayBeGivenUpWhileWatched(t *testing.T) {
	t.Parallel()
	config := leaseServer(t)
	store, err := storage.NewSecrets(config, newRun())
	if err != nil {
		t.Fatal(err)
	}
	locks, err := storage.NewLocks(config, store)
	if err != nil {
		t.Fatal(err)
	}
	held, err := locks.Acquire(t.Context(), "web", "shop", "install", 0)
	if err != nil {
		t.Fatal(err)
	}
	const tries = 1000
	for range tries {
		_, cancel := (&releaseLock{held: held}).While(t.Context())
		cancel()
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// leaseServer takes every Lease that is written, and has no other object.
func leaseServer(t *testing.T) *rest.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost, http.MethodPut:
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			_, _ = io.Copy(w, r.Body)
		case http.MethodDelete:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "Status", "status": "Success"}`)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"apiVersion": "v1", "kind": "List", "metadata": {}, "items": []}`)
		}
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}
