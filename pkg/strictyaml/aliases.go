package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

const (
	// maxUnfolded bounds the bytes of a text with its aliases written out. The YAML readers count what aliases stand for in
	// values, and a value may be a megabyte.
	maxUnfolded = 64 << 20
	// ofValue is what a value counts, besides its text.
	ofValue = 16
)

// CheckAliases returns an error for a tree that is too large once its aliases are written out, or of which an alias refers to its
// own anchor. A tree without aliases is as large as its text, and is not looked at.
func CheckAliases(root *yaml.Node) error {
	u := NewUnfolding(maxUnfolded, func(node *yaml.Node) int { return ofValue + len(node.Value) })
	size := u.Size(root)
	switch {
	case u.Cyclic:
		return errors.New("an alias refers to its own anchor")
	case u.Found && size > maxUnfolded:
		return fmt.Errorf("the aliases stand for more than %d MiB", maxUnfolded>>20)
	}
	return nil
}

// CheckAliasesIn is CheckAliases for all documents of a text that another reader is to read. The error is that of YAML where the
// text may have aliases and cannot be read.
func CheckAliasesIn(text []byte) error {
	if !bytes.Contains(text, []byte("&")) || !bytes.Contains(text, []byte("*")) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New(WithoutValues(err.Error()))
		}
		if err := CheckAliases(&document); err != nil {
			return err
		}
	}
}

// Unfolding counts trees as if their aliases were written out.
type Unfolding struct {
	// Found says that one of the trees has an alias, and Cyclic that an alias refers to its own anchor.
	Found, Cyclic bool

	most  int
	weigh func(node *yaml.Node) int
	open  map[*yaml.Node]bool
	sizes map[*yaml.Node]int
}

// NewUnfolding returns one that counts for each node, without those in it, what weigh says, and no more than one above most.
func NewUnfolding(most int, weigh func(node *yaml.Node) int) *Unfolding {
	return &Unfolding{most: most, weigh: weigh, open: map[*yaml.Node]bool{}, sizes: map[*yaml.Node]int{}}
}

// Size counts a tree. An alias counts as what it stands for.
func (u *Unfolding) Size(node *yaml.Node) int {
	switch {
	case node.Kind == yaml.AliasNode:
		u.Found = true
		return u.Size(node.Alias)
	case node.Anchor == "":
		// Nothing refers to it, so it is met once.
		return u.sum(node)
	case u.open[node]:
		u.Cyclic = true
		return 0
	}
	if known, counted := u.sizes[node]; counted {
		return known
	}
	u.open[node] = true
	defer delete(u.open, node)
	u.sizes[node] = u.sum(node)
	return u.sizes[node]
}

// sum counts a node and what is in it.
func (u *Unfolding) sum(node *yaml.Node) int {
	total := u.weigh(node)
	for _, child := range node.Content {
		// Saturating: the sum of a bomb does not fit into an integer.
		total = min(total+u.Size(child), u.most+1)
	}
	return total
}
