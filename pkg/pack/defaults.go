package pack

import (
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxDefaults bounds the keys that are looked at in mappings that are not there: a small schema that refers to itself
// twice describes more of them than memory holds.
const maxDefaults = 100_000

// addDefaults sets the keys that values lack to the defaults in the schema. A mapping that is absent is made for the
// defaults of its keys, unless the schema requires keys in it that have none: then it was omitted on purpose.
func (s *Schema) addDefaults(values map[string]any) error {
	d := defaults{left: maxDefaults}
	d.fill(values, s.compiled)
	if d.left < 0 {
		return fmt.Errorf("the schema describes defaults for more than %d keys", maxDefaults)
	}
	return nil
}

type defaults struct {
	left int
	// made are the schemas of the absent mappings that are being made, so that one that refers to itself ends.
	made []*jsonschema.Schema
}

// fill adds what is missing to the mapping that the schemas describe.
func (d *defaults) fill(values map[string]any, schemas ...*jsonschema.Schema) {
	all := properties(schemas...)
	for _, name := range keysOf(all) {
		value, there := values[name]
		if inner, ok := value.(map[string]any); ok {
			d.fill(inner, all[name]...)
		}
		if there {
			continue
		}
		if value, ok := d.missing(facets(all[name]...)); ok {
			values[name] = value
		}
	}
}

func (d *defaults) missing(facets []*jsonschema.Schema) (any, bool) {
	again := slices.ContainsFunc(facets, func(s *jsonschema.Schema) bool { return slices.Contains(d.made, s) })
	if d.left--; again || d.left < 0 {
		return nil, false
	}
	value, given := defaultOf(facets)
	inner, isMap := value.(map[string]any)
	if !isMap {
		return value, given
	}
	outer := d.made
	d.made = slices.Concat(outer, facets)
	d.fill(inner, facets...)
	d.made = outer
	return inner, given || len(inner) > 0 && complete(inner, facets)
}

// defaultOf returns a copy of the default, and an empty mapping where none is given.
func defaultOf(facets []*jsonschema.Schema) (value any, given bool) {
	for _, facet := range facets {
		if facet.Default != nil {
			return copyValue(*facet.Default), true
		}
	}
	return map[string]any{}, false
}

// complete says whether a mapping has all keys that are required in it.
func complete(values map[string]any, facets []*jsonschema.Schema) bool {
	for _, facet := range facets {
		for _, required := range facet.Required {
			if _, ok := values[required]; !ok {
				return false
			}
		}
	}
	return true
}

// SchemaDefaults are the paths of what has a default in the schema and no value in values.yaml, as --set takes them, sorted. A default
// in a mapping is among them that is only made once something else in it is given. A schema that describes more of them than may be
// looked at tells only some.
func (p *Pack) SchemaDefaults() []string {
	if p.Schema == nil {
		return nil
	}
	u := undefined{left: maxDefaults}
	u.in(p.Values, nil, p.Schema.compiled)
	return u.found
}

// undefined gathers the defaults of what values do not have. It goes the way of defaults.
type undefined struct {
	left  int
	above []*jsonschema.Schema
	found []string
}

func (u *undefined) in(values map[string]any, path []string, schemas ...*jsonschema.Schema) {
	all := properties(schemas...)
	for _, name := range keysOf(all) {
		at := append(slices.Clip(path), name)
		value, there := values[name]
		switch inner, isMap := value.(map[string]any); {
		case isMap:
			u.in(inner, at, all[name]...)
		case !there:
			u.missing(at, facets(all[name]...))
		}
	}
}

func (u *undefined) missing(path []string, facets []*jsonschema.Schema) {
	again := slices.ContainsFunc(facets, func(s *jsonschema.Schema) bool { return slices.Contains(u.above, s) })
	if u.left--; again || u.left < 0 {
		return
	}
	if _, given := defaultOf(facets); given {
		u.found = append(u.found, SetPath(path))
		return
	}
	outer := u.above
	u.above = slices.Concat(outer, facets)
	u.in(nil, path, facets...)
	u.above = outer
}
