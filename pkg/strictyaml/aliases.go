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
	u := unfolding{open: map[*yaml.Node]bool{}, sizes: map[*yaml.Node]int{}}
	size := u.size(root)
	switch {
	case u.cyclic:
		return errors.New("an alias refers to its own anchor")
	case u.found && size > maxUnfolded:
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

// unfolding counts a tree as if its aliases were written out.
type unfolding struct {
	open          map[*yaml.Node]bool
	sizes         map[*yaml.Node]int
	found, cyclic bool
}

func (u *unfolding) size(node *yaml.Node) int {
	if u.open[node] {
		u.cyclic = true
		return 0
	}
	if known, counted := u.sizes[node]; counted {
		return known
	}
	u.open[node] = true
	defer delete(u.open, node)
	total := ofValue + len(node.Value)
	if node.Kind == yaml.AliasNode {
		u.found = true
		total = u.size(node.Alias)
	}
	for _, child := range node.Content {
		// Saturating: the sum of a bomb does not fit into an integer.
		total = min(total+u.size(child), maxUnfolded+1)
	}
	u.sizes[node] = total
	return total
}
