package render

import (
	"maps"
	"reflect"
	"slices"
	"text/template"
)

// collections replace those functions of sprig and text/template whose result has a random order, or that break down
// over an undefined value although they ask about it.
func collections() template.FuncMap {
	return template.FuncMap{
		"keys":    keys,
		"dig":     dig,
		"index":   index,
		"ternary": ternary,
	}
}

// keys returns the sorted keys of one or more dictionaries.
func keys(dictionaries ...map[string]any) []string {
	found := []string{}
	for _, dictionary := range dictionaries {
		found = slices.AppendSeq(found, maps.Keys(dictionary))
	}
	slices.Sort(found)
	return found
}

// valuesOf returns the values of dictionaries, each by the order of its keys.
func valuesOf(dictionaries []map[string]any) []any {
	found := []any{}
	for _, dictionary := range dictionaries {
		for _, key := range keys(dictionary) {
			found = append(found, dictionary[key])
		}
	}
	return found
}

// dig follows keys into a dictionary: its arguments are the keys, what to return where one is missing, and the
// dictionary.
func dig(args ...any) (any, error) {
	last := len(args) - 1
	if last < 2 {
		return nil, failf("dig needs keys, a default and a dictionary")
	}
	at := args[last]
	for _, key := range args[:last-1] {
		if at == nil {
			break
		}
		name, ok := key.(string)
		if !ok {
			return nil, failf("dig: a key must be a string, not %s", describe(key))
		}
		dictionary, ok := at.(map[string]any)
		if !ok {
			return nil, failf("dig: %s is no dictionary and has no %s", describe(at), name)
		}
		at = dictionary[name]
	}
	if at == nil {
		return args[last-1], nil
	}
	return at, nil
}

// index follows keys and indexes. A key that is missing gives an undefined value, also for those that follow it; an
// index out of range is an error.
func index(of any, keys ...any) (any, error) {
	for _, key := range keys {
		if of == nil {
			return nil, nil
		}
		container, at := reflect.ValueOf(of), reflect.ValueOf(key)
		switch {
		case container.Kind() == reflect.Map && key != nil && at.CanConvert(container.Type().Key()):
			of = nil
			if item := container.MapIndex(at.Convert(container.Type().Key())); item.IsValid() {
				of = item.Interface()
			}
		case slices.Contains([]reflect.Kind{reflect.Slice, reflect.Array, reflect.String}, container.Kind()) && at.CanInt():
			if at.Int() < 0 || at.Int() >= int64(container.Len()) {
				return nil, failf("index %d is out of range: there are %d", at.Int(), container.Len())
			}
			of = container.Index(int(at.Int())).Interface()
		default:
			return nil, failf("%s has no index that is %s", describe(of), describe(key))
		}
	}
	return of, nil
}

// ternary returns the first value where the condition holds, else the second. An undefined condition does not hold.
func ternary(yes, no, condition any) (any, error) {
	switch condition {
	case true:
		return yes, nil
	case false, nil:
		return no, nil
	}
	return nil, failf("ternary: the condition must be true or false, it is %s", describe(condition))
}
