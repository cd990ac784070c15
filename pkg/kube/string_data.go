package kube

import (
	"context"
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The entries of managedFields for what a Secret was applied with, and for
// what the API server makes of it.
const (
	fieldsOfStringData = "f:stringData"
	fieldsOfData       = "f:data"
)

// OwnData makes data ours in some Secrets that was applied as stringData: the
// API server stores it as data, which belongs to nobody then. What the next
// apply does not name is removed. What is to be ours of another manager must
// have been taken over before. An object that is not there is left out.
func (c *Cluster) OwnData(ctx context.Context, refs []corev1.ObjectReference) error {
	return c.changeManagers(ctx, "own the data of", refs, func(object *metav1.PartialObjectMetadata) ([]byte, error) {
		managers := slices.Clone(object.ManagedFields)
		changed, err := moveStringData(managers)
		if err != nil || !changed {
			return nil, err
		}
		return json.Marshal([]map[string]any{
			{"op": "replace", "path": "/metadata/managedFields", "value": managers},
			// An object that was written meanwhile has another one, which makes this a conflict.
			{"op": "replace", "path": "/metadata/resourceVersion", "value": object.ResourceVersion},
		})
	})
}

// moveStringData has our entries say data where they say stringData, and
// reports whether they did.
func moveStringData(managers []metav1.ManagedFieldsEntry) (changed bool, err error) {
	for i, entry := range managers {
		fields := fieldsOf(entry)
		given, found := fields[fieldsOfStringData].(map[string]any)
		if !found || entry.Manager != fieldManager || entry.Subresource != "" {
			continue
		}
		data, _ := fields[fieldsOfData].(map[string]any)
		if data == nil {
			data = map[string]any{}
		}
		for key, value := range given {
			if key != "." {
				data[key] = value
			}
		}
		fields[fieldsOfData] = data
		delete(fields, fieldsOfStringData)
		raw, err := json.Marshal(fields)
		if err != nil {
			return false, err
		}
		managers[i].FieldsV1, changed = metav1.NewFieldsV1(string(raw)), true
	}
	return changed, nil
}

// fieldsOf is what an entry of managedFields names; nil where that cannot be
// read.
func fieldsOf(entry metav1.ManagedFieldsEntry) (fields map[string]any) {
	if entry.FieldsV1 != nil {
		_ = json.NewDecoder(entry.FieldsV1.GetRawReader()).Decode(&fields)
	}
	return fields
}

// stringDataOf are the entries of a Secret's managedFields that name
// stringData: ours, and those of managers that are taken over.
func stringDataOf(kind schema.GroupVersionKind, managers []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	if kind.GroupKind() != (schema.GroupKind{Kind: "Secret"}) {
		return nil
	}
	return slices.DeleteFunc(managers, func(entry metav1.ManagedFieldsEntry) bool {
		return fieldsOf(entry)[fieldsOfStringData] == nil || entry.Manager != fieldManager && !slices.Contains(predecessors(), entry.Manager)
	})
}
