package field

import (
	"slices"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// IsElement reports whether the item at a place of a list is the one that an element of a path names: by its place, its value, or
// its keys.
func IsElement(i int, item any, element fieldpath.PathElement) bool {
	switch {
	case element.Index != nil:
		return *element.Index == i
	case element.Value != nil:
		return value.Equals(*element.Value, value.NewValueInterface(item))
	case element.Key == nil:
		return false
	}
	fields, isMap := item.(map[string]any)
	return isMap && !slices.ContainsFunc(*element.Key, func(key value.Field) bool {
		return !value.Equals(key.Value, value.NewValueInterface(fields[key.Name]))
	})
}

// Get returns what an element of a path names in an object or a list.
func Get(within any, element fieldpath.PathElement) (found any, there bool) {
	switch within := within.(type) {
	case map[string]any:
		if element.FieldName != nil {
			found, there = within[*element.FieldName]
		}
	case []any:
		if i := slices.IndexFunc(within, func(item any) bool { return IsElement(0, item, element) }); element.Index == nil && i >= 0 {
			return within[i], true
		}
		if element.Index != nil && *element.Index >= 0 && *element.Index < len(within) {
			return within[*element.Index], true
		}
	}
	return found, there
}
