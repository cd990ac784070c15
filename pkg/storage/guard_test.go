package storage_test

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	t.Run("nothing is written once the lock is lost", nothingIsWrittenOnceTheLockIsLost)
}

// What is guarded is not written once the lock is lost; reading goes on.
func nothingIsWrittenOnceTheLockIsLost(t *testing.T) {
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
