package render

import (
	"slices"
	"text/template/parse"
)

// The functions that rewritten templates call. The rewriter refuses a template that calls them by itself, as it does
// with any name that is not in run.functions.
const (
	fieldFunction = "sherpack__field"
	mustFunction  = "sherpack__must"
	needFunction  = "sherpack__need"
	printFunction = "sherpack__print"
	stepFunction  = "sherpack__step"
	madeFunction  = "sherpack__made"
)

// rewriter changes a parsed template so that the engine, not text/template, decides what an undefined value is:
//
//	{{ .Values.a.b | quote }}   becomes   {{ need SITE . | quote | print SITE }}
//	{{ if .Values.a.b }}        becomes   {{ if (field SITE .) }}
//
// SITE is the index of a site, which has the path, the place and the text. It also turns {{ template }} into include,
// so that there is one way into a template and one bound on its depth, and default into or, which evaluates what it
// falls back to only when it is needed.
type rewriter struct {
	run      *run
	source   *source
	problems []*Error
	// blocks and depth are how many blocks and expressions inside of each other are being rewritten.
	blocks, depth int
}

// site is a place in a template where a value is asked for.
type site struct {
	line int
	// text is the expression, as in .Values.image.tag.
	text string
	// path are the keys to follow; nil for an expression that is no chain of keys.
	path []string
	// root is what the path begins at, as in values; "" for the dot.
	root string
}

func (w *rewriter) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	w.blocks++
	defer func() { w.blocks-- }()
	if w.blocks > maxBlocks {
		w.complain(list, failf("more than %d blocks inside of each other", maxBlocks))
		return
	}
	for i, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.ActionNode:
			w.action(node)
		case *parse.TemplateNode:
			list.Nodes[i] = w.template(node)
		case *parse.IfNode:
			w.branch(&node.BranchNode, asked)
		case *parse.WithNode:
			w.branch(&node.BranchNode, bound)
		case *parse.RangeNode:
			w.branch(&node.BranchNode, bound)
			w.countTurns(node)
		}
	}
}

func (w *rewriter) branch(node *parse.BranchNode, need need) {
	if len(node.Pipe.Decl) > 0 {
		need = bound
	}
	w.pipe(node.Pipe, need)
	w.list(node.List)
	w.list(node.ElseList)
}

// countTurns makes every turn of a loop take a step.
func (w *rewriter) countTurns(node *parse.RangeNode) {
	step := &parse.ActionNode{NodeType: parse.NodeAction, Pos: node.Pos, Line: node.Line, Pipe: pipeOf(command(node.Pos, stepFunction))}
	node.List.Nodes = slices.Insert(node.List.Nodes, 0, parse.Node(step))
}

func (w *rewriter) action(node *parse.ActionNode) {
	if len(node.Pipe.Decl) > 0 {
		w.pipe(node.Pipe, bound)
		return
	}
	w.pipe(node.Pipe, printed)
	site := w.site(node.Pipe, site{})
	node.Pipe.Cmds = append(node.Pipe.Cmds, command(node.Pos, printFunction, site))
}

// template turns {{ template "name" pipe }} into {{ include "name" pipe }}.
func (w *rewriter) template(node *parse.TemplateNode) parse.Node {
	name := &parse.StringNode{NodeType: parse.NodeString, Pos: node.Pos, Quoted: node.Name, Text: node.Name}
	var data parse.Node = &parse.NilNode{NodeType: parse.NodeNil, Pos: node.Pos}
	if node.Pipe != nil {
		data = node.Pipe
	}
	action := &parse.ActionNode{NodeType: parse.NodeAction, Pos: node.Pos, Line: node.Line}
	action.Pipe = pipeOf(command(node.Pos, "include", name, data))
	w.action(action)
	return action
}

// pipe rewrites a pipeline whose result is needed in some way.
func (w *rewriter) pipe(pipe *parse.PipeNode, need need) {
	w.depth++
	defer func() { w.depth-- }()
	if w.depth > maxParts || len(pipe.Cmds) > maxParts {
		w.complain(pipe, failf("the expression has more than %d parts after or inside of each other", maxParts))
		return
	}
	pipe.Cmds = lazyDefaults(pipe.Cmds)
	var cmds []*parse.CommandNode
	for i, cmd := range slices.Backward(pipe.Cmds) {
		text := wording(cmd)
		isMethod := isChain(cmd.Args[0]) && (len(cmd.Args) > 1 || i > 0)
		before, mayBeNil := w.command(cmd, i > 0, need)
		if mayBeNil && w.checks(need) {
			cmds = append(cmds, command(cmd.Pos, mustFunction, w.site(cmd, site{text: text})))
		}
		if isMethod {
			cmds = append(cmds, command(cmd.Pos, madeFunction))
		}
		cmds = append(cmds, cmd)
		need = before
	}
	slices.Reverse(cmds)
	pipe.Cmds = cmds
}

// wording is how an error calls the result of a command. An or may have been written as default.
func wording(cmd *parse.CommandNode) string {
	if name, ok := cmd.Args[0].(*parse.IdentifierNode); ok && name.Ident == "or" {
		return "the value"
	}
	return cmd.String()
}

// command rewrites one command. It returns how the value that is piped into it is needed, and whether its own result
// may be nil without the command having checked that.
func (w *rewriter) command(cmd *parse.CommandNode, piped bool, result need) (need, bool) {
	first, args := cmd.Args[0], cmd.Args[1:]
	if chain := indexed(cmd); chain != nil && !piped {
		*cmd = *w.ask(chain, result)
		return result, false
	}
	if name, ok := first.(*parse.IdentifierNode); ok {
		return w.call(name, args, result)
	}
	if isChain(first) && (len(args) > 0 || piped) {
		cmd.Args[0] = w.method(first)
		for i, arg := range args {
			args[i] = w.arg(arg, result.below())
		}
		return result.below(), true
	}
	if len(args) == 0 && !piped {
		w.value(cmd, result)
	}
	return result, false
}

// call rewrites the arguments of a function.
func (w *rewriter) call(name *parse.IdentifierNode, args []parse.Node, result need) (need, bool) {
	function, err := w.run.signature(name.Ident)
	if err != nil {
		w.complain(name, err)
		return asked, false
	}
	for i, arg := range args {
		args[i] = w.arg(arg, function.need(i, result))
	}
	return function.need(len(args), result), function.mayBeNil
}

// value rewrites a command that is a value alone.
func (w *rewriter) value(cmd *parse.CommandNode, need need) {
	node := cmd.Args[0]
	if pipe, ok := node.(*parse.PipeNode); ok {
		w.pipe(pipe, need)
		return
	}
	if asked := w.ask(node, need); asked != nil {
		*cmd = *asked
	}
}

// arg rewrites an argument; what becomes a call is put in parentheses.
func (w *rewriter) arg(node parse.Node, need need) parse.Node {
	switch node := node.(type) {
	case *parse.PipeNode:
		w.pipe(node, need)
		return node
	case *parse.IdentifierNode:
		pipe := pipeOf(&parse.CommandNode{NodeType: parse.NodeCommand, Pos: node.Pos, Args: []parse.Node{node}})
		w.pipe(pipe, need)
		return pipe
	}
	if asked := w.ask(node, need); asked != nil {
		return pipeOf(asked)
	}
	return node
}

// ask returns the call that evaluates a chain of keys, or checks a dot or variable that is to be printed; nil for a
// node that stays as it is.
func (w *rewriter) ask(node parse.Node, need need) *parse.CommandNode {
	function := fieldFunction
	if w.checks(need) {
		function = needFunction
	}
	switch {
	case isChain(node):
		text := node.String()
		receiver, root, path := w.receiver(node)
		return command(node.Position(), function, w.site(node, site{text: text, root: root, path: path}), receiver)
	case w.checks(need) && node.Type() == parse.NodeDot:
		return command(node.Position(), mustFunction, w.site(node, site{text: "the dot"}), node)
	case w.checks(need) && node.Type() == parse.NodeVariable:
		return command(node.Position(), mustFunction, w.site(node, site{text: node.String()}), node)
	}
	return nil
}

// checks says whether an undefined value is an error where it is needed so.
func (w *rewriter) checks(need need) bool {
	return need&typed != 0 || need == printed && w.run.scope.strict
}

// site registers a place and returns the node that stands for it.
func (w *rewriter) site(node parse.Node, s site) parse.Node {
	s.line = w.source.line(int(node.Position()))
	w.run.sites = append(w.run.sites, s)
	index := int64(len(w.run.sites) - 1)
	return &parse.NumberNode{NodeType: parse.NodeNumber, Pos: node.Position(), IsInt: true, Int64: index}
}

func (w *rewriter) complain(node parse.Node, failed *failure) {
	offset := int(node.Position())
	w.problems = append(w.problems, &Error{
		File:       w.source.file,
		Line:       w.source.line(offset),
		Expression: w.source.expression(offset),
		Message:    failed.message,
		Hint:       failed.hint,
	})
}
