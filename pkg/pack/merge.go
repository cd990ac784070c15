package pack

// Merge returns the values to render with: the defaults in the schema, over these values.yaml, over these the given
// ones. A null deletes the key from the weaker ones. The result is validated against the schema; it is a deep copy,
// and given, which may be nil, is not changed. The error is an *InvalidError with all violations.
func (p *Pack) Merge(given map[string]any) (map[string]any, error) { return p.merge(given, nil) }

// MergeFile is Merge with the values in a file of the pack, which is named in problems.
func (p *Pack) MergeFile(name string) (map[string]any, error) {
	data, _ := p.Text(name)
	file := yamlFile{name: p.where(name)}
	given, problems := decodeValues(file.name, data)
	if len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
	}
	file.parse(data)
	return p.merge(given, &file)
}

func (p *Pack) merge(given map[string]any, from *yamlFile) (map[string]any, error) {
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
	if problems := p.violations(merged, given, from); len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
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
