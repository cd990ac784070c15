package render

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// need says what becomes of a value.
type need uint8

// A value is asked about where only its truth or its kind counts, bound where it is kept under a name or handed to a
// template, printed where it ends up in the text. What a function is given in order to make a value that is bound is
// as good as printed. Added to these, typed marks the argument of a function that cannot take nil at all.
const (
	asked   need = 0
	bound   need = 1
	printed need = 2
	typed   need = 4
)

// below is how the arguments of an ordinary function are needed, whose result is needed like this.
func (n need) below() need {
	if n&^typed == asked {
		return asked
	}
	return printed
}

// rule says how a function needs its arguments.
type rule int

const (
	// uses is the rule of an ordinary function: its arguments go into its result.
	uses rule = iota
	// asks only looks at what the arguments are.
	asks
	// binds hands them on, or falls back to something else.
	binds
	// holds puts them into a list or dictionary, which is needed like the result.
	holds
	// demands cannot do without them.
	demands
)

// ruleOf knows the functions that are not ordinary. The name is in lower case.
func ruleOf(name string) rule {
	switch strings.TrimPrefix(name, "must") {
	case "not", "empty", "eq", "ne", "haskey", "has", "kindis", "kindof", "typeis", "typeof", "typeislike",
		"deepequal", "all", "any", "coalesce", "ternary", "compact":
		return asks
	case "and", "or", "default", "required", "include", "tpl", "dig", "index", "get", "pluck", "call":
		return binds
	case "dict", "list", "tuple", "set", "append", "push", "prepend", "concat", "merge", "mergeoverwrite":
		return holds
	case "lt", "le", "gt", "ge", "len":
		return demands
	}
	return uses
}

// signature is what the rewriter knows of a function.
type signature struct {
	rule rule
	// in are the types of the parameters; nil for the few that text/template implements itself.
	in       []reflect.Type
	variadic bool
	mayBeNil bool
}

// signature finds a function by one of its names.
func (r *run) signature(name string) (signature, *failure) {
	lower := strings.ToLower(name)
	if slices.Contains(builtins(), name) {
		return signature{rule: ruleOf(lower), mayBeNil: name != "not" && name != "len"}, nil
	}
	function, ok := r.functions[name]
	if !ok {
		return signature{}, r.unknownFunction(name)
	}
	t := reflect.TypeOf(function)
	found := signature{rule: ruleOf(lower), variadic: t.IsVariadic(), mayBeNil: t.Out(0).Kind() == reflect.Interface}
	found.in = slices.Collect(t.Ins())
	return found, nil
}

// builtins are the functions that are left to text/template.
func builtins() []string { return []string{"and", "or", "not", "len", "call"} }

func (r *run) unknownFunction(name string) *failure {
	if why, ok := removed()[strings.ToLower(name)]; ok {
		return failf("the function %s is not available: %s", name, why)
	}
	if name == "chart" {
		return &failure{message: "no such function chart", hint: meant("pack")}
	}
	return unknown("function", name, slices.Concat(builtins(), slices.Collect(maps.Keys(r.functions))))
}

// need says how the argument at an index is needed for a result that is needed like this.
func (s signature) need(i int, result need) need {
	switch s.rule {
	case asks:
		result = asked
	case binds:
		result = bound
	case holds:
		result &^= typed
	default:
		result = result.below()
	}
	if s.rule == demands || !canBeNil(s.param(i)) {
		result |= typed
	}
	return result
}

// param returns the type of the parameter that takes the argument at an index; nil where anything is taken.
func (s signature) param(i int) reflect.Type {
	last := len(s.in) - 1
	switch {
	case s.variadic && i >= last:
		return s.in[last].Elem()
	case i <= last:
		return s.in[i]
	}
	return nil
}

func canBeNil(t reflect.Type) bool {
	if t == nil {
		return true
	}
	switch t.Kind() {
	case reflect.Interface, reflect.Map, reflect.Slice, reflect.Pointer, reflect.Func:
		return true
	}
	return false
}
