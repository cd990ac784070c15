package pack

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/keys"
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
	var problems []Problem
	for _, problem := range keys.Check(node) {
		problems = append(problems, Problem{File: f.name, Line: problem.Line, Message: problem.Message})
	}
	return problems
}
