// Package strictyaml is what the YAML readers leave to be desired: it finds keys that would be lost, and keeps values out of
// errors.
package strictyaml

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

// CheckKeys returns what is wrong with the keys of all mappings in a tree, those of a mapping before those inside of it: keys
// that appear twice in one mapping (one of the two would be lost), as the API server reads them (1 and 1.0, yes and true are one
// key), and keys that cannot be strings. A mapping of more than most keys is one problem, and is looked at no further; 0 allows
// any number. What an alias stands for is not looked at again.
func CheckKeys(node *yaml.Node, most int) []Problem {
	if node.Kind == yaml.MappingNode && most > 0 && len(node.Content) > 2*most {
		return []Problem{{Line: node.Line, Message: fmt.Sprintf("a mapping has more than %d keys", most)}}
	}
	problems := check(node)
	for _, child := range node.Content {
		problems = append(problems, CheckKeys(child, most)...)
	}
	return problems
}

// check looks at the keys of one mapping; anything else has none.
func check(mapping *yaml.Node) []Problem {
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
			problems = append(problems, Problem{Line: line, Message: fmt.Sprintf("duplicate key %q", key.Value)})
		default:
			problems = append(problems, Problem{Line: line, Message: fmt.Sprintf("duplicate key %q: "+
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
	isQuoted := key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 && key.Style&yaml.TaggedStyle == 0
	return !isQuoted && key.Value != "" && MayBeOther(key.Value)
}

// MayBeOther reports whether the API server may read a text without quotes as something other than a string: a number, true or
// false, or null, as which it reads the empty text. Any other text is a string.
func MayBeOther(text string) bool {
	if text == "" || strings.IndexByte("0123456789+-.", text[0]) >= 0 {
		return strings.IndexFunc(text, isNoneOfNumbers) < 0
	}
	switch strings.ToLower(text[:min(len(text), len("false")+1)]) {
	case "~", "null", "y", "n", "yes", "no", "on", "off", "true", "false":
		return true
	}
	return false
}

// isNoneOfNumbers reports whether no number has a letter.
func isNoneOfNumbers(letter rune) bool {
	isAlphanumeric := letter >= '0' && letter <= '9' || letter >= 'a' && letter <= 'z' || letter >= 'A' && letter <= 'Z'
	return !isAlphanumeric && !strings.ContainsRune("+-._", letter)
}
