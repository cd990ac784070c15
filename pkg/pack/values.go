package pack

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"

	"helm.sh/helm/v4/pkg/strvals"
)

// ValueSources are the values that a user gives on the command line, in Helm's syntax. Later ones are stronger, and
// the fields are in the order of their strength, which is Helm's.
type ValueSources struct {
	// Files are YAML or JSON files; "-" is the standard input.
	Files []string
	// SetJSON, Set, SetString and SetFile are the arguments of the flags of these names, such as "a.b=c,d[0]=e".
	SetJSON, Set, SetString, SetFile []string
}

// Given are values that a user gave.
type Given struct {
	// Values are what is stored with a release: a null deletes the key from the pack's own values. They are never nil.
	Values map[string]any
	// Layers are what they were merged from, from the weakest to the strongest.
	Layers []Layer
}

// Load reads and merges the sources. The result belongs to the caller. stdin is read once at most and may be nil where
// no file is "-". The error is a *FileError for a file that cannot be read, else an *InvalidError.
func (s ValueSources) Load(stdin io.Reader) (Given, error) {
	values := map[string]any{}
	var layers []Layer
	var problems problems
	for i, name := range s.Files {
		data, err := s.read(i, stdin)
		if err != nil {
			return Given{}, err
		}
		read, wrong := decodeValues(sourceName(name), data)
		problems.add(wrong...)
		layers = append(layers, fileLayer(FromFile, sourceName(name), data, Copy(read)))
		values = overlay(values, read)
	}
	for _, flag := range s.flags() {
		given, wrong, err := flag.apply(values)
		if err != nil {
			return Given{}, err
		}
		problems.add(wrong...)
		layers = append(layers, given...)
	}
	if err := problems.err(); err != nil {
		return Given{}, err
	}
	return Given{Values: Copy(values), Layers: layers}, nil
}

func sourceName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

func (s ValueSources) read(i int, stdin io.Reader) ([]byte, error) {
	name := s.Files[i]
	if name != "-" {
		return readValuesFile(name)
	}
	for _, earlier := range s.Files[:i] {
		if earlier == "-" {
			return nil, &FileError{Path: sourceName(name), Message: "values can be read from it once only"}
		}
	}
	if stdin == nil {
		return nil, &FileError{Path: sourceName(name), Message: "there is none to read values from"}
	}
	data, err := newBudget().read(stdin)
	if err != nil {
		return nil, NewFileError("read values", sourceName(name), err)
	}
	return data, nil
}

func readValuesFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, NewFileError("read values", name, err)
	}
	defer file.Close()
	data, err := newBudget().read(file)
	if err != nil {
		return nil, NewFileError("read values", name, err)
	}
	return data, nil
}

// flag is one --set… flag with its arguments.
type flag struct {
	kind  SourceKind
	args  []string
	parse func(arg string, into map[string]any) error
}

func (s ValueSources) flags() []flag {
	return []flag{
		{FromSetJSON, s.SetJSON, parseJSON},
		{FromSet, s.Set, strvals.ParseInto},
		{FromSetString, s.SetString, strvals.ParseIntoString},
		{FromSetFile, s.SetFile, parseFile},
	}
}

// apply changes values. It returns what each argument gives, and those that are not in Helm's syntax. The error is a
// *FileError.
func (f flag) apply(values map[string]any) (layers []Layer, problems []Problem, err error) {
	for _, arg := range f.args {
		name := Source{Kind: f.kind}.String() + " " + keyOf(arg)
		if !closed(arg) {
			problems = append(problems, Problem{File: name, Message: "a [ is not closed"})
			continue
		}
		err := f.parse(arg, values)
		var unreadable *FileError
		switch {
		case errors.As(err, &unreadable):
			return nil, nil, unreadable
		case err != nil:
			problems = append(problems, Problem{File: name, Message: withoutValues(arg, err.Error())})
		default:
			layers = append(layers, f.layer(arg, values))
		}
	}
	return layers, problems, nil
}

// keyOf is what an error shows of an argument: what is set may be a secret.
func keyOf(arg string) string {
	key, _, given := strings.Cut(arg, "=")
	switch {
	case strings.HasPrefix(strings.TrimSpace(arg), "{"):
		return "{…}"
	case given:
		return short(key) + "=…"
	}
	return short(key)
}

// escapedLetter is a letter that Helm's syntax takes for itself.
var escapedLetter = regexp.MustCompile(`\\.`)

// closed says whether the brackets of the key are in pairs. Helm's parser ignores an argument in which they are not.
func closed(arg string) bool {
	key, _, _ := strings.Cut(escapedLetter.ReplaceAllString(arg, ""), "=")
	return strings.Count(key, "[") <= strings.Count(key, "]")
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// withoutValues removes from an error what may be a part of a value: behind a comma that was meant to belong to it, the
// parser expects a key, which it would show.
func withoutValues(arg, message string) string {
	if !strings.Contains(arg, "=") {
		return message
	}
	hidden := quoted.ReplaceAllString(message, `"…"`)
	if strings.HasPrefix(hidden, `key "…" has no value`) {
		hidden += `; write a comma that belongs to a value as \,`
	}
	return hidden
}

// parseJSON takes key=JSON as well as a whole JSON object.
func parseJSON(arg string, into map[string]any) error {
	if !strings.HasPrefix(strings.TrimSpace(arg), "{") {
		return strvals.ParseJSON(arg, into)
	}
	var given map[string]any
	if err := json.Unmarshal([]byte(arg), &given); err != nil {
		return err
	}
	for key, value := range overlay(into, given) {
		into[key] = value
	}
	return nil
}

func parseFile(arg string, into map[string]any) error {
	return strvals.ParseIntoFile(arg, into, func(name []rune) (any, error) {
		data, err := readValuesFile(string(name))
		return string(data), err
	})
}
