package kube

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/health"
)

// CustomResources counts the custom resources, in all namespaces, of the kinds
// that CustomResourceDefinitions define: one entry for the name of each of
// definitions, of which only the names are looked at. They would be lost with
// the definition. A definition that does not exist, or was never established,
// has 0. That they may not be listed, or are not served, is an error.
func (c *Cluster) CustomResources(ctx context.Context, definitions []corev1.ObjectReference) (map[string]int, error) {
	ctx = quiet(ctx)
	counts := make([]int, len(definitions))
	err := each(ctx, len(definitions), atOnce, func(i int) error {
		var err error
		if counts[i], err = c.countResources(ctx, definitions[i].Name); err != nil {
			return fmt.Errorf("count the objects of CustomResourceDefinition/%s: %w", definitions[i].Name, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	byName := make(map[string]int, len(definitions))
	for i, definition := range definitions {
		byName[definition.Name] = counts[i]
	}
	return byName, nil
}

func (c *Cluster) countResources(ctx context.Context, definition string) (count int, err error) {
	err = patiently(ctx, func() error {
		found, err := c.lookup(ctx, corev1.ObjectReference{
			APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition", Name: definition,
		})
		if err == nil {
			count, err = c.countDefined(ctx, &unstructured.Unstructured{Object: found})
			return err
		}
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	return count, err
}

// countDefined counts what there is of a definition's kind. What cannot be
// found although the definition is established is an error.
func (c *Cluster) countDefined(ctx context.Context, definition *unstructured.Unstructured) (int, error) {
	if _, established := health.Holds(definition, "Established"); !established {
		return 0, nil
	}
	resource, err := definedResource(definition)
	if err != nil {
		return 0, err
	}
	seen := map[types.UID]bool{}
	err = scan(ctx, c.metadata.Resource(resource), func(item *metav1.PartialObjectMetadata) (enough bool) {
		seen[item.UID] = true
		return false
	})
	return len(seen), err
}

// definedResource is where the objects are served: in the version they are
// stored in if that is served, because it needs the least conversion.
func definedResource(definition *unstructured.Unstructured) (schema.GroupVersionResource, error) {
	resource := schema.GroupVersionResource{
		Group:    field.Text(definition, "spec", "group"),
		Resource: field.Text(definition, "spec", "names", "plural"),
	}
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	if err != nil {
		return resource, err
	}
	for _, entry := range versions {
		content, _ := entry.(map[string]any)
		version := &unstructured.Unstructured{Object: content}
		if field.IsTrue(version, "served") && (resource.Version == "" || field.IsTrue(version, "storage")) {
			resource.Version = field.Text(version, "name")
		}
	}
	if resource.Version == "" {
		return resource, errors.New("none of its versions is served")
	}
	return resource, nil
}
