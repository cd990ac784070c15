package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

// Lookup answers the template function of that name: the object called name,
// or with an empty name a list of all, under "items". An empty namespace means
// all namespaces for a list. An object that does not exist, and one of a kind
// that the server does not serve, is an empty map.
func (c *Cluster) Lookup(ctx context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	ref := corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
	found, err := c.api.lookup(quiet(ctx), ref)
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return map[string]any{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", kinds.NameOf(ref), err)
	}
	return found, nil
}

func (c *connection) lookup(ctx context.Context, ref corev1.ObjectReference) (map[string]any, error) {
	mapping, err := c.kinds.Mapping(kinds.Of(ref))
	if err != nil {
		return nil, err
	}
	objects := c.Objects(mapping, ref.Namespace)
	if ref.Name != "" {
		object, err := objects.Get(ctx, ref.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return object.Object, nil
	}
	list, err := objects.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return list.UnstructuredContent(), nil
}
