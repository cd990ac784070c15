package reads

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Unread is a value that was given and that the pack does not read.
type Unread struct {
	pack.Problem
	// Mistyped says that it was given on the command line and is called nearly like one that is read.
	Mistyped bool
}

// Unread returns the values in some layers that the pack does not read, in the order of the layers and, in a file, of its lines. Of a
// mapping that is not read at all its values are not told one by one. The key global and those that begin with x- are for others
// than templates.
func (t *Tree) Unread(layers []pack.Layer) []Unread {
	var found []Unread
	for _, layer := range layers {
		l := look{source: layer.Source, shared: t.shared}
		l.mapping([]*node{t.root}, layer.Values, place{})
		slices.SortStableFunc(l.found, func(a, b Unread) int { return cmp.Compare(a.Line, b.Line) })
		found = append(found, l.found...)
	}
	return found
}

// place is where a value stands: its keys and indexes, and the same as --set takes it.
type place struct {
	path []string
	text string
}

func (p place) key(key string) place {
	text := pack.SetPath([]string{key})
	if p.text != "" {
		text = p.text + "." + text
	}
	return place{append(slices.Clip(p.path), key), text}
}

func (p place) index(i int) place {
	return place{append(slices.Clip(p.path), strconv.Itoa(i)), fmt.Sprintf("%s[%d]", p.text, i)}
}

// look is a look at the values of one layer.
type look struct {
	source func(path []string) pack.Source
	// shared are those of the tree.
	shared map[*node]bool
	found  []Unread
}

func (l *look) value(nodes []*node, value any, at place) {
	switch value := value.(type) {
	case map[string]any:
		l.mapping(nodes, value, at)
	case []any:
		l.list(nodes, value, at)
	}
}

func (l *look) isShared(n *node) bool { return l.shared[n] }

func (l *look) mapping(nodes []*node, values map[string]any, above place) {
	if slices.ContainsFunc(nodes, (*node).isRead) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key == pack.GlobalKey && slices.ContainsFunc(nodes, l.isShared) || strings.HasPrefix(key, "x-") {
			continue
		}
		below, known := step(nodes, key)
		if len(below) == 0 {
			l.add(above, key, words.Nearest(key, known))
			continue
		}
		l.value(below, values[key], above.key(key))
	}
}

func (l *look) list(nodes []*node, values []any, above place) {
	var items []*node
	for _, n := range nodes {
		if n.each == nil || n.isRead() {
			// They are read in a way that is not known.
			return
		}
		items = append(items, n.each)
	}
	for i, item := range values {
		l.value(items, item, above.index(i))
	}
}

// add tells of a key that is not read, and of the one that was meant; "" where none is near.
func (l *look) add(above place, key, meant string) {
	at := above.key(key)
	source := l.source(at.path)
	unread := Unread{Mistyped: meant != "" && source.IsFlag()}
	unread.Message = "the pack reads no such value"
	if meant != "" {
		unread.Message += fmt.Sprintf("; did you mean %q?", above.key(meant).text)
	}
	unread.File, unread.Line, unread.Path = source.File, source.Line, at.text
	if source.IsFlag() {
		unread.File, unread.Path = source.String()+" "+at.text, ""
	}
	l.found = append(l.found, unread)
}
