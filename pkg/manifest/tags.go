package manifest

import (
	"bytes"
	"strings"
	"unicode"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// place is where something stands in a text. Both count from 1; columns count characters.
type place struct{ line, column int }

// separators are what stands between words.
const separators = " \t\r\n[]{},"

// hasBareTag reports whether one of the words of a text is "!". Few texts have that, and many have one with exclamation marks.
func hasBareTag(text []byte) bool {
	isBetween := func(i int) bool { return i < 0 || i == len(text) || strings.IndexByte(separators, text[i]) >= 0 }
	for at := bytes.IndexByte(text, '!'); at >= 0; {
		if isBetween(at-1) && isBetween(at+1) {
			return true
		}
		next := bytes.IndexByte(text[at+1:], '!')
		if next < 0 {
			return false
		}
		at += next + 1
	}
	return false
}

// bareTags finds where a value may have the tag "!", which makes a string of it. The YAML library reads such values
// without it, unlike the API server. nil where there is none, which is the rule.
func bareTags(text []byte) map[place]bool {
	if !hasBareTag(text) {
		return nil
	}
	found := map[place]bool{}
	at, start := place{1, 1}, place{1, 1}
	var word strings.Builder
	var anchor place
	for _, letter := range string(text) + "\n" {
		separates := strings.ContainsRune(separators, letter)
		if !separates {
			word.WriteRune(letter)
		} else if word.Len() > 0 {
			anchor = note(found, word.String(), start, anchor)
			word.Reset()
		}
		if separates && !unicode.IsSpace(letter) {
			// An anchor is that of the value in which it stands.
			anchor = place{}
		}
		at.column++
		if letter == '\n' {
			at = place{at.line + 1, 1}
		}
		if separates {
			start = at
		}
	}
	return found
}

// note notes a word that is the tag, and with it the anchor in front of it, where the library says that the value begins.
// It returns where the word stands if it is an anchor.
func note(found map[place]bool, word string, at, anchor place) place {
	switch {
	case word == "!":
		found[at], found[anchor] = true, true
	case strings.HasPrefix(word, "&"):
		return at
	}
	return place{}
}

// tagStrings makes strings of the scalars that stand in these places.
func tagStrings(node *yaml.Node, places map[place]bool) {
	if len(places) == 0 {
		return
	}
	if node.Kind == yaml.ScalarNode && places[place{node.Line, node.Column}] {
		node.Tag, node.Style = yaml.NodeTagString, yaml.DoubleQuotedStyle
	}
	for _, child := range node.Content {
		tagStrings(child, places)
	}
}
