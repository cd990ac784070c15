package reads

import (
	"maps"
	"path"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// The bounds of a walk. Where one is not enough, everything counts as read.
const (
	// maxSteps bounds the parts of templates that are looked at. A template is looked at again for each kind of dot it is given.
	maxSteps = 2_000_000
	// maxNested bounds how many blocks, expressions and templates inside of each other are looked at.
	maxNested = 2_000
	// maxID bounds the id of what a template is given: one that includes itself may wrap that once more each time.
	maxID = 10_000
)

// definition is a template that is defined in a folder: that of a pack.
type definition struct {
	tree   *parse.Tree
	folder string
}

// walker goes through the templates of packs that share their definitions.
type walker struct {
	// name is that of the top pack, which the names of all templates begin with.
	name string
	// root are the values of the pack whose templates are being walked through.
	root *node
	// trees are the templates by their names; a name may have several.
	trees map[string][]definition
	// walked are the templates with what they were given, and called those that were given anything.
	walked, called map[string]bool
	steps, depth   int
	// usesTpl says that a template renders texts; literals are those in templates that may be templates themselves.
	usesTpl  bool
	literals []string
	// unknown says that a template cannot be read: whoever renders it says why.
	unknown bool
}

func newWalker(scopes []pack.Scope) *walker {
	w := &walker{trees: map[string][]definition{}}
	if scopes[0].Pack != nil {
		w.name = scopes[0].Pack.Metadata.Name
	}
	for _, scope := range scopes {
		if scope.Pack == nil {
			continue
		}
		for _, file := range scope.Pack.Templates {
			w.unknown = !w.parse(scope.Folder(), file.Path, string(file.Data)) || w.unknown
		}
	}
	return w
}

// scope walks through all that a pack renders, and may render. It reports whether all of that is known.
func (w *walker) scope(s pack.Scope, root *node) bool {
	w.root, w.walked, w.called = root, map[string]bool{}, map[string]bool{}
	w.usesTpl, w.literals = false, nil
	if w.unknown {
		return false
	}
	for _, file := range s.Pack.Templates {
		w.call(w.fullName(path.Join(s.Folder(), file.Path)), value{root: true})
	}
	for _, name := range slices.Sorted(maps.Keys(w.trees)) {
		if !w.called[name] && w.defines(s.Folder(), name) {
			w.call(name, value{})
		}
	}
	if w.usesTpl {
		w.texts(s.Pack, s.Values)
	}
	return true
}

// fullName is the name that a file is included by.
func (w *walker) fullName(file string) string { return w.name + "/" + file }

// defines reports whether a template is defined in a folder.
func (w *walker) defines(folder, name string) bool {
	return slices.ContainsFunc(w.trees[name], func(d definition) bool { return d.folder == folder })
}

// parse adds what a text in a folder defines; the text itself has the full name of its file. It reports whether the text can be
// parsed.
func (w *walker) parse(folder, file, text string) bool {
	trees := map[string]*parse.Tree{}
	tree := parse.New(file)
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		return false
	}
	for name, tree := range trees {
		if name == tree.ParseName {
			name = w.fullName(path.Join(folder, name))
		}
		w.trees[name] = append(w.trees[name], definition{tree, folder})
	}
	return true
}

// texts walks through the texts that tpl may render: values, texts in templates, and files of the pack. One in a template that
// is a part of something else may read anything.
func (w *walker) texts(p *pack.Pack, merged map[string]any) {
	const name = "a text"
	walk := func(text string) bool {
		delete(w.trees, w.fullName(name))
		if !w.parse("", name, text) {
			return false
		}
		delete(w.walked, w.fullName(name)+" "+value{root: true}.id())
		w.call(w.fullName(name), value{root: true})
		return true
	}
	for _, text := range texts(merged) {
		walk(text)
	}
	for _, file := range p.Files {
		if text := string(file.Data); strings.Contains(text, "{{") {
			walk(text)
		}
	}
	// Walking through one may find others.
	for i := 0; i < len(w.literals); i++ {
		if !walk(w.literals[i]) {
			w.root.whole = true
		}
	}
}

// texts are those in a value that may be templates.
func texts(value any) []string {
	var found []string
	switch value := value.(type) {
	case string:
		if strings.Contains(value, "{{") {
			found = append(found, value)
		}
	case []any:
		for _, item := range value {
			found = append(found, texts(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			found = append(found, texts(value[key])...)
		}
	}
	return found
}

// call walks through a named template that is given something, once.
func (w *walker) call(name string, given value) {
	w.called[name] = true
	id := name + " " + given.id()
	if len(id) > maxID {
		w.root.whole = true
	}
	if w.walked[id] || w.root.whole {
		return
	}
	w.walked[id] = true
	for _, defined := range w.trees[name] {
		f := frame{walker: w, dot: given, variables: map[string]value{"$": given}}
		f.list(defined.tree.Root)
		if f.again {
			// A variable was changed that may have been used before, in a loop.
			f.list(defined.tree.Root)
		}
	}
}

// callAny walks through all templates, one of which is given something.
func (w *walker) callAny(given value) {
	for _, name := range slices.Sorted(maps.Keys(w.trees)) {
		w.call(name, given)
	}
}

// enter counts a step into a part of a template, and reports whether it is to be made.
func (w *walker) enter() bool {
	w.steps++
	w.depth++
	if w.steps > maxSteps || w.depth > maxNested {
		w.root.whole = true
	}
	return !w.root.whole
}

func (w *walker) leave() { w.depth-- }

// frame is one walk through one template.
type frame struct {
	*walker
	dot value
	// variables are all that those of a name may be.
	variables map[string]value
	again     bool
}

func (f *frame) list(list *parse.ListNode) {
	defer f.leave()
	if !f.enter() || list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.ActionNode:
			if found := f.pipe(node.Pipe); len(node.Pipe.Decl) == 0 {
				f.use(found)
			}
		case *parse.TemplateNode:
			f.call(node.Name, f.pipe(node.Pipe))
		case *parse.IfNode:
			f.pipe(node.Pipe)
			f.list(node.List)
			f.list(node.ElseList)
		case *parse.WithNode:
			f.block(f.pipe(node.Pipe), node.List)
			f.list(node.ElseList)
		case *parse.RangeNode:
			f.block(f.loop(node.Pipe), node.List)
			f.list(node.ElseList)
		}
	}
}

// block walks through a list with another dot.
func (f *frame) block(dot value, list *parse.ListNode) {
	outer := f.dot
	f.dot = dot
	f.list(list)
	f.dot = outer
}

// loop returns the dot in a loop.
func (f *frame) loop(pipe *parse.PipeNode) value {
	item := f.each(f.commands(pipe))
	if last := len(pipe.Decl) - 1; last >= 0 {
		f.assign(pipe.Decl[last], item, pipe.IsAssign)
	}
	return item
}

// pipe returns what a pipeline comes to; nil is none.
func (f *frame) pipe(pipe *parse.PipeNode) value {
	if pipe == nil {
		return value{}
	}
	found := f.commands(pipe)
	for _, variable := range pipe.Decl {
		f.assign(variable, found, pipe.IsAssign)
	}
	return found
}

func (f *frame) assign(variable *parse.VariableNode, to value, changed bool) {
	name := variable.Ident[0]
	f.variables[name] = f.bounded(f.variables[name].or(to))
	f.again = f.again || changed
}

func (f *frame) commands(pipe *parse.PipeNode) value {
	defer f.leave()
	if !f.enter() {
		return value{}
	}
	var last *argument
	for _, command := range pipe.Cmds {
		last = &argument{value: f.command(command, last)}
	}
	return last.value
}

// argument is what a function is given; node is nil for what is piped into it.
type argument struct {
	value
	node parse.Node
}

// command returns what a command comes to that another may be piped into.
func (f *frame) command(command *parse.CommandNode, piped *argument) value {
	first := command.Args[0]
	var args []argument
	for _, node := range command.Args[1:] {
		args = append(args, argument{f.operand(node), node})
	}
	if piped != nil {
		args = append(args, *piped)
	}
	if name, ok := first.(*parse.IdentifierNode); ok {
		return f.bounded(f.function(name.Ident, args))
	}
	found := f.operand(first)
	if len(args) > 0 {
		// It is a method, such as that of .Files.Get.
		f.use(found)
		f.useAll(args)
		return value{}
	}
	return found
}

// operand returns what a part of a command comes to.
func (f *frame) operand(node parse.Node) value {
	switch node := node.(type) {
	case *parse.DotNode:
		return f.dot
	case *parse.FieldNode:
		return f.chain(f.dot, node.Ident)
	case *parse.VariableNode:
		return f.chain(f.variables[node.Ident[0]], node.Ident[1:])
	case *parse.ChainNode:
		return f.chain(f.operand(node.Node), node.Field)
	case *parse.PipeNode:
		return f.pipe(node)
	case *parse.IdentifierNode:
		return f.function(node.Ident, nil)
	case *parse.StringNode:
		if strings.Contains(node.Text, "{{") && !slices.Contains(f.literals, node.Text) {
			f.literals = append(f.literals, node.Text)
		}
	}
	return value{}
}

// chain follows names.
func (f *frame) chain(of value, names []string) value {
	for _, name := range names {
		of = f.field(of, name)
	}
	return of
}
