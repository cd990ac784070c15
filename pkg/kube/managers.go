package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/patience"
)

// predecessors are the field managers whose objects are taken over: kubectl's,
// client-side and server-side, and Helm's.
func predecessors() []string {
	return []string{"kubectl-client-side-apply", "kubectl-create", "kubectl-replace", "kubectl", "helm"}
}

// TakeOver makes the fields of some objects ours that kubectl or Helm manages,
// as if they had been applied through this package: what the next apply does
// not name is removed. Other managers keep theirs. An object that is not there
// is skipped.
func (c *Cluster) TakeOver(ctx context.Context, refs []corev1.ObjectReference) error {
	return c.api.changeManagers(ctx, "taking over", refs, func(object *metav1.PartialObjectMetadata) ([]byte, error) {
		managers, changed, err := moveFields(object.ManagedFields, fieldManager, predecessors())
		if err != nil || !changed {
			return nil, err
		}
		return patchOf(object, managers)
	})
}

// The entries of managedFields for what a Secret was applied with, and for
// what the API server makes of it.
const (
	fieldsOfStringData = "f:stringData"
	fieldsOfData       = "f:data"
)

// OwnData makes data ours in some Secrets that was applied as stringData: the
// API server stores it as data, which belongs to nobody then. What the next
// apply does not name is removed. What is to be ours of another manager must
// have been taken over before. An object that is not there is skipped.
func (c *Cluster) OwnData(ctx context.Context, refs []corev1.ObjectReference) error {
	return c.api.changeManagers(ctx, "taking over the data of", refs, func(object *metav1.PartialObjectMetadata) ([]byte, error) {
		managers := slices.Clone(object.ManagedFields)
		changed, err := moveStringData(managers)
		if err != nil || !changed {
			return nil, err
		}
		return patchOf(object, managers)
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

// managersPatch returns the JSON patch that makes the managers of an object's
// fields what they are to be, on the condition of its resourceVersion; nil
// where they are that.
type managersPatch func(*metav1.PartialObjectMetadata) ([]byte, error)

// patchOf is the patch to other managers.
func patchOf(object *metav1.PartialObjectMetadata, managers []metav1.ManagedFieldsEntry) ([]byte, error) {
	return json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": managers},
		// An object that was written meanwhile has another one, which makes this a conflict.
		{"op": "replace", "path": "/metadata/resourceVersion", "value": object.ResourceVersion},
	})
}

// changeManagers changes who manages the fields of some objects, several at a
// time. An object that is not there is skipped. doing is what errors say is
// done to an object.
func (c *connection) changeManagers(ctx context.Context, doing string, refs []corev1.ObjectReference, patch managersPatch) error {
	if err := kinds.CheckRefs(refs...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	ctx = quiet(ctx)
	return each(ctx, len(refs), atOnce, func(i int) error {
		mapping, err := c.kinds.Mapping(kinds.Of(refs[i]))
		if err == nil {
			err = patch.write(ctx, c.Metadata(mapping, refs[i].Namespace), refs[i].Name)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", doing, kinds.NameOf(refs[i]), err)
		}
		return nil
	})
}

// write reads and writes until nobody else writes between.
func (p managersPatch) write(ctx context.Context, objects metadata.ResourceInterface, name string) error {
	for {
		object, err := objects.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		patch, err := p(object)
		if err != nil || patch == nil {
			return err
		}
		// Where an answer was lost, the next one is a conflict, and what is read then needs no change any more.
		_, err = patience.Repeat(ctx, func() error {
			_, err := objects.Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
			return err
		})
		if !apierrors.IsConflict(err) {
			return err
		}
	}
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
