package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// CreateNamespace makes a plain Namespace and reports whether it was made by
// this call, as far as no answer was lost. One that exists is fine, also where
// the right to create Namespaces is missing.
func (c *Cluster) CreateNamespace(ctx context.Context, name string) (created bool, err error) {
	return c.api.createNamespace(ctx, name, "")
}

// TryNamespace reports whether CreateNamespace would make a Namespace, without
// doing it; the error is CreateNamespace's.
func (c *Cluster) TryNamespace(ctx context.Context, name string) (missing bool, err error) {
	return c.api.createNamespace(ctx, name, metav1.DryRunAll)
}

func (c *connection) createNamespace(ctx context.Context, name, dryRun string) (created bool, err error) {
	namespace := &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	result, _ := retried(ctx, func() *rest.Request {
		request := c.rest.Post().AbsPath("/api/v1/namespaces").Param("fieldManager", fieldManager).Body(namespace)
		if dryRun != "" {
			request.Param("dryRun", dryRun)
		}
		return request
	})
	switch err = result.Error(); {
	case err == nil:
		return true, nil
	case apierrors.IsAlreadyExists(err):
		return false, nil
	case apierrors.IsForbidden(err) && c.namespaceExists(ctx, name):
		return false, nil
	}
	return false, fmt.Errorf("creating Namespace/%s: %w", name, err)
}

func (c *connection) namespaceExists(ctx context.Context, name string) bool {
	return c.rest.Get().AbsPath("/api/v1/namespaces", name).Do(quiet(ctx)).Error() == nil
}
