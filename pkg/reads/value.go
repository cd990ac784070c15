package reads

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// value is what an expression of a template may come to, as far as values of the pack are in it.
type value struct {
	// root says that it may be the dot that templates begin with, which has all values.
	root bool
	// nodes are the values that it may be.
	nodes []*node
	// fields are those of a dictionary or list that the template has made; the key "" stands for all that are not known.
	fields map[string]value
}

// or returns what may be either.
func (v value) or(other value) value {
	either := value{root: v.root || other.root, nodes: slices.Clone(v.nodes)}
	for _, n := range other.nodes {
		if !slices.Contains(either.nodes, n) {
			either.nodes = append(either.nodes, n)
		}
	}
	if len(v.fields)+len(other.fields) > 0 {
		either.fields = maps.Clone(v.fields)
		if either.fields == nil {
			either.fields = map[string]value{}
		}
		for key, field := range other.fields {
			either.fields[key] = either.fields[key].or(field)
		}
	}
	return either
}

// anyOf returns what may be each of some values.
func anyOf(values ...value) value {
	var either value
	for _, v := range values {
		either = either.or(v)
	}
	return either
}

// listOf is a list whose items may each be some value, at any place.
func listOf(item value) value { return value{fields: map[string]value{"": item}} }

// id is the same for values that are the same.
func (v value) id() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%t", v.root)
	var nodes []string
	for _, n := range v.nodes {
		nodes = append(nodes, fmt.Sprintf("%p", n))
	}
	slices.Sort(nodes)
	fmt.Fprint(&text, nodes)
	for _, key := range slices.Sorted(maps.Keys(v.fields)) {
		fmt.Fprintf(&text, "{%q:%s}", key, v.fields[key].id())
	}
	return text.String()
}

// field is what stands under a name. Values stands for those of the pack wherever it is not known to be something else: the
// dot that templates begin with is handed around under many names.
func (w *walker) field(v value, name string) value {
	found := v.fields[name].or(v.fields[""])
	for _, n := range v.nodes {
		found = found.or(value{nodes: []*node{n.child(name)}})
	}
	_, known := v.fields[name]
	if name == "Values" && (v.root || len(v.nodes) == 0 && !known) {
		found = found.or(value{nodes: []*node{w.root}})
	}
	return found
}

// each is what any item or key may be.
func (w *walker) each(v value) value {
	var found value
	for _, field := range v.fields {
		found = found.or(field)
	}
	for _, n := range v.nodes {
		found = found.or(value{nodes: []*node{n.any()}})
	}
	if v.root {
		found = found.or(value{nodes: []*node{w.root}})
	}
	return found
}

// use reads all of some values.
func (w *walker) use(values ...value) {
	for _, v := range values {
		if v.root {
			w.root.whole = true
		}
		for _, n := range v.nodes {
			n.whole = true
		}
		for _, field := range v.fields {
			w.use(field)
		}
	}
}

// withoutRoot is a value without the dots in it that templates begin with.
func (v value) withoutRoot() value {
	left := value{nodes: v.nodes, fields: map[string]value{}}
	for key, field := range v.fields {
		left.fields[key] = field.withoutRoot()
	}
	return left
}

// maxSize bounds the fields of a value that a template makes, those of its fields included.
const maxSize = 1_000

// bounded returns a value, or reads all of one that is too large to be followed.
func (w *walker) bounded(v value) value {
	size := v.size()
	w.steps += size
	if size <= maxSize {
		return v
	}
	w.use(v)
	return value{}
}

func (v value) size() int {
	size := len(v.fields)
	for _, field := range v.fields {
		size += field.size()
	}
	return size
}
