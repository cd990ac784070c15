package pack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	t.Run("what schemas may say", whatSchemasMaySay)
	t.Run("one with too many defaults is refused", schemaWithTooManyDefaults)
}

func whatSchemasMaySay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		given map[string]any
		want  any
	}{
		"a schema in YAML with another file of the pack": {
			map[string]string{"values.schema.yaml": "properties: {a: {$ref: 'schemas/a.json'}}", "schemas/a.json": `{"type": "string", "default": "x"}`},
			nil,
			map[string]any{"a": "x"},
		},
		"defaults through allOf and a default that is a mapping": {
			map[string]string{"values.schema.yaml": "allOf: [{properties: {a: {default: {}, properties: {b: {default: [1.0]}}}}}]"},
			nil,
			map[string]any{"a": map[string]any{"b": []any{int64(1)}}},
		},
		"a schema that refers to itself": {
			map[string]string{"values.schema.yaml": "properties: {child: {$ref: '#'}, x: {default: 1}}"},
			nil,
			map[string]any{"x": int64(1), "child": map[string]any{"x": int64(1)}},
		},
		"a schema that is false": {
			map[string]string{"values.schema.yaml": "properties: {a: false}"},
			map[string]any{"a": 1},
			[]string{"a: false schema"},
		},
		"a choice": {
			map[string]string{"values.schema.yaml": "properties: {a: {anyOf: [{type: string}, {type: object, required: [b]}]}}"},
			map[string]any{"a": map[string]any{}},
			[]string{"a: matches none of the allowed forms: is object, must be string; or a.b: is required"},
		},
		"items of lists and keys with dots": {
			map[string]string{"values.schema.yaml": "additionalProperties: {items: {type: string}}"},
			map[string]any{"a.b": []any{"x", 1}},
			[]string{`["a.b"][1]: is number, must be string`},
		},
		"a value that does not match is not shown": {
			map[string]string{"values.schema.yaml": "$schema: http://json-schema.org/draft-07/schema#\nproperties: {a: {pattern: ^x}, b: {format: email}}"},
			map[string]any{"a": "secret", "b": "secret"},
			[]string{"a: does not match the pattern ^x", "b: is no valid email"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got any
			got, err := build(t, test.files).Merge(test.given)
			if err != nil {
				got = lines(t, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func schemaWithTooManyDefaults(t *testing.T) {
	t.Parallel()
	_, err := build(t, map[string]string{"values.schema.yaml": doubling(30)}).Merge(nil)
	want := []string{"p/values.schema.yaml: the schema describes defaults for more than 100000 keys"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

// doubling is a small schema that describes 2^depth defaults.
func doubling(depth int) string {
	var text strings.Builder
	text.WriteString("$ref: '#/$defs/d0'\n$defs:\n")
	for i := range depth {
		next := "{$ref: '#/$defs/d" + string(rune('0'+i+1)) + "'}"
		text.WriteString("  d" + string(rune('0'+i)) + ": {properties: {a: " + next + ", b: " + next + "}}\n")
	}
	text.WriteString("  d" + string(rune('0'+depth)) + ": {default: 1}\n")
	return text.String()
}
