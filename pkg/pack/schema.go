package pack

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	k8syaml "sigs.k8s.io/yaml"
)

// Schema is the JSON Schema of a pack's values. It is draft 2020-12 unless $schema says otherwise.
type Schema struct {
	// File is values.schema.json or values.schema.yaml.
	File     string
	compiled *jsonschema.Schema
}

// packURL stands for the folder of the pack, so that a schema can refer to other files in it.
const packURL = "pack:///"

// SchemaFiles returns the names that the schema of a pack may have.
func SchemaFiles() []string { return []string{"values.schema.json", "values.schema.yaml"} }

func isSchema(name string) bool { return slices.Contains(SchemaFiles(), name) }

func (p *Pack) readSchema() []Problem {
	var found []string
	for _, name := range SchemaFiles() {
		if _, ok := p.Text(name); ok {
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return nil
	case 2:
		return []Problem{{File: p.where(found[1]), Message: "a pack has one schema; remove this file or " + found[0]}}
	}
	var problems []Problem
	p.Schema, problems = p.compileSchema(found[0])
	return problems
}

func (p *Pack) compileSchema(name string) (*Schema, []Problem) {
	file := yamlFile{name: p.where(name)}
	data, _ := p.Text(name)
	// Read once more than needed, for the lines of a syntax error.
	if problems := file.parse(data); len(problems) > 0 {
		return nil, problems
	}
	if file.root != nil {
		if problems := file.badKeys(0); len(problems) > 0 {
			return nil, problems
		}
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(packLoader{p})
	compiled, err := compiler.Compile(packURL + name)
	if err != nil {
		return nil, schemaProblems(&file, err)
	}
	return &Schema{File: name, compiled: compiled}, nil
}

// schemaProblems tells what keeps a schema from being used.
func schemaProblems(file *yamlFile, err error) []Problem {
	var wrong *jsonschema.SchemaValidationError
	var violation *jsonschema.ValidationError
	if !errors.As(err, &wrong) || !errors.As(wrong.Err, &violation) {
		return []Problem{{File: file.name, Message: strings.ReplaceAll(err.Error(), packURL, "")}}
	}
	var problems []Problem
	for _, leaf := range leaves(violation) {
		for _, problem := range explain(leaf, nil) {
			problem.File, problem.Line = file.name, file.line(leaf.InstanceLocation)
			problems = append(problems, problem)
		}
	}
	return problems
}

// packLoader finds the documents that a schema refers to, in its pack only.
type packLoader struct{ pack *Pack }

func (l packLoader) Load(url string) (any, error) {
	name, ok := strings.CutPrefix(url, packURL)
	if !ok {
		return nil, errors.New("schemas are not fetched from elsewhere; put the file into the pack and refer to its path")
	}
	data, ok := l.pack.Text(name)
	if !ok {
		return nil, fmt.Errorf("the pack has no file %s", name)
	}
	asJSON, err := k8syaml.YAMLToJSONStrict(data)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
}

// facets are a schema and all that must hold together with it: what it refers to, and its allOf.
func facets(of ...*jsonschema.Schema) []*jsonschema.Schema {
	var found []*jsonschema.Schema
	for len(of) > 0 {
		next := of[0]
		of = of[1:]
		if next == nil || slices.Contains(found, next) {
			continue
		}
		found = append(found, next)
		of = append(append(of, next.Ref), next.AllOf...)
	}
	return found
}

// properties are the schemas of the keys that a mapping may have.
func properties(of ...*jsonschema.Schema) map[string][]*jsonschema.Schema {
	found := map[string][]*jsonschema.Schema{}
	for _, facet := range facets(of...) {
		for name, property := range facet.Properties {
			found[name] = append(found[name], property)
		}
	}
	return found
}

// propertiesAt are the names of the keys that the mapping at a path of the values may have, sorted.
func (s *Schema) propertiesAt(path []string) []string {
	at := []*jsonschema.Schema{s.compiled}
	for _, key := range path {
		at = properties(at...)[key]
	}
	return keysOf(properties(at...))
}

func keysOf[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// CheckSchema compares the values at a place with the JSON schema among the files of a chart or of one of its subcharts, which may
// refer to others of these and to nothing else. The error is an *InvalidError.
func CheckSchema(files []File, values map[string]any, at Place) error {
	p := &Pack{Path: PathIn(at.Opened, at.Folder)}
	for _, file := range files {
		// Helm reads no other form.
		if file.Path != SchemaFiles()[1] {
			p.All = append(p.All, file)
		}
	}
	byPath(p.All)
	if problems := p.readSchema(); len(problems) > 0 {
		return &InvalidError{Problems: problems}
	}
	return p.Validate(values, at)
}
