package render

import (
	"slices"
	"text/template/parse"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// receiver takes a chain of keys apart.
func (w *rewriter) receiver(node parse.Node) (receiver parse.Node, root string, path []string) {
	switch node := node.(type) {
	case *parse.FieldNode:
		return &parse.DotNode{NodeType: parse.NodeDot, Pos: node.Pos}, "", node.Ident
	case *parse.VariableNode:
		variable := &parse.VariableNode{NodeType: parse.NodeVariable, Pos: node.Pos, Ident: node.Ident[:1]}
		return variable, node.Ident[0], node.Ident[1:]
	case *parse.ChainNode:
		root = node.Node.String()
		if node.Node.Type() == parse.NodePipe {
			root = "(" + root + ")"
		}
		return w.arg(node.Node, bound), root, node.Field
	}
	return node, "", nil
}

// method rewrites a chain whose last name is called with arguments. Only exported methods can be called, so that
// files.get means files.Get.
func (w *rewriter) method(node parse.Node) parse.Node {
	text := node.String()
	receiver, root, path := w.receiver(node)
	last := len(path) - 1
	if last > 0 {
		site := w.site(node, site{text: text, root: root, path: path[:last]})
		receiver = pipeOf(command(node.Position(), fieldFunction, site, receiver))
	}
	return &parse.ChainNode{NodeType: parse.NodeChain, Pos: node.Position(), Node: receiver, Field: []string{exported(path[last])}}
}

// lazyDefaults turns "default FALLBACK VALUE" and "VALUE | default FALLBACK" into "or VALUE FALLBACK", which means
// the same.
func lazyDefaults(cmds []*parse.CommandNode) []*parse.CommandNode {
	for i := 0; i < len(cmds); i++ {
		cmd := cmds[i]
		if name, ok := cmd.Args[0].(*parse.IdentifierNode); !ok || name.Ident != "default" {
			continue
		}
		switch {
		case i == 0 && len(cmd.Args) == 3:
			cmds[0] = command(cmd.Pos, "or", cmd.Args[2], cmd.Args[1])
		case i > 0 && len(cmd.Args) == 2:
			value := pipeOf(cmds[:i:i]...)
			cmds = append([]*parse.CommandNode{command(cmd.Pos, "or", value, cmd.Args[1])}, cmds[i+1:]...)
			i = 0
		}
	}
	return cmds
}

// indexed returns the chain of keys that index stands for where all its keys are plain text, as in
// index .Values "image-tag"; nil for any other command.
func indexed(cmd *parse.CommandNode) parse.Node {
	if name, ok := cmd.Args[0].(*parse.IdentifierNode); !ok || name.Ident != "index" || len(cmd.Args) < 3 {
		return nil
	}
	var keys []string
	for _, arg := range cmd.Args[2:] {
		key, ok := arg.(*parse.StringNode)
		if !ok {
			return nil
		}
		keys = append(keys, key.Text)
	}
	switch of := cmd.Args[1].(type) {
	case *parse.FieldNode:
		return &parse.FieldNode{NodeType: parse.NodeField, Pos: of.Pos, Ident: slices.Concat(of.Ident, keys)}
	case *parse.VariableNode:
		return &parse.VariableNode{NodeType: parse.NodeVariable, Pos: of.Pos, Ident: slices.Concat(of.Ident, keys)}
	case *parse.ChainNode:
		return &parse.ChainNode{NodeType: parse.NodeChain, Pos: of.Pos, Node: of.Node, Field: slices.Concat(of.Field, keys)}
	case *parse.IdentifierNode, *parse.PipeNode, *parse.DotNode:
		return &parse.ChainNode{NodeType: parse.NodeChain, Pos: of.Position(), Node: of, Field: keys}
	}
	return nil
}

// isChain tells a node that follows keys: .a, $x.a, (…).a or values.a.
func isChain(node parse.Node) bool {
	switch node := node.(type) {
	case *parse.FieldNode, *parse.ChainNode:
		return true
	case *parse.VariableNode:
		return len(node.Ident) > 1
	}
	return false
}

func command(at parse.Pos, function string, args ...parse.Node) *parse.CommandNode {
	name := parse.NewIdentifier(function).SetPos(at)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: append([]parse.Node{name}, args...)}
}

func pipeOf(cmds ...*parse.CommandNode) *parse.PipeNode {
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: cmds[0].Pos, Cmds: cmds}
}

// exported returns the name that Go gives to a method that templates call by a lower-case one.
func exported(name string) string { return words.Capital(name) }
