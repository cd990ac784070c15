// Package reads finds out which of its values a pack reads: by its templates, in all of their branches and whether they are
// executed or not, by its schema, and by its own values.yaml. It is careful: what it does not understand reads everything.
package reads

import (
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// Tree is the values that a pack reads, by their keys.
type Tree struct {
	root *node
	// shared are the places of values of packs, below which the key global is every pack's.
	shared map[*node]bool
}

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

// Of returns what a pack, which comes first, and those that it depends on read, as paths of its values. Their values are all that
// they are rendered with: those that are templates themselves may read others. What nobody looks into reads everything.
func Of(scopes []pack.Scope) *Tree {
	tree := &Tree{root: newNode(0), shared: map[*node]bool{}}
	w := newWalker(scopes)
	for _, scope := range scopes {
		at := tree.root
		for _, name := range scope.Names {
			at = at.child(name)
		}
		tree.shared[at] = true
		switch {
		case scope.Pack == nil:
			at.whole = true
			// Its own dependencies may have any tags.
			tree.root.child("tags").whole = true
		case !w.scope(scope, at):
			at.whole = true
		case !at.whole:
			at.declareAll(scope.Pack, tree.root.child)
		}
	}
	return tree
}

// declareAll adds what a pack says of its values besides its templates. atTop returns values of the top pack, which has all tags.
func (n *node) declareAll(p *pack.Pack, atTop func(key string) *node) {
	n.declare(p.Values)
	if p.Schema != nil {
		n.describe(p.Schema.Describes())
	}
	for _, dependency := range p.Dependencies {
		for _, tag := range dependency.Tags {
			atTop("tags").child(tag)
		}
		for path := range strings.FieldsFuncSeq(dependency.Condition, func(r rune) bool { return r == ',' }) {
			at := n
			for key := range strings.SplitSeq(path, ".") {
				at = at.child(key)
			}
		}
	}
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
