// Package drift tells which fields of an object are not what was applied any more, and who has changed them, when.
package drift

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
)

// Object is an object of a release that is not what was applied any more.
type Object struct {
	Ref corev1.ObjectReference
	// Missing says that it is not on the cluster.
	Missing bool
	// Fields are those that differ, in the order of their paths.
	Fields []Field
	// Refused says why applying the object again would be refused; "" where it would not. Fields are told from what was
	// applied then, which lacks the defaults of the API server.
	Refused string
}

// Drifted reports whether the object is not what was applied.
func (o Object) Drifted() bool { return o.Missing || len(o.Fields) > 0 }

// Field is a field that was applied and is not what it was.
type Field struct {
	// Path is the field's, as managedFields have it.
	Path fieldpath.Path
	// Recorded is the value that applying the object again would restore.
	Recorded any
	// Live is the value on the cluster; nil where Removed.
	Live any
	// Removed says that the field is not there any more.
	Removed bool
	// By is who has changed it; nil where nobody is on record: managedFields tell of nobody who has removed a field.
	By *Change
}

// Change is who has last written a field, and how.
type Change struct {
	Manager string
	// Subresource is the one that was written, such as scale; "" for the object itself.
	Subresource string
	// Time is when the manager has last changed which fields it manages, or their values; nil where that is not on record.
	Time *metav1.Time
}

// String names the manager, with the subresource where it wrote one: kubectl (scale).
func (c Change) String() string {
	if c.Subresource == "" {
		return c.Manager
	}
	return fmt.Sprintf("%s (%s)", c.Manager, c.Subresource)
}

// Between returns the fields that a manager has applied and that an object has lost or has with other values. restored is
// the answer to a dry-run in which the manager has applied the object again, whatever others own: it has the defaults and what
// others have added. Fields that the manager did not apply never differ.
func Between(live, restored *unstructured.Unstructured, manager string) ([]Field, error) {
	owned, err := appliedBy(manager, restored)
	if err != nil {
		return nil, err
	}
	return compare(live, restored, owned)
}

// Guess is Between where the object cannot be applied again: recorded is what was applied. Values that the API server writes in
// another form than they were given count as changed.
func Guess(live, recorded *unstructured.Unstructured) ([]Field, error) {
	content := map[string]any{}
	for name, value := range recorded.Object {
		if name != "apiVersion" && name != "kind" {
			content[name] = value
		}
	}
	return compare(live, recorded, fieldpath.SetFromValue(value.NewValueInterface(content)))
}

// compare returns what differs of the fields of a set. Of what is gone whole the fields in it are not named one by one.
func compare(live, restored *unstructured.Unstructured, applied *fieldpath.Set) ([]Field, error) {
	writers, err := writersOf(live)
	if err != nil {
		return nil, err
	}
	leaves := applied.Leaves()
	var found []Field
	var gone fieldpath.Path
	for path := range applied.All() {
		recorded, known := at(restored.Object, path)
		if !known || gone != nil && isBelow(path, gone) {
			continue
		}
		value, there := at(live.Object, path)
		switch {
		case !there:
			gone = missingItem(live.Object, path).Copy()
			recorded, _ = at(restored.Object, gone)
			found = append(found, Field{Path: gone, Recorded: recorded, Removed: true})
		case leaves.Has(path) && !equality.Semantic.DeepEqual(value, recorded):
			found = append(found, Field{Path: path.Copy(), Recorded: recorded, Live: value, By: whoWrote(path, writers)})
		}
	}
	if live.GroupVersionKind().GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
		hideValues(found)
	}
	slices.SortFunc(found, func(a, b Field) int { return a.Path.Compare(b.Path) })
	return found, nil
}

// at returns what a path names in an object.
func at(object map[string]any, path fieldpath.Path) (found any, there bool) {
	found = object
	for _, element := range path {
		if found, there = field.Get(found, element); !there {
			return nil, false
		}
	}
	return found, true
}

// missingItem is the path of the item of a list that an object lacks, and with it what a path names; the path itself where it lacks
// no item.
func missingItem(object map[string]any, path fieldpath.Path) fieldpath.Path {
	for i, element := range path {
		if _, there := at(object, path[:i+1]); !there && element.Key != nil {
			return path[:i+1]
		}
	}
	return path
}

func isBelow(path, above fieldpath.Path) bool {
	return len(path) > len(above) && path[:len(above)].Equals(above)
}

// The values of a Secret as they are shown.
const (
	hiddenRecorded = "*** (recorded)"
	hiddenLive     = "*** (live)"
)

// hideValues takes the values of a Secret out of fields.
func hideValues(fields []Field) {
	for i := range fields {
		if name := fields[i].Path[0].FieldName; name == nil || *name != "data" && *name != "stringData" {
			continue
		}
		fields[i].Recorded = hiddenRecorded
		if !fields[i].Removed {
			fields[i].Live = hiddenLive
		}
	}
}

// appliedBy is the set of the fields that a manager has applied.
func appliedBy(manager string, object *unstructured.Unstructured) (*fieldpath.Set, error) {
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == manager && entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" {
			return fieldsOf(entry)
		}
	}
	return fieldpath.NewSet(), nil
}

func fieldsOf(entry metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	fields := fieldpath.NewSet()
	if entry.FieldsV1 == nil {
		return fields, nil
	}
	if err := fields.FromJSON(entry.FieldsV1.GetRawReader()); err != nil {
		return nil, fmt.Errorf("reading which fields %q manages: %w", entry.Manager, err)
	}
	return fields, nil
}

// writer is an entry of managedFields.
type writer struct {
	Change
	// leaves are the fields that it names and none below them: what is below one is the writer's, too.
	fields, leaves *fieldpath.Set
}

// writersOf are all who manage fields of an object, those that wrote last first.
func writersOf(object *unstructured.Unstructured) ([]writer, error) {
	var writers []writer
	for _, entry := range object.GetManagedFields() {
		fields, err := fieldsOf(entry)
		if err != nil {
			return nil, err
		}
		writers = append(writers, writer{Change{Manager: entry.Manager, Subresource: entry.Subresource, Time: entry.Time}, fields, fields.Leaves()})
	}
	slices.SortStableFunc(writers, func(a, b writer) int { return -compareTimes(a.Time, b.Time) })
	return writers, nil
}

func compareTimes(a, b *metav1.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(a.UnixNano(), b.UnixNano())
}

// whoWrote returns who has written a field last; nil where nobody manages it.
func whoWrote(path fieldpath.Path, writers []writer) *Change {
	for _, writer := range writers {
		if writer.fields.Has(path) {
			return &writer.Change
		}
		for above := len(path) - 1; above > 0; above-- {
			if writer.leaves.Has(path[:above]) {
				return &writer.Change
			}
		}
	}
	return nil
}
