package storage_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// never is the time that tests wait for what must not take as long.
const never = time.Minute

const leaseOfShop = "sh.sherpack.release.v1.shop"

func locks(t *testing.T, config *rest.Config, run string) *storage.Locks {
	t.Helper()
	found, _ := locksAndStore(t, config, run)
	return found
}

func locksAndStore(t *testing.T, config *rest.Config, run string) (*storage.Locks, *storage.Secrets) {
	t.Helper()
	store, err := storage.NewSecrets(config, run)
	if err != nil {
		t.Fatal(err)
	}
	locks, err := storage.NewLocks(config, store)
	if err != nil {
		t.Fatal(err)
	}
	return locks, store
}

// line is a connection to the API server that can be cut.
type line struct {
	*rest.Config
	mu    sync.RWMutex
	isCut bool
}

// cut cuts the line, or mends it. What is under way has arrived before.
func (l *line) cut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = cut
}

func newLine(t *testing.T) *line {
	t.Helper()
	server := proxy.Start(t, clustertest.Config(t))
	l := &line{Config: server.Config()}
	server.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		l.mu.RLock()
		defer l.mu.RUnlock()
		if l.isCut {
			return nil, proxy.ErrCut
		}
		return upstream.RoundTrip(request)
	})
	return l
}

func acquire(t *testing.T, locks *storage.Locks, namespace string) *storage.Lock {
	t.Helper()
	lock, err := locks.Acquire(t.Context(), namespace, "shop", "upgrade", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Over a line that is cut it takes too long.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
		defer cancel()
		_ = lock.Release(ctx)
	})
	return lock
}

func clientset(t *testing.T) kubernetes.Interface {
	t.Helper()
	found, err := kubernetes.NewForConfig(clustertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// acquireNow takes the lock for a third run, and gives it up with the test.
func acquireNow(t *testing.T, namespace string) (*storage.Lock, error) {
	t.Helper()
	lock, err := locks(t, clustertest.Config(t), "third").Acquire(t.Context(), namespace, "shop", "upgrade", 0)
	if err == nil {
		t.Cleanup(func() { _ = lock.Release(context.WithoutCancel(t.Context())) })
	}
	return lock, err
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// limited is a configuration for a user who may do no more in the namespace than these verbs with Leases.
func limited(t *testing.T, namespace string, verbs ...string) *rest.Config {
	t.Helper()
	config := clustertest.Config(t)
	config.Impersonate.UserName = clustertest.User(t, namespace, "limited",
		rbacv1.PolicyRule{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: verbs})
	return config
}

// dated has an API server's clock go ahead of itself, so that what is fresh looks old; by 0, it does not tell the time.
func dated(t *testing.T, ahead time.Duration) *rest.Config {
	t.Helper()
	config := clustertest.Config(t)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(request)
			if err == nil {
				response.Header.Del("Date")
			}
			if err == nil && ahead > 0 {
				response.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
			}
			return response, err
		})
	})
	return config
}

// awaitRenewal waits until the lease of the release is renewed.
func awaitRenewal(t *testing.T, namespace string) {
	t.Helper()
	changes, err := clientset(t).CoordinationV1().Leases(namespace).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Stop()
	for change := range changes.ResultChan() {
		if change.Type == watch.Modified {
			return
		}
	}
	t.Fatal("the watch has ended")
}

// awaitTime waits until a time has passed: there is nothing to see meanwhile.
func awaitTime(d time.Duration) { <-time.After(d) }
