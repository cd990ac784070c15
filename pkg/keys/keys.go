// Package keys finds the keys of a YAML mapping that JSON cannot hold, or of which one would be lost on the way there.
package keys

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// Problem says what is wrong with one key. Line counts from 1.
type Problem struct {
	Line    int
	Message string
}

// Check returns what is wrong with the keys of one mapping, in their order: those that stand twice (one of the two would be
// lost), as the API server reads them (1 and 1.0, yes and true are one key), and those that cannot be strings. Anything but a
// mapping has no problems. The mappings inside are not looked at.
func Check(mapping *yaml.Node) []Problem {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	var problems []Problem
	seen := make(map[string]*yaml.Node, len(mapping.Content)/2)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		line, key := mapping.Content[i].Line, mapping.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Tag == "!!merge" {
			continue
		}
		name, ok := nameOf(key)
		first := seen[name]
		switch {
		case !ok:
			problems = append(problems, Problem{Line: line, Message: "a key must be a string"})
		case first == nil:
			seen[name] = key
		case first.Value == key.Value:
			problems = append(problems, Problem{Line: line, Message: fmt.Sprintf("key %q stands twice in the same mapping", key.Value)})
		default:
			problems = append(problems, Problem{Line: line, Message: fmt.Sprintf("key %q stands twice in the same mapping: "+
				"it is read as %q, like %q; quote both", key.Value, name, first.Value)})
		}
	}
	return problems
}

// nameOf returns the string that the API server makes of a key. It is not ok for a key that cannot be one.
func nameOf(key *yaml.Node) (name string, ok bool) {
	if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null" {
		return "", false
	}
	if !mayBeOther(key) {
		return key.Value, true
	}
	text, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, {Kind: yaml.ScalarNode, Value: "0"}}})
	if err != nil {
		return key.Value, true
	}
	asJSON, err := sigsyaml.YAMLToJSON(text)
	if err != nil {
		// The reader of the whole text refuses it, too, and says why.
		return key.Value, true
	}
	var read map[string]int
	if err := json.Unmarshal(asJSON, &read); err != nil {
		return key.Value, true
	}
	for name := range read {
		return name, true
	}
	return key.Value, true
}

// mayBeOther says whether a key may be read as a number or as true or false, which few are: to ask the reader takes long.
func mayBeOther(key *yaml.Node) bool {
	if key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && key.Style&yaml.TaggedStyle == 0 || key.Value == "" {
		return false
	}
	switch strings.ToLower(key.Value) {
	case "y", "n", "yes", "no", "on", "off", "true", "false":
		return true
	}
	return strings.ContainsRune("0123456789+-.", rune(key.Value[0]))
}
