package render

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// internal are the functions that rewritten templates call; see rewriter.
func (r *run) internal() map[string]any {
	return map[string]any{
		fieldFunction: r.field,
		needFunction:  r.need,
		mustFunction:  r.must,
		printFunction: r.print,
		stepFunction:  r.step,
		madeFunction:  r.made,
	}
}

// field follows the path of a site. Where a key is missing the value is undefined, which is nil.
func (r *run) field(at int, receiver any) (any, error) {
	value, _, err := r.sites[at].follow(receiver, r.made)
	return value, err
}

// need is field for a value that must not be undefined.
func (r *run) need(at int, receiver any) (any, error) {
	value, missing, err := r.sites[at].follow(receiver, r.made)
	if err == nil && value == nil {
		return nil, missing
	}
	return value, err
}

// must returns a value that is not undefined.
func (r *run) must(at int, value any) (any, error) {
	if value == nil {
		return nil, failf("%s is undefined", r.sites[at].text)
	}
	return value, nil
}

// print returns what is to be printed, and remembers the line for it.
func (r *run) print(at int, value any) (any, error) {
	r.at = r.sites[at].line
	if value == nil {
		return "", nil
	}
	return value, weigh(value)
}

// step counts a turn of a loop.
func (r *run) step() (string, error) { return "", r.budget.step() }

// made counts what a method has made, as bounded does for functions.
func (r *run) made(value any) (any, error) {
	return value, r.budget.make(sizeOfValue(reflect.ValueOf(value)))
}

// follow walks along the keys of a site. It returns nil and what is missing where there is nothing; the error is
// about a value that has no keys at all, or that of made, which counts what a method has made.
func (s site) follow(receiver any, made func(any) (any, error)) (any, *failure, error) {
	for i, key := range s.path {
		if receiver == nil {
			return nil, s.missing(i-1, nil), nil
		}
		found, err := childOf(receiver, key, made)
		switch {
		case err != nil:
			return nil, nil, err
		case found.value == nil && !found.ok && found.known == nil:
			return nil, nil, failf("%s is %s and has no %s", s.display(s.path[:i]), describe(receiver), key)
		case found.value == nil:
			return nil, s.missing(i, found.known), nil
		}
		receiver = found.value
	}
	return receiver, nil, nil
}

// missing says that the key at an index of the path is not there, and which of those that are is near.
func (s site) missing(i int, known []string) *failure {
	missing := failf("no such value %s", s.display(s.path))
	if i < 0 {
		return missing
	}
	if nearest := meantKey(s.path[i], known); nearest != "" && nearest != s.path[i] {
		path := slices.Clone(s.path)
		path[i] = nearest
		missing.hint = meant(s.display(path))
	}
	return missing
}

// meantKey returns the known key that was most likely meant, "" where there is none. What Helm calls a chart is a pack here.
func meantKey(key string, known []string) string {
	if key == "Chart" && slices.Contains(known, "Pack") {
		return "Pack"
	}
	return words.Nearest(key, known)
}

// display writes a part of the path as the user thinks of it: values by their keys, all else as it stands there.
func (s site) display(path []string) string {
	switch {
	case s.root == "values" && len(path) > 0:
		return strings.Join(path, ".")
	case (s.root == "" || s.root == "$") && len(path) > 1 && path[0] == "Values":
		return strings.Join(path[1:], ".")
	case s.root == "" && len(path) == 0:
		return "the dot"
	}
	return strings.Join(append([]string{s.root}, path...), ".")
}

// child is what a value has under a name.
type child struct {
	value any
	ok    bool
	// known are, where it is not ok, the names that the value has; nil for one that cannot have any.
	known []string
}

// childOf finds a key, a method without arguments, or a field. The error is that of the method,
// or of made, which is given what the method has made.
func childOf(of any, name string, made func(any) (any, error)) (child, error) {
	if dictionary, ok := of.(map[string]any); ok {
		value, ok := dictionary[name]
		if !ok {
			return child{known: keys(dictionary)}, nil
		}
		return child{value: value, ok: true}, nil
	}
	value := reflect.ValueOf(of)
	for _, spelling := range []string{name, exported(name)} {
		method := value.MethodByName(spelling)
		if method.IsValid() && method.Type().NumIn() == 0 && method.Type().NumOut() > 0 {
			result, err := call(method, nil)
			if err != nil {
				return child{}, err
			}
			counted, err := made(result.Interface())
			return child{value: counted, ok: true}, err
		}
	}
	return reflectedChild(reflect.Indirect(value), name), nil
}

// reflectedChild finds the field of a struct, or the key of a map of another type.
func reflectedChild(of reflect.Value, name string) child {
	found, known := reflect.Value{}, []string(nil)
	switch {
	case of.Kind() == reflect.Struct:
		found, known = of.FieldByName(exported(name)), fieldNames(of.Type())
	case of.Kind() == reflect.Map && of.Type().Key().Kind() == reflect.String:
		found = of.MapIndex(reflect.ValueOf(name).Convert(of.Type().Key()))
		known = []string{}
		for _, key := range of.MapKeys() {
			known = append(known, key.String())
		}
	}
	if !found.IsValid() {
		return child{known: known}
	}
	return child{value: found.Interface(), ok: true}
}

// fieldNames are the names of a struct's fields as templates write them.
func fieldNames(of reflect.Type) []string {
	names := []string{}
	for field := range of.Fields() {
		names = append(names, strings.ToLower(field.Name[:1])+field.Name[1:])
	}
	return names
}

// describe names the kind of a value for people.
func describe(value any) string {
	switch kind := reflect.ValueOf(value).Kind(); kind {
	case reflect.Invalid:
		return "undefined"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "a number"
	}
	return fmt.Sprintf("a %T", value)
}
