// Package reads finds out which of its values a pack reads: by its templates, in all of their branches and whether they are
// executed or not, by its schema, and by its own values.yaml. It is careful: what it does not understand reads everything.
package reads

import (
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// Tree is the values that a pack reads, by their keys.
type Tree struct{ root *node }

// node is a value that is read, or on the way to one. One that has no others below it is read with all that is below.
type node struct {
	// whole is set where all that is below is read.
	whole bool
	keys  map[string]*node
	// each is what is read of any key or item; nil where nothing is.
	each  *node
	depth int
}

// maxDepth bounds how deep values are looked into: templates that include themselves walk down for ever.
const maxDepth = 30

func newNode(depth int) *node {
	return &node{keys: map[string]*node{}, depth: depth, whole: depth > maxDepth}
}

// child returns what is below a key.
func (n *node) child(key string) *node {
	if n.depth > maxDepth {
		return n
	}
	if n.keys[key] == nil {
		n.keys[key] = newNode(n.depth + 1)
	}
	return n.keys[key]
}

// any returns what is below a key or an index that is not known.
func (n *node) any() *node {
	if n.depth > maxDepth {
		return n
	}
	if n.each == nil {
		n.each = newNode(n.depth + 1)
	}
	return n.each
}

// isRead reports whether all that is below is read.
func (n *node) isRead() bool { return n.whole || n.depth > 0 && len(n.keys) == 0 && n.each == nil }

// Of returns what a pack reads. merged are all values that it is rendered with: those that are templates themselves may read
// others.
func Of(p *pack.Pack, merged map[string]any) *Tree {
	tree := &Tree{root: newNode(0)}
	w := newWalker(p, tree.root)
	w.pack(p, merged)
	if !tree.root.whole {
		tree.root.declare(p.Values)
		if p.Schema != nil {
			tree.root.describe(p.Schema.Describes())
		}
	}
	return tree
}

// declare adds values that have a default.
func (n *node) declare(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			n.child(key).declare(inner)
		}
	case []any:
		for _, item := range value {
			n.any().declare(item)
		}
	}
}

// describe adds what a schema describes.
func (n *node) describe(described *pack.Described) {
	n.whole = n.whole || described.Open
	for key, inner := range described.Keys {
		n.child(key).describe(inner)
	}
}

// step returns what is read below a key of a mapping that several nodes are about. known are the keys that could stand there.
func step(nodes []*node, key string) (below []*node, known []string) {
	for _, n := range nodes {
		if inner := n.keys[key]; inner != nil {
			below = append(below, inner)
		}
		if n.each != nil {
			below = append(below, n.each)
		}
		for name := range n.keys {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	return below, slices.Compact(known)
}
