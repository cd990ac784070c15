package reads

import (
	"strconv"
	"strings"
	"text/template/parse"
)

// function returns what a call comes to. One of an unknown function reads all that it is given.
func (f *frame) function(name string, args []argument) value {
	switch strings.TrimPrefix(strings.ToLower(name), "must") {
	case "values":
		if len(args) == 0 {
			return value{nodes: []*node{f.root}}
		}
	case "include":
		return f.include(args)
	case "tpl":
		return f.tpl(args)
	case "index", "get", "haskey":
		return f.follow(args)
	case "dig":
		return f.dig(args)
	case "pluck":
		return f.pluck(args)
	case "dict":
		return dict(args)
	case "list", "tuple":
		return list(args)
	case "set", "merge", "mergeoverwrite":
		return f.change(args)
	case "default", "or", "and", "coalesce", "required", "ternary", "deepcopy", "omit", "pick", "unset":
		return anyOf(valuesOf(args)...)
	case "first", "last":
		return f.each(anyOf(valuesOf(args)...))
	case "rest", "initial", "reverse", "uniq", "compact", "concat":
		return listOf(f.each(anyOf(valuesOf(args)...)))
	case "not", "empty", "kindis", "kindof", "typeis", "typeof", "typeislike":
		// What stands below does not matter to these.
		return value{}
	}
	f.useAll(args)
	return value{}
}

func valuesOf(args []argument) []value {
	values := make([]value, len(args))
	for i, arg := range args {
		values[i] = arg.value
	}
	return values
}

func (f *frame) useAll(args []argument) { f.use(valuesOf(args)...) }

// literal returns the text or whole number that an argument is, as a key.
func (a argument) literal() (string, bool) {
	switch node := a.node.(type) {
	case *parse.StringNode:
		return node.Text, true
	case *parse.NumberNode:
		return strconv.FormatInt(node.Int64, 10), node.IsInt
	}
	return "", false
}

// follow returns what the first argument has under the keys that the others are.
func (f *frame) follow(args []argument) value {
	if len(args) == 0 {
		return value{}
	}
	found := args[0].value
	for _, key := range args[1:] {
		if name, ok := key.literal(); ok {
			_, isNumber := key.node.(*parse.NumberNode)
			if isNumber && len(found.nodes) > 0 {
				found = f.each(found)
				continue
			}
			found = f.field(found, name)
			continue
		}
		f.use(key.value)
		found = f.each(found)
	}
	return found
}

// dig returns what the last argument has under the keys before it, or the fallback that stands between.
func (f *frame) dig(args []argument) value {
	last := len(args) - 1
	if last < 1 {
		f.useAll(args)
		return value{}
	}
	found := f.follow(append([]argument{args[last]}, args[:last-1]...))
	return found.or(args[last-1].value)
}

// pluck returns what each of some dictionaries has under the key that comes first.
func (f *frame) pluck(args []argument) value {
	var found value
	for i := 1; i < len(args); i++ {
		found = found.or(f.follow([]argument{args[i], args[0]}))
	}
	return listOf(found)
}

func dict(args []argument) value {
	made := value{fields: map[string]value{}}
	for i := 0; i+1 < len(args); i += 2 {
		// One that is not known is "".
		key, _ := args[i].literal()
		made.fields[key] = made.fields[key].or(args[i+1].value)
	}
	return made
}

func list(args []argument) value {
	made := value{fields: map[string]value{}}
	for i, arg := range args {
		made.fields[strconv.Itoa(i)] = arg.value
	}
	return made
}

// change returns the first argument, which gets what the others are. Where that is kept under a name, or is a value of the pack,
// nobody knows what is read of them later.
func (f *frame) change(args []argument) value {
	if len(args) == 0 {
		return value{}
	}
	_, isMade := args[0].node.(*parse.PipeNode)
	if !isMade || args[0].root || len(args[0].nodes) > 0 {
		f.useAll(args[1:])
	}
	return anyOf(valuesOf(args)...)
}

// include walks through the template that is included.
func (f *frame) include(args []argument) value {
	if len(args) < 2 {
		f.useAll(args)
		return value{}
	}
	name, ok := args[0].literal()
	if !ok {
		f.use(args[0].value)
		f.callAny(args[1].value)
		return value{}
	}
	f.call(name, args[1].value)
	return value{}
}

// tpl reads its text. What that reads of the pack's values is found when all texts are walked through; what else it is given
// counts as read.
func (f *frame) tpl(args []argument) value {
	f.usesTpl = true
	for i, arg := range args {
		if i > 0 {
			arg.value = arg.withoutRoot()
		}
		f.use(arg.value)
	}
	return value{}
}
