package pack

import (
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Described is what a schema says of the keys of a mapping.
type Described struct {
	// Open says that it describes other keys than those by their names, or in a way that is not looked into.
	Open bool
	// Keys are the keys by their names.
	Keys map[string]*Described
}

// Describes returns what the schema says of the keys of the values. A part of it that refers to itself is open.
func (s *Schema) Describes() *Described {
	d := describer{left: maxDefaults}
	return d.describe(s.compiled)
}

type describer struct {
	left int
	// above are the schemas that are being described.
	above []*jsonschema.Schema
}

func (d *describer) describe(schemas ...*jsonschema.Schema) *Described {
	all := facets(schemas...)
	again := slices.ContainsFunc(all, func(s *jsonschema.Schema) bool { return slices.Contains(d.above, s) })
	if d.left--; again || d.left < 0 || slices.ContainsFunc(all, isOpen) {
		return &Described{Open: true}
	}
	outer := d.above
	d.above = slices.Concat(outer, all)
	found := &Described{Keys: map[string]*Described{}}
	for name, property := range properties(schemas...) {
		found.Keys[name] = d.describe(property...)
	}
	d.above = outer
	return found
}

// isOpen tells a schema that describes keys otherwise than by their names.
func isOpen(s *jsonschema.Schema) bool {
	choices := len(s.AnyOf) + len(s.OneOf) + len(s.PatternProperties) + len(s.Dependencies) + len(s.DependentSchemas) + len(s.PrefixItems)
	for _, below := range []*jsonschema.Schema{s.Not, s.If, s.RecursiveRef, s.PropertyNames, s.UnevaluatedProperties, s.Items2020, s.Contains} {
		if below != nil {
			choices++
		}
	}
	others, closed := s.AdditionalProperties.(bool)
	return choices > 0 || s.DynamicRef != nil || s.Items != nil || s.AdditionalProperties != nil && (!closed || others)
}
