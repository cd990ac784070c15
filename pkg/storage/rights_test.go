package storage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// limited is a configuration for a user who may do no more in the namespace than these verbs with Leases.
func limited(t *testing.T, namespace string, verbs ...string) *rest.Config {
	t.Helper()
	config := clustertest.Config(t)
	config.Impersonate.UserName = clustertest.User(t, namespace, "limited",
		rbacv1.PolicyRule{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: verbs})
	return config
}

func TestALockThatCouldNotBeRenewedIsNotTaken(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	lock, err := locks(t, limited(t, namespace, "create", "get", "delete"), "first").Acquire(t.Context(), namespace, "shop", "upgrade", 0)
	if lock != nil || !apierrors.IsForbidden(err) {
		t.Fatalf("got %v, %v", lock, err)
	}
	left, err := kubernetes.NewForConfigOrDie(clustertest.Config(t)).CoordinationV1().Leases(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("left are %v, %v", left.Items, err)
	}
}

func TestALockIsWaitedForWithoutTheRightToWatch(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	first := acquire(t, locks(t, clustertest.Config(t), "first"), namespace)
	second := locks(t, limited(t, namespace, "create", "get", "update", "delete"), "second")
	if _, err := second.Acquire(t.Context(), namespace, "shop", "upgrade", 0); err == nil || second.Unwatched() {
		t.Errorf("without patience: %v, unwatched %v", err, second.Unwatched())
	}
	done := make(chan error, 1)
	go func() {
		lock, err := second.Acquire(t.Context(), namespace, "shop", "upgrade", never)
		if err == nil {
			err = lock.Release(t.Context())
		}
		done <- err
	}()
	const often = 10 * time.Millisecond
	noticed := func(context.Context) (bool, error) { return second.Unwatched(), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), often, never, true, noticed); err != nil {
		t.Fatal(err)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What the API server refuses is told as it says it.
func TestARefusedRecordSaysWhy(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	store, err := storage.NewSecrets(limited(t, namespace, "get"), "run1")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), example(namespace, 1)); err == nil || !strings.Contains(err.Error(), `cannot create resource "secrets"`) {
		t.Errorf("the error is %v", err)
	}
}
