package pack

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// maxKeys bounds one mapping of Pack.yaml: the YAML reader compares each key with all others.
const maxKeys = 10_000

// badKeys finds mappings that cannot be read: a key stands twice, or is no plain word, or there are too many.
func (f *yamlFile) badKeys(node *yaml.Node) []Problem {
	if node.Kind == yaml.MappingNode && len(node.Content) > 2*maxKeys {
		return []Problem{{File: f.name, Line: node.Line, Message: fmt.Sprintf("a mapping has more than %d keys", maxKeys)}}
	}
	problems := f.keyProblems(node)
	for _, child := range node.Content {
		problems = append(problems, f.badKeys(child)...)
	}
	return problems
}

// badValueKeys is badKeys for values, which may have any number of keys.
func (f *yamlFile) badValueKeys(node *yaml.Node) []Problem {
	problems := f.keyProblems(node)
	for _, child := range node.Content {
		problems = append(problems, f.badValueKeys(child)...)
	}
	return problems
}

// keyProblems looks at the keys of one mapping.
func (f *yamlFile) keyProblems(node *yaml.Node) []Problem {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	var problems []Problem
	seen := make(map[string]bool, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode, key.ShortTag() == "!!null":
			problems = append(problems, Problem{File: f.name, Line: node.Content[i].Line, Message: "a key must be a string"})
		case seen[key.Value]:
			problems = append(problems, Problem{File: f.name, Line: node.Content[i].Line, Message: fmt.Sprintf("key %q stands twice in the same mapping", key.Value)})
		}
		seen[key.Value] = true
	}
	return problems
}
