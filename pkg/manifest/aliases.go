package manifest

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// maxNodes bounds what the aliases of one document may stand for, so that a small text cannot fill the memory. A
// manifest of 20 MB without aliases stays well below it.
const maxNodes = 5_000_000

// expand replaces every alias and merge key by what it stands for, so that all later reading sees a plain tree: an
// annotation that comes through an alias counts like any other.
func (s source) expand(content *yaml.Node) error {
	counter := aliasCounter{open: map[*yaml.Node]bool{}, sizes: map[*yaml.Node]int{}}
	size := counter.size(content)
	switch {
	case counter.cyclic:
		return s.errorAt(content.Line, "not valid YAML: an alias stands inside its own anchor")
	case size > maxNodes:
		return s.errorAt(content.Line, fmt.Sprintf("the aliases of this document stand for more than %d values", maxNodes))
	case !counter.found:
		return nil
	}
	if err := yaml.NewRNode(content).DeAnchor(); err != nil {
		return s.errorAt(content.Line, "not valid YAML: "+err.Error())
	}
	return nil
}

// aliasCounter counts the nodes of a tree as if its aliases were written out.
type aliasCounter struct {
	open   map[*yaml.Node]bool
	sizes  map[*yaml.Node]int
	found  bool
	cyclic bool
}

func (c *aliasCounter) size(node *yaml.Node) int {
	if c.open[node] {
		c.cyclic = true
		return 0
	}
	if known, ok := c.sizes[node]; ok {
		return known
	}
	c.open[node] = true
	defer delete(c.open, node)
	total := 1
	if node.Kind == yaml.AliasNode {
		c.found = true
		total = c.size(node.Alias)
	}
	for _, child := range node.Content {
		// Saturating: the sum of a bomb does not fit into an integer.
		total = min(total+c.size(child), maxNodes+1)
	}
	c.sizes[node] = total
	return total
}
