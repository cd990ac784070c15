package kube_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestCreateNamespace(t *testing.T) {
	t.Parallel()
	t.Run("it is created once", namespaceIsCreatedOnce)
	t.Run("one that exists is enough", namespaceThatExistsIsEnough)
}

func namespaceIsCreatedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name := b.namespace + "-more"
	t.Cleanup(func() {
		b.must(b.admin.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}))
	})
	for _, want := range []bool{true, false} {
		if got, err := b.CreateNamespace(t.Context(), name); err != nil || got != want {
			t.Errorf("created %v, want %v, %v", got, want, err)
		}
	}
}

func namespaceThatExistsIsEnough(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get", "namespaces", ""))
	if created, err := b.CreateNamespace(t.Context(), b.namespace); err != nil || created {
		t.Errorf("created %v, %v", created, err)
	}
	if _, err := b.CreateNamespace(t.Context(), b.namespace+"-no"); err == nil {
		t.Error("a namespace was created without the right to")
	}
}
