package pack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// yamlFile is a YAML file with the lines of its keys.
type yamlFile struct {
	// name is what errors call it.
	name string
	// root is nil for a file without content.
	root *yaml.Node
	// places are where the keys of a mapping stand in it, for the mappings that line has looked into.
	places map[*yaml.Node]map[string]int
}

// parse reads the one document of a file.
func (f *yamlFile) parse(data []byte) []Problem {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		problems := f.problems(err)
		if problems[0].Line == 0 {
			problems[0].Line = controlLine(data)
		}
		return problems
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return []Problem{{File: f.name, Line: more.Line, Message: "has more than one YAML document"}}
	}
	if err := strictyaml.CheckAliases(&document); err != nil {
		return []Problem{{File: f.name, Message: err.Error()}}
	}
	f.root = document.Content[0]
	if f.root.Kind == yaml.ScalarNode && f.root.Tag == "!!null" {
		f.root = nil
	}
	return nil
}

// controlLine is the line of the first character that YAML does not allow; 0 where there is none.
func controlLine(data []byte) int {
	at := bytes.IndexFunc(data, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) })
	if at < 0 {
		return 0
	}
	return 1 + bytes.Count(data[:at], []byte("\n"))
}

// decode fills a struct from the file and reports unknown keys. It is not ok where the struct is not filled.
func (f *yamlFile) decode(into any) (problems []Problem, ok bool) {
	if f.root == nil {
		return nil, true
	}
	if problems := f.badKeys(maxKeys); len(problems) > 0 {
		return problems, false
	}
	problems = f.unknownKeys(f.root, reflect.TypeOf(into).Elem(), "")
	if err := f.root.Decode(into); err != nil {
		return append(problems, f.problems(err)...), false
	}
	return problems, true
}

// unknownKeys compares the keys of a mapping with the fields of the struct that it is to be decoded into.
func (f *yamlFile) unknownKeys(node *yaml.Node, into reflect.Type, path string) []Problem {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if into.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode {
		return f.unknownInList(node, into.Elem(), path)
	}
	if into.Kind() != reflect.Struct || node.Kind != yaml.MappingNode {
		return nil
	}
	known := fields(into)
	var problems []Problem
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		full := strings.TrimPrefix(path+"."+key.Value, ".")
		if field, ok := known[key.Value]; ok {
			problems = append(problems, f.unknownKeys(node.Content[i+1], field, full)...)
			continue
		}
		message := "unknown key" + words.Suggestion(key.Value, keysOf(known))
		problems = append(problems, Problem{File: f.name, Line: key.Line, Path: full, Message: message})
	}
	return problems
}

func (f *yamlFile) unknownInList(node *yaml.Node, into reflect.Type, path string) []Problem {
	var problems []Problem
	for i, item := range node.Content {
		problems = append(problems, f.unknownKeys(item, into, fmt.Sprintf("%s[%d]", path, i))...)
	}
	return problems
}

// fields maps the YAML keys of a struct to their types, those of embedded structs included.
func fields(of reflect.Type) map[string]reflect.Type {
	found := map[string]reflect.Type{}
	for field := range of.Fields() {
		if field.Anonymous {
			for key, inner := range fields(field.Type) {
				found[key] = inner
			}
			continue
		}
		key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		found[key] = field.Type
	}
	return found
}

// line returns the line of a key, or of the nearest key above it that is there; 0 for a file without content.
func (f *yamlFile) line(path []string) int {
	node, line := f.root, 0
	if node != nil {
		line = node.Line
	}
	for _, key := range path {
		var at int
		if node, at = f.child(node, key); node == nil {
			return line
		}
		line = at
	}
	return line
}

// child returns an entry of a mapping or an item of a sequence, and the line it begins on.
func (f *yamlFile) child(node *yaml.Node, key string) (*yaml.Node, int) {
	if node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node == nil:
	case node.Kind == yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i].Line
		}
	case node.Kind == yaml.MappingNode:
		if i, found := f.placesIn(node)[key]; found {
			return node.Content[i+1], node.Content[i].Line
		}
	}
	return nil, 0
}

// placesIn returns where the keys of a mapping stand in it. They are looked for once: every key may have a problem.
func (f *yamlFile) placesIn(mapping *yaml.Node) map[string]int {
	if known := f.places[mapping]; known != nil {
		return known
	}
	places := make(map[string]int, len(mapping.Content)/2)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if _, found := places[mapping.Content[i].Value]; !found {
			places[mapping.Content[i].Value] = i
		}
	}
	if f.places == nil {
		f.places = map[*yaml.Node]map[string]int{}
	}
	f.places[mapping] = places
	return places
}

var (
	linePattern = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s+)?line (\d+): (.*)$`)
	kindPattern = regexp.MustCompile("^cannot unmarshal !!([a-z]+) into (.+)$")
)

// problems turns an error of a YAML reader into problems with lines.
func (f *yamlFile) problems(err error) []Problem {
	var found []Problem
	for line := range strings.SplitSeq(strictyaml.WithoutValues(err.Error()), "\n") {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, "unmarshal errors:") {
			continue
		}
		line = strings.TrimPrefix(line, "error converting YAML to JSON: ")
		problem := Problem{File: f.name, Message: strings.TrimPrefix(line, "yaml: ")}
		if match := linePattern.FindStringSubmatch(line); match != nil {
			problem.Line, _ = strconv.Atoi(match[1])
			problem.Message = match[2]
		}
		if match := kindPattern.FindStringSubmatch(problem.Message); match != nil {
			problem.Message = fmt.Sprintf("is %s, must be %s", kindOfTag(match[1]), kindOfType(match[2]))
		}
		found = append(found, problem)
	}
	return found
}

// kindOfTag names what a YAML tag stands for.
func kindOfTag(tag string) string {
	switch tag {
	case "map":
		return "a mapping"
	case "seq":
		return "a list"
	case "bool":
		return "true or false"
	case "int", "float":
		return "a number"
	case "null":
		return "null"
	}
	return "a string"
}

// kindOfType names what a Go type is written as in YAML.
func kindOfType(name string) string {
	switch {
	case name == "bool":
		return "true or false"
	case name == "string", name == "pack.Kind":
		return "a string"
	case strings.HasPrefix(name, "[]"):
		return "a list"
	}
	return "a mapping"
}
