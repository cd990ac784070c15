package pack

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"
)

// decodeValues reads YAML or JSON values as the API server reads YAML: yes is true, dates are strings. A key that
// appears twice is a problem, as is anything but a mapping. An empty file gives an empty map.
func decodeValues(name string, data []byte) (map[string]any, []Problem) {
	file := yamlFile{name: name}
	if problems := file.parse(text(data)); len(problems) > 0 {
		return nil, problems
	}
	if file.root == nil {
		return map[string]any{}, nil
	}
	if problems := file.badKeys(0); len(problems) > 0 {
		return nil, problems
	}
	var decoded any
	if err := file.unmarshal(text(data), &decoded); err != nil {
		return nil, file.problems(err)
	}
	values, ok := decoded.(map[string]any)
	if !ok {
		message := fmt.Sprintf("values must be a mapping of keys to values, this is %s", describe(decoded))
		return nil, []Problem{{File: name, Line: file.root.Line, Message: message}}
	}
	return Copy(values), nil
}

// unmarshal decodes the content of the file, in which no key may appear twice.
func (f *yamlFile) unmarshal(data []byte, into *any) error {
	if !merges(f.root) {
		return k8syaml.UnmarshalStrict(data, into, useNumber)
	}
	// The strict reader takes a key over a merged one for a key that appears twice.
	return k8syaml.Unmarshal(data, into, useNumber)
}

// merges says whether a mapping takes in the keys of another with "<<".
func merges(node *yaml.Node) bool {
	return node.Tag == "!!merge" || slices.ContainsFunc(node.Content, merges)
}

func useNumber(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}

// Copy returns a deep copy of values in which every number is an int64 or, where it is no whole number or too large
// for that, a float64. Whole numbers that JSON made a float64 become int64 again, so that 1000000 is never printed
// as 1e+06. nil gives an empty map.
func Copy(values map[string]any) map[string]any { return CopyAs(values, asNumber) }

func copyValue(value any) any { return copyAs(value, asNumber) }

// CopyAs returns a deep copy of values with what leaf makes of each that is no mapping and no list. nil gives an empty map.
func CopyAs(values map[string]any, leaf func(any) any) map[string]any {
	copied := make(map[string]any, len(values))
	for key, value := range values {
		copied[key] = copyAs(value, leaf)
	}
	return copied
}

func copyAs(value any, leaf func(any) any) any {
	switch value := value.(type) {
	case map[string]any:
		return CopyAs(value, leaf)
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = copyAs(item, leaf)
		}
		return items
	}
	return leaf(value)
}

// asNumber returns a number as Copy has it, and any other value as it is.
func asNumber(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		float, _ := value.Float64()
		return whole(float)
	case float64:
		return whole(value)
	case int:
		return int64(value)
	}
	return value
}

// whole returns the int64 that a float64 stands for, or the float64 itself: beyond 2^53 it stands for several.
func whole(value float64) any {
	if value == math.Trunc(value) && math.Abs(value) < 1<<53 {
		return int64(value)
	}
	return value
}

// describe names the kind of a value for people.
func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a mapping"
	}
	if reflect.ValueOf(value).CanInt() || reflect.ValueOf(value).CanFloat() {
		return "a number"
	}
	return fmt.Sprintf("a %T", value)
}
