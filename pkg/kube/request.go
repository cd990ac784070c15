package kube

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// metadataOnly asks for answers without spec and status where the server can.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

// accepted is the form in which an answer is asked for: an Unstructured is the object whole.
func accepted(answer metav1.Object) string {
	if _, whole := answer.(*unstructured.Unstructured); whole {
		return "application/json"
	}
	return metadataOnly
}

// collectionPath is where the objects of a kind in a namespace are served.
func collectionPath(mapping *meta.RESTMapping, namespace string) []string {
	path := []string{"/apis", mapping.Resource.Group, mapping.Resource.Version}
	if mapping.Resource.Group == "" {
		path = []string{"/api", mapping.Resource.Version}
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		path = append(path, "namespaces", namespace)
	}
	return append(path, mapping.Resource.Resource)
}

func objectPath(mapping *meta.RESTMapping, namespace, name string) []string {
	return append(collectionPath(mapping, namespace), name)
}

// retried sends what request makes until the answer is definite, as
// patience.Repeat does. It must be used for idempotent requests only. unsure
// tells that an earlier try may have reached the server.
func retried(ctx context.Context, request func() *rest.Request) (result rest.Result, unsure bool) {
	ctx = quiet(ctx)
	unsure, _ = patience.Repeat(ctx, func() error {
		result = request().MaxRetries(0).Do(ctx)
		if err := result.Error(); !refusal.IsTypedPatch(err) {
			return err
		}
		return nil
	})
	return result, unsure
}
