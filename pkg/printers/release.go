package printers

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Object returns a release as the object that -o yaml, json, name, jsonpath and the like print.
func Object(r *release.Release) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r)
	if err != nil {
		return nil, fmt.Errorf("showing release %s/%s: %w", r.Namespace, r.Name, err)
	}
	return &unstructured.Unstructured{Object: content}, nil
}

// List returns releases as one list object, in their order.
func List(releases release.History) (*unstructured.UnstructuredList, error) {
	objects := make([]*unstructured.Unstructured, 0, len(releases))
	for _, r := range releases {
		object, err := Object(r)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return ListOf(objects), nil
}

// ListOf returns what Object or Planned has made of releases as one list object, in their order.
func ListOf(objects []*unstructured.Unstructured) *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": release.APIVersion, "kind": release.Kind + "List"}}
	for _, object := range objects {
		list.Items = append(list.Items, *object)
	}
	return list
}
