package manifest

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// maxValues bounds the values of a manifest, those that its aliases stand for included, so that a small text cannot fill the
// memory. A manifest of 20 MB that is mostly short values stays below it.
const maxValues = 2_000_000

// maxDocument is maxValues for one document: an object is kept in memory in several forms at a time.
const maxDocument = 500_000

// tooMany says that a text has more values than a manifest may have.
func (s source) tooMany(line int) *Error {
	return s.errorAt(line, fmt.Sprintf("the manifest has more than %d values", maxValues))
}

// atLeast is a number of values that a text has for sure, or that it has commas and lines for. It is told without reading it,
// because reading takes hundreds of bytes for each.
func atLeast(text []byte) int {
	return bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte(","))
}

// Count returns how many values resources have, keys included.
func Count(nodes []*yaml.RNode) int {
	counter := newCounter()
	total := 0
	for _, node := range nodes {
		total += counter.Size(node.YNode())
	}
	return total
}

// CheckCount refuses a manifest of so many values, of which a file brought the last. The error is an *Error.
func CheckCount(file string, values int) error {
	if values > maxValues {
		return source{file: file}.tooMany(0)
	}
	return nil
}

// expand replaces every alias and merge key by what it stands for, so that all later reading sees a plain tree: an
// annotation that comes through an alias counts like any other.
func (s source) expand(content *yaml.Node) error {
	counter := newCounter()
	size := counter.Size(content)
	switch {
	case counter.Cyclic:
		return s.errorAt(content.Line, "not valid YAML: an alias refers to its own anchor")
	case size > maxDocument && counter.Found:
		return s.errorAt(content.Line, fmt.Sprintf("the aliases of this document stand for more than %d values", maxDocument))
	case size > maxDocument:
		return s.errorAt(content.Line, fmt.Sprintf("the document has more than %d values", maxDocument))
	case !counter.Found:
		return nil
	}
	if err := strictyaml.CheckAliases(content); err != nil {
		return s.errorAt(content.Line, err.Error())
	}
	if err := yaml.NewRNode(content).DeAnchor(); err != nil {
		return s.errorAt(content.Line, "not valid YAML: "+err.Error())
	}
	// A merged key may be one that the mapping has in another form.
	return s.checkKeys(content)
}

// newCounter returns what counts the values of trees.
func newCounter() *strictyaml.Unfolding {
	return strictyaml.NewUnfolding(maxValues, func(*yaml.Node) int { return 1 })
}
