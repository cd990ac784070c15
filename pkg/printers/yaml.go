package printers

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// EscapeYAML makes a document of YAML safe to print: what changes the direction of writing is escaped, so that it still means
// the same. All else that Clean replaces has no place in YAML but escaped.
func EscapeYAML(document string) (string, error) {
	if !strings.ContainsFunc(document, turns) {
		return document, nil
	}
	const separator = "---\n"
	content, separated := strings.CutPrefix(document, separator)
	node, err := yaml.Parse(content)
	if err != nil {
		return "", fmt.Errorf("escaping characters that change the direction of writing: %w", err)
	}
	quote(node.YNode())
	quoted, err := node.String()
	if separated {
		quoted = separator + quoted
	}
	return escapeTurns(quoted), err
}

// quote puts scalars in quotes that need an escape, which only has a meaning there.
func quote(node *yaml.Node) {
	if node.Kind == yaml.ScalarNode && strings.ContainsFunc(node.Value, turns) {
		node.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range node.Content {
		quote(child)
	}
}

// escapeTurns writes what changes the direction of writing as an escape.
func escapeTurns(text string) string {
	var escaped strings.Builder
	for _, r := range text {
		if turns(r) {
			fmt.Fprintf(&escaped, `\u%04X`, r)
		} else {
			escaped.WriteRune(r)
		}
	}
	return escaped.String()
}
