package field_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/field"
)

func TestGet(t *testing.T) {
	t.Parallel()
	items := []any{map[string]any{"name": "a", "port": int64(1)}, map[string]any{"name": "a", "port": int64(2)}}
	for title, test := range map[string]struct {
		within  any
		element fieldpath.PathElement
		want    any
		missing bool
	}{
		"a field":                     {within: map[string]any{"a": "b"}, element: fieldpath.FieldNameElement("a"), want: "b"},
		"a field that is null":        {within: map[string]any{"a": nil}, element: fieldpath.FieldNameElement("a")},
		"no such field":               {within: map[string]any{"a": "b"}, element: fieldpath.FieldNameElement("b"), missing: true},
		"an item by its keys":         {within: items, element: fieldpath.KeyElementByFields("name", "a", "port", 2), want: items[1]},
		"no item of these keys":       {within: items, element: fieldpath.KeyElementByFields("name", "a", "port", 3), missing: true},
		"an item by its value":        {within: []any{"x", "y"}, element: fieldpath.ValueElement(value.NewValueInterface("y")), want: "y"},
		"no item of that value":       {within: []any{"x"}, element: fieldpath.ValueElement(value.NewValueInterface("y")), missing: true},
		"an item by its place":        {within: []any{"x", "y"}, element: fieldpath.IndexElement(1), want: "y"},
		"no item at that place":       {within: []any{"x"}, element: fieldpath.IndexElement(1), missing: true},
		"an item of what is no list":  {within: "x", element: fieldpath.IndexElement(0), missing: true},
		"a field of what has none":    {within: []any{}, element: fieldpath.FieldNameElement("a"), missing: true},
		"an item by a place below it": {within: []any{"x"}, element: fieldpath.IndexElement(-1), missing: true},
	} {
		got, there := field.Get(test.within, test.element)
		if diff := cmp.Diff(test.want, got); diff != "" || there == test.missing {
			t.Errorf("%s: found %t (-want +got):\n%s", title, there, diff)
		}
	}
}
