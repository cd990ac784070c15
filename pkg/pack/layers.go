package pack

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"helm.sh/helm/v4/pkg/strvals"
)

// SourceKind says what gave a value.
type SourceKind string

// The kinds of sources. Those of the flags are called as the flags are.
const (
	FromSchema    SourceKind = "schema"
	FromDefaults  SourceKind = "defaults"
	FromFile      SourceKind = "values"
	FromSet       SourceKind = "set"
	FromSetString SourceKind = "set-string"
	FromSetJSON   SourceKind = "set-json"
	FromSetFile   SourceKind = "set-file"
	// FromUser is what a user gave nobody knows how: it was not recorded.
	FromUser SourceKind = "user"
)

// Source is where a value was given.
type Source struct {
	Kind SourceKind `json:"source"`
	// File is the file as the user named it; empty where there is none, or none is known.
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 where it is not known.
	Line int `json:"line,omitempty"`
	// Revision is the earlier revision that the value is kept from; 0 for one that is given now.
	Revision int `json:"revision,omitempty"`
}

// String words a source as people read it: values.yaml:7, -f prod.yaml:12, --set, kept from revision 4 (--set).
func (s Source) String() string {
	place := s.place()
	switch {
	case s.Revision == 0:
		return place
	case s.Kind == FromUser:
		return fmt.Sprintf("%s of revision %d", place, s.Revision)
	}
	return fmt.Sprintf("kept from revision %d (%s)", s.Revision, place)
}

func (s Source) place() string {
	file := s.File
	if s.Line > 0 {
		file = fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	switch s.Kind {
	case FromSchema:
		return "schema default"
	case FromDefaults:
		if file == "" {
			return "pack default"
		}
		return file
	case FromFile:
		if s.File == sourceName("-") {
			return file
		}
		return "-f " + file
	case FromUser:
		return "user values"
	}
	return "--" + string(s.Kind)
}

// IsFlag reports whether the value was given on the command line itself.
func (s Source) IsFlag() bool {
	return slices.Contains([]SourceKind{FromSet, FromSetString, FromSetJSON, FromSetFile}, s.Kind)
}

// Layer is one of the sources that values are merged from.
type Layer struct {
	Values map[string]any
	// Source says where the value at a path of keys and indexes was given. It may be called once at a time.
	Source func(path []string) Source
}

// Defaults returns the pack's own values.yaml as a layer.
func (p *Pack) Defaults() Layer {
	data, _ := p.Text(ValuesFile)
	return fileLayer(FromDefaults, ValuesFile, data, p.Values)
}

// DefaultsBelow returns the default values of a subchart as a layer of the chart that it is part of, whose values have them below
// a path of keys, which is empty for the chart itself. name is what the file is called, and data what it holds.
func DefaultsBelow(keys []string, name string, data []byte, values map[string]any) Layer {
	return fileLayer(FromDefaults, name, data, values).Below(keys, "")
}

// Below returns a layer of values that stand below a path in others, which is empty for these themselves. Its files lie in a folder;
// "" leaves their names.
func (l Layer) Below(keys []string, folder string) Layer {
	moved := l
	if len(keys) > 0 {
		moved.Values = map[string]any{}
		put(moved.Values, keys, l.Values)
	}
	moved.Source = func(at []string) Source {
		source := l.Source(at[min(len(keys), len(at)):])
		if source.File != "" {
			source.File = path.Join(folder, source.File)
		}
		return source
	}
	return moved
}

// At returns what a layer has below a key, as a layer of that alone. What it has below GlobalKey is seen there, too, and wins.
func (l Layer) At(key string) Layer {
	inner, _ := l.Values[key].(map[string]any)
	values := Copy(inner)
	if global, found := l.Values[GlobalKey].(map[string]any); found {
		values = overlay(values, map[string]any{GlobalKey: Copy(global)})
	}
	return Layer{Values: values, Source: func(at []string) Source { return l.Source(append([]string{key}, at...)) }}
}

// fileLayer is a file that has been read, with its lines, which are looked for when somebody asks.
func fileLayer(kind SourceKind, name string, data []byte, values map[string]any) Layer {
	lines := sync.OnceValue(func() *yamlFile {
		file := yamlFile{name: name}
		// It has been parsed before, so there are no problems.
		_ = file.parse(text(data))
		return &file
	})
	return Layer{Values: values, Source: func(path []string) Source {
		return Source{Kind: kind, File: name, Line: lines().line(path)}
	}}
}

// layer returns what an argument that has been applied gives. What it sets in a list that was there before counts as the
// whole list.
func (f flag) layer(arg string, applied map[string]any) Layer {
	alone := map[string]any{}
	keys := f.parse
	if f.kind == FromSetFile {
		// The file may be a pipe, which is read once.
		keys = func(arg string, into map[string]any) error {
			return strvals.ParseIntoFile(arg, into, func([]rune) (any, error) { return "", nil })
		}
	}
	// It has been parsed before, so there is no error.
	_ = keys(arg, alone)
	values := map[string]any{}
	eachLeaf(alone, nil, func(path []string, _ any) {
		if value, _, found := valueAt(applied, path); found {
			put(values, path, copyValue(value))
		}
	})
	source := Source{Kind: f.kind}
	return Layer{Values: values, Source: func([]string) Source { return source }}
}

// eachLeaf visits all values that are no mappings with keys in them, in the order of their keys. A list is one value.
func eachLeaf(values map[string]any, above []string, visit func(path []string, value any)) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		path := append(slices.Clip(above), key)
		if inner, ok := values[key].(map[string]any); ok && len(inner) > 0 {
			eachLeaf(inner, path, visit)
			continue
		}
		visit(path, values[key])
	}
}

// Paths returns all values, mappings included, by their paths as --set takes them.
func Paths(values map[string]any) map[string]any {
	found := map[string]any{}
	eachLeaf(values, nil, func(path []string, value any) {
		found[SetPath(path)] = value
		for end := range path[1:] {
			above := path[:end+1]
			if _, known := found[SetPath(above)]; !known {
				found[SetPath(above)], _, _ = valueAt(values, above)
			}
		}
	})
	return found
}

// valueAt returns the value at a path of keys. Where there is none because a value on the way is no mapping, it returns that
// one, and how much of the path leads to it.
func valueAt(values map[string]any, path []string) (value any, length int, found bool) {
	value = values
	for i, key := range path {
		inner, isMap := value.(map[string]any)
		if !isMap {
			return value, i, false
		}
		next, there := inner[key]
		if !there {
			return nil, 0, false
		}
		value = next
	}
	return value, len(path), true
}

// put sets the value at a path, whose mappings it makes.
func put(values map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		inner, isMap := values[key].(map[string]any)
		if !isMap {
			inner = map[string]any{}
			values[key] = inner
		}
		values = inner
	}
	values[path[len(path)-1]] = value
}

// SetPath writes a path of keys as --set takes it: image.tag, or annotations.example\.com/a.
func SetPath(path []string) string {
	escaped := make([]string, len(path))
	for i, key := range path {
		escaped[i] = escape(key)
	}
	return strings.Join(escaped, ".")
}

// escape marks the letters of a key that --set would take for its own.
func escape(key string) string {
	const special = `\.,=[`
	if !strings.ContainsAny(key, special) {
		return key
	}
	var escaped strings.Builder
	for i := range len(key) {
		if strings.IndexByte(special, key[i]) >= 0 {
			escaped.WriteByte('\\')
		}
		escaped.WriteByte(key[i])
	}
	return escaped.String()
}

// ParseSetPath reads a path of keys as --set takes it. An index ends it, for a list is one value.
func ParseSetPath(text string) ([]string, error) {
	var path []string
	parsed := map[string]any{}
	if err := strvals.ParseIntoString(text+"=", parsed); err != nil || !closed(text) {
		return nil, fmt.Errorf("%q is no path of keys, such as image.tag", text)
	}
	for inner, isMap := parsed, true; isMap; {
		if len(inner) != 1 {
			return nil, fmt.Errorf("%q is not one path of keys, such as image.tag", text)
		}
		for key, below := range inner {
			path = append(path, key)
			inner, isMap = below.(map[string]any)
		}
	}
	return path, nil
}
