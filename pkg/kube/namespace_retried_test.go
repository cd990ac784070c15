package kube

import (
	"net/http"
	"testing"
)

func TestRetriedCreateNamespace(t *testing.T) {
	t.Parallel()
	t.Run("a namespace is created although a request is lost", aNamespaceIsCreatedAlthoughARequestIsLost)
}

func aNamespaceIsCreatedAlthoughARequestIsLost(t *testing.T) {
	t.Parallel()
	client, count := server(t, hangUp, answer(http.StatusCreated, ""))
	cluster := newCluster(&connection{rest: client})
	if created, err := cluster.CreateNamespace(t.Context(), "shop"); err != nil || !created || count.Load() != 2 {
		t.Errorf("created %v, %v, %d requests", created, err, count.Load())
	}
}
