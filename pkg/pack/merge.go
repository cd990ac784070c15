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
	if problems := p.Validate(merged, given, nil); len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
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

// Locate says where a value at a path of keys and indexes was given: a file and a line, or "" and 0 where that is not known.
type Locate func(path []string) (file string, line int)

// Validate compares values without nulls, of which some were given, with the schema. locate, which may be nil, knows where those are
// from. Keys that are extra are not those of the pack alone, so that a schema need not describe them.
func (p *Pack) Validate(values, given map[string]any, locate Locate, extra ...string) []Problem {
	if p.Schema == nil {
		return nil
	}
	return p.violations(values, given, locate, extra)
}

// ValuesIn returns the values in a file of the pack, and where they are. The error is an *InvalidError.
func (p *Pack) ValuesIn(name string) (map[string]any, Locate, error) {
	data, _ := p.Text(name)
	file := yamlFile{name: p.where(name)}
	given, problems := decodeValues(file.name, data)
	if len(problems) > 0 {
		return nil, nil, &InvalidError{Problems: problems}
	}
	file.parse(data)
	return given, func(path []string) (string, int) { return file.name, file.line(path) }, nil
}

// Has reports whether there is a value at a path of keys and indexes.
func Has(values map[string]any, path []string) bool { return has(values, path) }

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
