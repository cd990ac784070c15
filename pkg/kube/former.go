package kube

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
)

// beforeFirstApply is the manager that the API server makes up for the fields
// of an object that had none when it was first applied.
const beforeFirstApply = "before-first-apply"

// former is what an adopted object was, told from how it was read then and how it is now.
type former struct{ before, live *unstructured.Unstructured }

// Content returns the part of the object as it was that belongs to us: the fields that TakeOver makes ours and those that are
// ours now, save what others manage by now.
func (f former) Content() (*unstructured.Unstructured, error) {
	before, live := f.before, f.live
	was, err := unionOf(before.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return isOurs(entry) || slices.Contains(predecessors(), entry.Manager)
	})
	if err != nil {
		return nil, err
	}
	is, err := unionOf(live.GetManagedFields(), isOurs)
	if err != nil {
		return nil, err
	}
	others, err := unionOf(live.GetManagedFields(), isOthers)
	if err != nil {
		return nil, err
	}
	content := pickFields(before.Object, withData(before, was.Union(is)), others)
	part := &unstructured.Unstructured{Object: content}
	part.SetAPIVersion(live.GetAPIVersion())
	part.SetKind(live.GetKind())
	part.SetName(live.GetName())
	part.SetNamespace(live.GetNamespace())
	part.SetUID(live.GetUID())
	return part, nil
}

func isOurs(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == fieldManager && entry.Subresource == ""
}

func isOthers(entry metav1.ManagedFieldsEntry) bool {
	return !isOurs(entry) && entry.Manager != beforeFirstApply && entry.Subresource == ""
}

func sameManager(a, b metav1.ManagedFieldsEntry) bool {
	return a.Manager == b.Manager && a.Operation == b.Operation && a.Subresource == b.Subresource
}

// unionOf joins the fields of some entries.
func unionOf(entries []metav1.ManagedFieldsEntry, which func(metav1.ManagedFieldsEntry) bool) (*fieldpath.Set, error) {
	all := fieldpath.NewSet()
	for _, entry := range entries {
		if !which(entry) || entry.FieldsV1 == nil {
			continue
		}
		fields := fieldpath.NewSet()
		if err := fields.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
			return nil, err
		}
		all = all.Union(fields)
	}
	return all, nil
}

// withData adds to the fields of a Secret where its stringData is kept.
func withData(object *unstructured.Unstructured, fields *fieldpath.Set) *fieldpath.Set {
	written, data := fieldpath.FieldNameElement("stringData"), fieldpath.FieldNameElement("data")
	if object.GroupVersionKind().GroupKind() != (schema.GroupKind{Kind: "Secret"}) {
		return fields
	}
	keys, found := fields.Children.Get(written)
	if !found {
		return fields
	}
	return fields.Union(keys.WithPrefix(data))
}

// pickFields returns a deep copy of the fields of a map that are in a set, and
// not in that of others.
func pickFields(fields map[string]any, set, others *fieldpath.Set) map[string]any {
	picked := map[string]any{}
	for name, content := range fields {
		element := fieldpath.FieldNameElement(name)
		if part, ok := pick(content, element, set, others); ok {
			picked[name] = part
		}
	}
	return picked
}

// pick returns what a set has of the content of an element of it.
func pick(content any, element fieldpath.PathElement, set, others *fieldpath.Set) (any, bool) {
	member := set.Members.Has(element)
	children, deep := set.Children.Get(element)
	if !deep {
		return runtime.DeepCopyJSONValue(content), member && !others.Members.Has(element)
	}
	kept, found := others.Children.Get(element)
	if !found {
		kept = fieldpath.NewSet()
	}
	switch content := content.(type) {
	case map[string]any:
		part := pickFields(content, children, kept)
		return part, member || len(part) > 0
	case []any:
		part := pickItems(content, children, kept)
		return part, member || len(part) > 0
	}
	return content, member
}

// pickItems returns the items of a list that are in a set, in their order.
func pickItems(items []any, set, others *fieldpath.Set) []any {
	picked := []any{}
	for i, item := range items {
		element, found := elementOf(i, item, set)
		if !found {
			continue
		}
		part, ok := pick(item, element, set, others)
		if !ok {
			continue
		}
		if fields, isMap := part.(map[string]any); isMap && element.Key != nil {
			for _, key := range *element.Key {
				fields[key.Name] = key.Value.Unstructured()
			}
		}
		picked = append(picked, part)
	}
	return picked
}

// elementOf returns the element of a set that an item of a list is.
func elementOf(i int, item any, set *fieldpath.Set) (found fieldpath.PathElement, ok bool) {
	look := func(element fieldpath.PathElement) {
		if !ok && field.IsElement(i, item, element) {
			found, ok = element, true
		}
	}
	set.Members.Iterate(look)
	set.Children.Iterate(look)
	return found, ok
}

// Managers returns the managers of the object's fields as they were, with what others manage since. There is at least one
// entry: an empty one is how the API server is told that there is none.
func (f former) Managers() ([]metav1.ManagedFieldsEntry, error) {
	before, live := f.before.GetManagedFields(), f.live.GetManagedFields()
	since, err := changedSince(before, live)
	if err != nil {
		return nil, err
	}
	var managers []metav1.ManagedFieldsEntry
	for _, entry := range before {
		now := find(live, entry)
		switch {
		case now == nil || isOurs(entry):
			entry, err = joined(entry, metav1.ManagedFieldsEntry{}, since)
		case entry.Subresource != "":
			entry = *now
		default:
			entry, err = joined(entry, *now, since)
		}
		if err != nil {
			return nil, err
		}
		if entry.FieldsV1 != nil {
			managers = append(managers, entry)
		}
	}
	for _, entry := range live {
		if !isOurs(entry) && entry.Manager != beforeFirstApply && find(before, entry) == nil {
			managers = append(managers, entry)
		}
	}
	if managers == nil {
		managers = []metav1.ManagedFieldsEntry{{}}
	}
	return managers, nil
}

// find returns the entry of the same manager; nil where there is none.
func find(entries []metav1.ManagedFieldsEntry, like metav1.ManagedFieldsEntry) *metav1.ManagedFieldsEntry {
	for i := range entries {
		if sameManager(entries[i], like) {
			return &entries[i]
		}
	}
	return nil
}

// changedSince returns the fields that others manage and did not before.
func changedSince(before, live []metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	since := fieldpath.NewSet()
	for _, entry := range live {
		same := func(other metav1.ManagedFieldsEntry) bool { return isOthers(entry) && sameManager(other, entry) }
		was, err := unionOf(before, same)
		if err != nil {
			return nil, err
		}
		is, err := unionOf(live, same)
		if err != nil {
			return nil, err
		}
		since = since.Union(is.Difference(was))
	}
	return since, nil
}

// joined returns an entry as it was, with what its manager has applied since and
// without what is managed by those that came after.
func joined(before, live metav1.ManagedFieldsEntry, since *fieldpath.Set) (metav1.ManagedFieldsEntry, error) {
	was, err := unionOf([]metav1.ManagedFieldsEntry{before}, func(metav1.ManagedFieldsEntry) bool { return true })
	if err != nil {
		return before, err
	}
	is, err := unionOf([]metav1.ManagedFieldsEntry{live}, func(metav1.ManagedFieldsEntry) bool { return true })
	if err != nil {
		return before, err
	}
	all := was.Difference(since).Union(is)
	if all.Equals(was) {
		return before, nil
	}
	if live.FieldsV1 != nil && !is.Difference(was).Empty() {
		before.Time = live.Time
	}
	if before.FieldsV1 = nil; all.Empty() {
		return before, nil
	}
	text, err := all.ToJSON()
	if err != nil {
		return before, err
	}
	before.FieldsV1 = metav1.NewFieldsV1(string(text))
	return before, nil
}
