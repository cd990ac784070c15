package timeline

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

const (
	// minNames and maxNames are how many columns the names have, and minBars how many the bars have at least: where the width does
	// not allow for that, lines become wider.
	minNames, maxNames = 14, 34
	minBars            = 10
	// durations is how many columns a duration has.
	durations = 7
)

// sign is what a state looks like before a name.
func sign(state State, style progress.Style) string {
	marks := map[State]progress.Mark{Succeeded: progress.Succeeded, Failed: progress.Failed, Running: progress.Running}
	return cmp.Or(style.Sign(marks[state]), "!")
}

// cell is what the bar of a state is made of.
func cell(state State, style progress.Style) string {
	if style.Unicode {
		return map[State]string{Succeeded: "█", Failed: "▓", Running: "▒", Interrupted: "░"}[state]
	}
	return map[State]string{Succeeded: "#", Failed: "x", Running: ">", Interrupted: "!"}[state]
}

// paint colours a text by a state.
func paint(state State, style progress.Style, text string) string {
	colours := map[State]ansi.BasicColor{Succeeded: ansi.Green, Failed: ansi.Red, Running: ansi.Cyan, Interrupted: ansi.Yellow}
	return style.Paint(colours[state], text)
}

// Text writes the chart for a terminal of a width in columns.
func (c Chart) Text(out io.Writer, width int, style progress.Style) error {
	var text strings.Builder
	for _, line := range c.Lines(width, style) {
		text.WriteString(line + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// Lines returns the chart as lines of text.
func (c Chart) Lines(width int, style progress.Style) []string {
	if len(c.Bars) == 0 {
		return []string{c.Title, "Nothing is on record of what was done when."}
	}
	names := minNames
	for _, bar := range c.Bars {
		names = max(names, ansi.StringWidth(label(bar)))
	}
	names = min(names, maxNames, max(minNames, width/3))
	// A sign, the name, the duration, the bars, and blanks between them.
	bars := max(minBars, width-names-durations-2-3)
	lines := []string{c.Title + " (" + words.Duration(c.Elapsed()) + ")"}
	for _, bar := range c.Bars {
		name := style.Pad(label(bar), names)
		took := fmt.Sprintf("%*s", durations, bar.Took())
		from, cells := c.cells(bar, bars)
		row := paint(bar.State, style, sign(bar.State, style)) + " " + name + " " + took + " " +
			strings.Repeat(" ", from) + paint(bar.State, style, strings.Repeat(cell(bar.State, style), cells))
		lines = append(lines, row)
		if bar.Note != "" && bar.State != Succeeded {
			lines = append(lines, ansi.Truncate("    "+bar.Note, max(width, minNames), ""))
		}
	}
	return append(lines, c.axis(names+durations+4, bars))
}

// label is the name of a bar with what sets it apart from those around it.
func label(bar Bar) string {
	if bar.Nested {
		return "  " + bar.Name
	}
	return bar.Name
}

// cells says where a bar begins, and how many cells it has: at least one.
func (c Chart) cells(bar Bar, width int) (from, count int) {
	from = min(width-1, int(c.place(bar.Start)*float64(width)))
	to := int(c.place(bar.End)*float64(width) + 0.5)
	return from, max(1, to-from)
}

// axis is the line below the bars, with the times at both ends.
func (c Chart) axis(indent, width int) string {
	end := words.Duration(c.Elapsed())
	return strings.Repeat(" ", indent) + "0s" + strings.Repeat(" ", max(1, width-len("0s")-len(end))) + end
}
