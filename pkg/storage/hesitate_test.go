package storage_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// A holder that cannot renew begins no write from ten seconds on, ends what it is writing at thirteen, and goes on when it
// can renew again.
func TestAHolderThatCannotRenewHesitates(t *testing.T) {
	t.Parallel()
	namespace, line := clustertest.Namespace(t), newLine(t)
	lock := acquire(t, locks(t, line.Config, "first"), namespace)
	var guard storage.Guard
	guard.Watch(lock)
	slow := proxy.Start(t, clustertest.Config(t))
	slow.Intercept(func(request *http.Request, _ http.RoundTripper) (*http.Response, error) {
		// The end of the client is only seen when it has nothing more to send.
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return nil, err
		}
		<-request.Context().Done()
		return nil, proxy.ErrCut
	})
	config := slow.Config()
	config.Wrap(guard.Wrap)
	guarded, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	awaitRenewal(t, namespace)
	line.cut(true)
	start, done := time.Now(), make(chan time.Duration, 1)
	go func() {
		_, _ = guarded.CoreV1().ConfigMaps(namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, metav1.CreateOptions{})
		done <- time.Since(start)
	}()
	for err = nil; err == nil && time.Since(start) < never; {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		err = lock.Await(ctx)
		cancel()
	}
	// It has just been renewed.
	if took := time.Since(start); took < 8*time.Second || took > 12*time.Second {
		t.Errorf("hesitated after %s", took)
	}
	if took := <-done; took < 11*time.Second || took > 15*time.Second {
		t.Errorf("what was being written ended after %s", took)
	}
	line.cut(false)
	if err := lock.Await(t.Context()); err != nil {
		t.Error(err)
	}
}

// What is guarded is not written once the lock is lost; reading goes on.
func TestAGuardKeepsWhatIsLostFromBeingWritten(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	var guard storage.Guard
	config := rest.CopyConfig(clustertest.Config(t))
	config.Wrap(guard.Wrap)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	line := newLine(t)
	lost := acquire(t, locks(t, line.Config, "first"), namespace)
	guard.Watch(lost)
	maps := client.CoreV1().ConfigMaps(namespace)
	if err := maps.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	line.cut(true)
	acquire(t, locks(t, dated(t, 20*time.Second), "second"), namespace)
	line.cut(false)
	<-lost.Lost()
	if err := maps.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); !errors.Is(err, storage.ErrLockLost) {
		t.Errorf("got %v", err)
	}
	if _, err := maps.List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}
