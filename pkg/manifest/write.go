package manifest

import (
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// appendText appends the text of a resource. What the YAML library takes long to write is written here, byte for byte the same; it
// writes whatever is not simple.
func appendText(out []byte, node *yaml.RNode) ([]byte, error) {
	w := writer{out}
	if content := node.YNode(); len(content.Content) > 0 && w.mapping(content, 0) {
		return w.out, nil
	}
	text, err := node.String()
	return append(out, text...), err
}

// writer writes trees of mappings and lists that begin lines of their own, without comments, and of simple scalars. Its methods
// report whether they could: what was written is of no use if not.
type writer struct{ out []byte }

func (w *writer) write(text string) { w.out = append(w.out, text...) }

// mapping writes the fields of a mapping, the first at the place that is reached and the others below it.
func (w *writer) mapping(node *yaml.Node, indent int) bool {
	if node.Kind != yaml.MappingNode || !isBare(node, yaml.NodeTagMap) {
		return false
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if i > 0 {
			w.indent(indent)
		}
		key := node.Content[i]
		isShort := len(key.Value) <= maxKey && !strings.Contains(key.Value, "\n") && key.Style&yaml.LiteralStyle == 0
		if key.Kind != yaml.ScalarNode || !isShort || !w.scalar(key, 0) {
			return false
		}
		w.write(":")
		if !w.field(node.Content[i+1], indent) {
			return false
		}
	}
	return true
}

// field writes the value of a field.
func (w *writer) field(node *yaml.Node, indent int) bool {
	switch {
	case len(node.Content) == 0:
		w.write(" ")
	case node.Kind == yaml.MappingNode:
		indent += yaml.DefaultIndent
		fallthrough
	default:
		w.write("\n")
		w.indent(indent)
	}
	return w.value(node, indent)
}

// value writes a value, and the end of its last line.
func (w *writer) value(node *yaml.Node, indent int) bool {
	switch {
	case node.Kind == yaml.ScalarNode && w.scalar(node, indent+yaml.DefaultIndent):
	case node.Kind == yaml.MappingNode && len(node.Content) > 0:
		return w.mapping(node, indent)
	case node.Kind == yaml.SequenceNode && len(node.Content) > 0:
		return w.sequence(node, indent)
	case node.Kind == yaml.MappingNode && isBare(node, yaml.NodeTagMap):
		w.write("{}")
	case node.Kind == yaml.SequenceNode && isBare(node, yaml.NodeTagSeq):
		w.write("[]")
	default:
		return false
	}
	w.write("\n")
	return true
}

// sequence writes the items of a list, the first at the place that is reached and the others below it.
func (w *writer) sequence(node *yaml.Node, indent int) bool {
	if !isBare(node, yaml.NodeTagSeq) {
		return false
	}
	for i, item := range node.Content {
		if i > 0 {
			w.indent(indent)
		}
		w.write("- ")
		below := indent
		if item.Kind != yaml.ScalarNode {
			below += yaml.DefaultIndent
		}
		if !w.value(item, below) {
			return false
		}
	}
	return true
}

func (w *writer) indent(columns int) {
	for range columns {
		w.out = append(w.out, ' ')
	}
}

// scalar writes a scalar without the end of its line. indent is that of lines below the first.
func (w *writer) scalar(node *yaml.Node, indent int) bool {
	if !isBare(node, node.Tag) || !survives(node.Value, true) {
		return false
	}
	isText := node.Tag == "" || node.Tag == yaml.NodeTagString
	switch node.Style {
	case 0:
		return w.plain(node)
	case yaml.DoubleQuotedStyle:
		w.quoted(node.Value)
		return isText
	case yaml.SingleQuotedStyle:
		w.write("'" + strings.ReplaceAll(node.Value, "'", "''") + "'")
		return isText && !strings.ContainsAny(node.Value, "\n\t")
	case yaml.LiteralStyle:
		return isText && w.literal(node.Value, indent)
	}
	return false
}

// quoted writes a text in double quotes.
func (w *writer) quoted(text string) {
	w.write(`"`)
	for i := range len(text) {
		switch letter := text[i]; letter {
		case '\n':
			w.write(`\n`)
		case '\t':
			w.write(`\t`)
		case '"', '\\':
			w.out = append(w.out, '\\', letter)
		default:
			w.out = append(w.out, letter)
		}
	}
	w.write(`"`)
}

// plain writes a scalar without quotes that needs none.
func (w *writer) plain(node *yaml.Node) bool {
	w.write(node.Value)
	if strings.ContainsAny(node.Value, "\n\t") || !needsNoQuotes(node.Value) {
		return false
	}
	if !strictyaml.MayBeOther(node.Value) {
		return node.Tag == "" || node.Tag == yaml.NodeTagString
	}
	return node.Tag == "" || node.Tag == untagged(node.Value)
}

// needsNoQuotes reports whether a text on one line is that of a scalar outside of flow mappings and lists.
func needsNoQuotes(text string) bool {
	if text == "" || strings.Trim(text, " ") != text || strings.ContainsAny(text[:1], "#,[]{}&*!|>'\"%@`") {
		return false
	}
	first, _, _ := strings.Cut(text, " ")
	return first != "-" && first != "?" && !strings.HasPrefix(text, "---") && !strings.HasPrefix(text, "...") &&
		!strings.Contains(text, ": ") && !strings.HasSuffix(text, ":") && !strings.Contains(text, " #")
}

// literal writes a text as lines of their own, the last without its end.
func (w *writer) literal(text string, indent int) bool {
	body, ends := strings.CutSuffix(text, "\n")
	if body == "" || !survivesAsLines(text) || strings.HasSuffix(body, " ") || strings.Contains(body, " \n") {
		return false
	}
	w.write("|")
	if !ends {
		w.write("-")
	}
	for line := range strings.SplitSeq(body, "\n") {
		w.write("\n")
		if line != "" {
			w.indent(indent)
		}
		w.write(line)
	}
	return true
}

// isBare reports whether a node has nothing but its content, which an empty mapping or list may have in any style.
func isBare(node *yaml.Node, tag string) bool {
	inFlow := node.Style&yaml.FlowStyle != 0 && len(node.Content) > 0
	return !inFlow && node.Style&yaml.TaggedStyle == 0 && node.Anchor == "" && (node.Tag == "" || node.Tag == tag) &&
		node.HeadComment == "" && node.LineComment == "" && node.FootComment == ""
}
