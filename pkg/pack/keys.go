package pack

import "github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"

// maxKeys bounds one mapping of Pack.yaml: the YAML reader compares each key with all others.
const maxKeys = 10_000

// badKeys finds keys that are duplicates or no strings, and mappings of more than most keys; 0 allows any number.
func (f *yamlFile) badKeys(most int) []Problem {
	var problems []Problem
	for _, problem := range strictyaml.CheckKeys(f.root, most) {
		problems = append(problems, Problem{File: f.name, Line: problem.Line, Message: problem.Message})
	}
	return problems
}
