package pack

import "slices"

// Merge returns the values to render with: the defaults in the schema, over these values.yaml, over these the given
// ones. A null deletes the key from the weaker ones. The result is validated against the schema; it is a deep copy,
// and given, which may be nil, is not changed. The error is an *InvalidError with all violations.
func (p *Pack) Merge(given map[string]any) (map[string]any, error) {
	user := Layer{Values: given, Source: func([]string) Source { return Source{Kind: FromUser} }}
	return p.MergeLayers(given, []Layer{p.Defaults(), user})
}

// MergeLayers is Merge with what the values come from, from the weakest to the strongest, which is named in problems.
func (p *Pack) MergeLayers(given map[string]any, layers []Layer) (map[string]any, error) {
	return p.merge(given, func(path []string) (Source, bool) { return strongest(layers, path) })
}

// MergeFile is Merge with the values in a file of the pack, which is named in problems.
func (p *Pack) MergeFile(name string) (map[string]any, error) {
	data, _ := p.Text(name)
	file := yamlFile{name: p.where(name)}
	given, problems := decodeValues(file.name, data)
	if len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
	}
	file.parse(data)
	// What is missing is missing in the file, too.
	own := func(path []string) Source { return Source{Kind: FromFile, File: file.name, Line: file.line(path)} }
	layers := []Layer{p.Defaults(), {Values: given, Source: own}}
	return p.merge(given, func(path []string) (Source, bool) {
		if source, found := strongest(layers, path); found {
			return source, true
		}
		return own(path), true
	})
}

// strongest returns the source of the value at a path of keys and indexes, if any layer has it.
func strongest(layers []Layer, path []string) (source Source, found bool) {
	for _, layer := range slices.Backward(layers) {
		if len(path) > 0 && has(layer.Values, path) {
			return layer.Source(path), true
		}
	}
	return Source{}, false
}

// merge merges and validates. source says where the value at a path of keys and indexes was given, and whether that is known.
func (p *Pack) merge(given map[string]any, source func(path []string) (Source, bool)) (map[string]any, error) {
	merged := overlay(Copy(p.Values), Copy(given))
	if p.Schema == nil {
		dropNulls(merged)
		return merged, nil
	}
	// Before nulls are dropped, because a null deletes a default of the schema too.
	if err := p.Schema.addDefaults(merged); err != nil {
		return nil, &InvalidError{Problems: []Problem{{File: p.where(p.Schema.File), Message: err.Error()}}}
	}
	dropNulls(merged)
	if err := p.validate(merged, nil, source); err != nil {
		return nil, err
	}
	return merged, nil
}

// Overlay returns given values with others laid over them: mappings are merged, anything else is replaced, and nulls are
// kept. It is a deep copy; both may be nil.
func Overlay(weak, strong map[string]any) map[string]any { return overlay(Copy(weak), Copy(strong)) }

// overlay returns weak with strong laid over it: mappings are merged, anything else is replaced. It changes and keeps
// parts of both. Nulls are kept, for they are to delete keys of values that are weaker still.
func overlay(weak, strong map[string]any) map[string]any {
	for key, value := range strong {
		below, isMap := weak[key].(map[string]any)
		if above, ok := value.(map[string]any); ok && isMap {
			value = overlay(below, above)
		}
		weak[key] = value
	}
	return weak
}

// dropNulls deletes the keys whose value is null, at any depth of mappings. Nulls in lists are kept: a list is
// replaced as a whole.
func dropNulls(values map[string]any) {
	for key, value := range values {
		switch value := value.(type) {
		case nil:
			delete(values, key)
		case map[string]any:
			dropNulls(value)
		}
	}
}

func (p *Pack) readValues() []Problem {
	data, ok := p.Text(ValuesFile)
	if !ok {
		return nil
	}
	values, problems := decodeValues(p.where(ValuesFile), data)
	if len(problems) == 0 {
		p.Values = values
	}
	return problems
}
