package printers

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Markdown writes the comparison as a comment for a pull request: a table of what changes, and the diff of each object, folded.
func (c Comparison) Markdown(out io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "### %s: %s\n\n", EscapeMarkdown(c.Name), EscapeMarkdown(c.About))
	if c.Differs() {
		fmt.Fprintf(&text, "%s.\n", words.Count(len(c.Changes), "change"))
	} else {
		text.WriteString("No changes.\n")
	}
	c.writeTable(&text)
	c.writeProblems(&text)
	texts, err := textsOf(c.Changes)
	if err != nil {
		return err
	}
	for _, change := range texts {
		hunks := change.hunks()
		if hunks == "" {
			continue
		}
		fence := Fence(hunks)
		fmt.Fprintf(&text, "\n<details><summary>%s %s</summary>\n\n%sdiff\n%s%s\n\n</details>\n",
			EscapeMarkdown(Named(change.Ref, c.Namespace)), EscapeMarkdown(change.Action), fence, hunks, fence)
	}
	_, err = io.WriteString(out, text.String())
	return err
}

func (c Comparison) writeTable(text *strings.Builder) {
	rows := c.rows()
	if len(rows) == 0 {
		return
	}
	if c.Preview == nil {
		text.WriteString("\n| object | change |\n|---|---|\n")
	} else {
		text.WriteString("\n| step | object | change |\n|---|---|---|\n")
	}
	for _, row := range rows {
		if c.Preview != nil {
			fmt.Fprintf(text, "| %s ", EscapeMarkdown(row.step))
		}
		fmt.Fprintf(text, "| %s | %s |\n", EscapeMarkdown(row.object), EscapeMarkdown(row.effect))
	}
}

func (c Comparison) writeProblems(text *strings.Builder) {
	if len(c.Problems) == 0 {
		return
	}
	text.WriteString("\nIt would be refused:\n\n")
	for _, problem := range c.Problems {
		fmt.Fprintf(text, "- %s\n", EscapeMarkdown(problem.Error()))
	}
}

// EscapeMarkdown makes of a text one line that means nothing but itself in Markdown and HTML.
func EscapeMarkdown(text string) string {
	var escaped strings.Builder
	for _, r := range Line(text) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -./:,;()'\"=", r) || r == unicode.ReplacementChar {
			escaped.WriteRune(r)
		} else {
			fmt.Fprintf(&escaped, "&#%d;", r)
		}
	}
	return escaped.String()
}

// Fence is a fence around a text that nothing in the text can close.
func Fence(text string) string {
	const shortest = 3
	longest, run := 0, 0
	for _, r := range text {
		if r == '`' {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	return strings.Repeat("`", max(shortest, longest+1))
}
