// Package manifest holds the YAML stream of a release and its objects: decoding and encoding it, the
// identity of an object, and the order in which kinds are installed.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// Error says what is wrong with one place of a manifest. File may be empty (the stream was not read from a
// file); Line counts from 1 and is 0 where the place is not known.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error returns "file:line: message".
func (e *Error) Error() string {
	return Position(e.File, e.Line) + e.Message
}

// Position renders the place a message is about as a prefix, "file:line: ". Both parts are omitted where
// they are not known.
func Position(file string, line int) string {
	switch {
	case file == "" && line == 0:
		return ""
	case file == "":
		return fmt.Sprintf("line %d: ", line)
	case line == 0:
		return file + ": "
	}
	return fmt.Sprintf("%s:%d: ", file, line)
}

// Decode reads all resources of one rendered file, in their order. Documents are found by a YAML reader, never
// by text search. Lists of any kind are unwrapped, documents without content are skipped, and the project's own
// annotations are turned into strings, so that a weight may come unquoted.
//
// file is remembered with every resource (see File). line translates a line of text into the line to show to the
// user, usually that of the template; nil leaves lines as they are. The errors are *Error, joined: one for each
// resource that is not a Kubernetes object, has no name, or says a key twice.
func Decode(file string, text []byte, line func(int) int) ([]*yaml.RNode, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	source := source{file: file, line: line, tags: bareTags(text)}
	if atLeast(text) > maxValues {
		return nil, source.tooMany(0)
	}
	var nodes []*yaml.RNode
	var problems []error
	values := 0
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nodes, errors.Join(problems...)
		}
		if err != nil {
			return nil, errors.Join(append(problems, source.syntaxError(err))...)
		}
		found, err := source.resources(&document)
		// An alias may stand for what is in an earlier document.
		if values += Count(found); values > maxValues {
			return nil, source.tooMany(document.Line)
		}
		nodes, problems = append(nodes, found...), appendError(problems, err)
	}
}

func appendError(errs []error, err error) []error {
	if err == nil {
		return errs
	}
	return append(errs, err)
}

// source is where a stream comes from.
type source struct {
	file string
	line func(int) int
	// tags are where a value may have the tag "!".
	tags map[place]bool
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (s source) syntaxError(err error) error {
	at := 0
	text := err.Error()
	if match := yamlErrorLine.FindStringSubmatch(text); match != nil {
		at, _ = strconv.Atoi(match[1])
		text = strings.TrimPrefix(text, match[0])
	}
	return s.errorAt(at, "not valid YAML: "+strictyaml.WithoutValues(text))
}

func (s source) errorAt(line int, message string) *Error {
	if line > 0 && s.line != nil {
		line = s.line(line)
	}
	return &Error{File: s.file, Line: line, Message: message}
}

// resources returns what one document holds: nothing, one object, or the items of a list.
func (s source) resources(document *yaml.Node) ([]*yaml.RNode, error) {
	if len(document.Content) == 0 || document.Content[0].Tag == yaml.NodeTagNull {
		return nil, nil
	}
	content := document.Content[0]
	if content.Kind != yaml.MappingNode {
		return nil, s.errorAt(content.Line, "not a Kubernetes object: expected a mapping with apiVersion and kind")
	}
	if err := s.checkKeys(content); err != nil {
		return nil, err
	}
	tagStrings(content, s.tags)
	if s.line != nil {
		translateLines(content, s.line)
	}
	translated := source{file: s.file}
	if err := translated.expand(content); err != nil {
		return nil, err
	}
	moveComments(document, content)
	keepText(content)
	return translated.unwrap(yaml.NewRNode(content))
}

// moveComments keeps the comments above the first key, which belong to the document, with the object.
func moveComments(document, content *yaml.Node) {
	if content.HeadComment == "" {
		content.HeadComment = document.HeadComment
	}
}

// keepText gives every scalar a style that survives being written: the YAML library adds a line break to folded and
// keep-chomped text, loses leading white space, and makes a string of a null without text.
func keepText(node *yaml.Node) {
	block := yaml.LiteralStyle | yaml.FoldedStyle
	if node.Kind == yaml.ScalarNode && node.Style&block != 0 {
		node.Style = node.Style&^block | yaml.LiteralStyle
		if !survivesAsLines(node.Value) {
			node.Style = node.Style&^block | yaml.DoubleQuotedStyle
		}
	}
	if node.Kind == yaml.ScalarNode && node.Tag == yaml.NodeTagNull && node.Value == "" {
		node.Value = "null"
	}
	for _, child := range node.Content {
		keepText(child)
	}
}

// survivesAsLines reports whether a text is the same once the YAML library wrote it as lines of its own.
func survivesAsLines(text string) bool {
	return strings.TrimLeft(text, " \t\r\n") == text && !strings.HasSuffix(text, "\n\n") && !strings.Contains(text, "\r")
}

func translateLines(node *yaml.Node, line func(int) int) {
	node.Line = line(node.Line)
	for _, child := range node.Content {
		translateLines(child, line)
	}
}

// checkKeys refuses duplicate keys of a mapping (one of the two would be lost) and keys that JSON
// cannot hold.
func (s source) checkKeys(node *yaml.Node) error {
	var problems []error
	for _, problem := range strictyaml.CheckKeys(node, 0) {
		problems = append(problems, s.errorAt(problem.Line, problem.Message))
	}
	return errors.Join(problems...)
}
