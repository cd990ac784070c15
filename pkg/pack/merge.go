package pack

// Merge returns the values to render a pack without dependencies with: the defaults in the schema, over these values.yaml, over
// these the given ones. A null deletes the key from the weaker ones. The result is validated against the schema; it is a deep copy,
// and given, which may be nil, is not changed. The error is an *InvalidError with all violations.
func (p *Pack) Merge(given map[string]any) (map[string]any, error) {
	merged, err := p.Lay(given)
	if err != nil {
		return nil, err
	}
	DropNulls(merged)
	user := Layer{Values: given, Source: func([]string) Source { return Source{Kind: FromUser} }}
	if err := p.Validate(merged, Place{Opened: p.Path, Source: SourceIn([]Layer{p.Defaults(), user})}); err != nil {
		return nil, err
	}
	return merged, nil
}

// Lay returns the given values, which may be nil, over those of values.yaml, over the defaults in the schema. A null stays, because
// it is to delete a key from values that are weaker still. It is a deep copy. The error is an *InvalidError.
func (p *Pack) Lay(given map[string]any) (map[string]any, error) {
	merged := overlay(Copy(p.Values), Copy(given))
	if p.Schema == nil {
		return merged, nil
	}
	if err := p.Schema.addDefaults(merged); err != nil {
		return nil, &InvalidError{Problems: []Problem{{File: p.where(p.Schema.File), Message: err.Error()}}}
	}
	return merged, nil
}

// ValuesIn returns the values in a file of the pack as a layer. The error is an *InvalidError.
func (p *Pack) ValuesIn(name string) (Layer, error) {
	data, _ := p.Text(name)
	values, problems := decodeValues(p.where(name), data)
	if len(problems) > 0 {
		return Layer{}, &InvalidError{Problems: problems}
	}
	return fileLayer(FromFile, p.where(name), data, values), nil
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

// DropNulls deletes the keys whose value is null, at any depth of mappings. Nulls in lists are kept: a list is
// replaced as a whole.
func DropNulls(values map[string]any) {
	for key, value := range values {
		switch value := value.(type) {
		case nil:
			delete(values, key)
		case map[string]any:
			DropNulls(value)
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
