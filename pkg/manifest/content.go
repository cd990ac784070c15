package manifest

import (
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

const (
	// maxDepth and maxKey bound what is read without its text: readers and writers of text have limits of their own beyond.
	maxDepth = 1000
	maxKey   = 100
)

// contentOf returns what the API server reads in the text of a mapping, without writing the text, which takes ten times as long.
// It is not ok for all of which the text decides what is read, or whether it can be: anchors, tags, duplicate keys, keys that are
// no strings, and characters that do not survive being written.
func contentOf(node *yaml.Node) (content map[string]any, ok bool) {
	return reader{scalars: map[string]any{}}.mapping(node)
}

// reader is where in a tree reading is, and what plain scalars were found to be.
type reader struct {
	depth   int
	inFlow  bool
	scalars map[string]any
}

func (r reader) value(node *yaml.Node) (value any, ok bool) {
	// Comments move between the values of a flow mapping or list, where what follows one is part of it.
	if r.inFlow && (node.HeadComment != "" || node.LineComment != "" || node.FootComment != "") || node.Anchor != "" {
		return nil, false
	}
	switch node.Kind {
	case yaml.MappingNode:
		return r.mapping(node)
	case yaml.SequenceNode:
		return r.sequence(node)
	case yaml.ScalarNode:
		return r.scalar(node)
	}
	return nil, false
}

// inside returns the reader of what a mapping or list with that tag has. It is not ok where only the text tells what it has.
func (r reader) inside(node *yaml.Node, tag string) (below reader, ok bool) {
	r.depth, r.inFlow = r.depth+1, r.inFlow || node.Style&yaml.FlowStyle != 0
	plain := node.Style&^yaml.FlowStyle == 0 && (node.Tag == "" || node.Tag == tag)
	return r, plain && r.depth < maxDepth
}

func (r reader) mapping(node *yaml.Node) (fields map[string]any, ok bool) {
	below, ok := r.inside(node, yaml.NodeTagMap)
	if !ok {
		return nil, false
	}
	fields = make(map[string]any, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		read, ok := below.value(node.Content[i])
		key, isText := read.(string)
		_, twice := fields[key]
		if !ok || !isText || twice || len(key) > maxKey {
			return nil, false
		}
		if fields[key], ok = below.value(node.Content[i+1]); !ok {
			return nil, false
		}
	}
	return fields, true
}

func (r reader) sequence(node *yaml.Node) (items []any, ok bool) {
	below, ok := r.inside(node, yaml.NodeTagSeq)
	if !ok {
		return nil, false
	}
	items = make([]any, len(node.Content))
	for i, item := range node.Content {
		if items[i], ok = below.value(item); !ok {
			return nil, false
		}
	}
	return items, true
}

func (r reader) scalar(node *yaml.Node) (value any, ok bool) {
	isText := node.Tag == "" || node.Tag == yaml.NodeTagString
	switch node.Style {
	case 0:
		if strictyaml.MayBeOther(node.Value) {
			return r.plain(node)
		}
		// "<<" is the key of what is merged.
		return node.Value, isText && survives(node.Value, false) && node.Value != "<<"
	case yaml.SingleQuotedStyle:
		return node.Value, isText && survives(node.Value, false)
	case yaml.DoubleQuotedStyle:
		return node.Value, isText && survives(node.Value, true)
	case yaml.LiteralStyle:
		return node.Value, isText && survives(node.Value, true) && survivesAsLines(node.Value)
	}
	return nil, false
}

// plain returns what a short text is read as, such as a number. It is not ok for a text with a tag of its own.
func (r reader) plain(node *yaml.Node) (value any, ok bool) {
	if node.Tag != "" && node.Tag != untagged(node.Value) {
		return nil, false
	}
	if value, known := r.scalars[node.Value]; known {
		return value, true
	}
	asJSON, err := sigsyaml.YAMLToJSONStrict([]byte("value: " + node.Value))
	if err != nil {
		return nil, false
	}
	var read map[string]any
	if err := json.Unmarshal(asJSON, &read); err != nil {
		return nil, false
	}
	r.scalars[node.Value] = read["value"]
	return read["value"], true
}

// untagged is the tag that the YAML library gives a text without quotes.
func untagged(text string) string {
	return (&yaml.Node{Kind: yaml.ScalarNode, Value: text}).ShortTag()
}

// survives reports whether a string is for sure the same once it was written and read.
func survives(text string, lines bool) bool {
	for _, letter := range text {
		switch {
		case letter == '\n':
			if !lines {
				return false
			}
		case letter < ' ' && letter != '\t', letter >= 0x7F && letter < 0xA0, letter == '\u2028', letter == '\u2029', letter == '\uFEFF',
			letter == utf8.RuneError, letter > '\uFFFD':
			return false
		}
	}
	return true
}
