package render

import (
	"bytes"
	"text/template/parse"
)

// lineWriter gathers the text of one file and remembers which line of the template each of its lines comes from.
//
// text/template writes every piece of plain text as the very slice that stands in the parse tree, so the address of
// its first byte tells which piece it is. What an action prints belongs to the line of that action.
type lineWriter struct {
	run    *run
	starts map[*byte]int
	text   bytes.Buffer
	lines  []int
	// inLine is set while a line has begun and not ended.
	inLine bool
}

// Write adds text; the error is a *failure where there is too much of it.
func (w *lineWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := w.run.budget.write(len(p)); err != nil {
		return 0, err
	}
	start, plain := w.starts[&p[0]]
	if plain {
		w.run.at = start
	}
	for _, letter := range p {
		if !w.inLine {
			w.lines = append(w.lines, w.run.at)
		}
		w.inLine = letter != '\n'
		if !w.inLine && plain {
			w.run.at++
		}
	}
	return w.text.Write(p)
}

// textStarts maps the first byte of each piece of plain text in a template to its line.
func textStarts(root *parse.ListNode, source *source) map[*byte]int {
	starts := map[*byte]int{}
	visitTexts(root, func(text *parse.TextNode) {
		if len(text.Text) > 0 {
			starts[&text.Text[0]] = source.line(int(text.Pos))
		}
	})
	return starts
}

func visitTexts(list *parse.ListNode, visit func(*parse.TextNode)) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
			visit(node)
		case *parse.IfNode:
			visitTexts(node.List, visit)
			visitTexts(node.ElseList, visit)
		case *parse.RangeNode:
			visitTexts(node.List, visit)
			visitTexts(node.ElseList, visit)
		case *parse.WithNode:
			visitTexts(node.List, visit)
			visitTexts(node.ElseList, visit)
		}
	}
}
