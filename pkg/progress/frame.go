package progress

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

const (
	// minName and maxName are how many columns names have, with what is before them.
	minName, maxName = 18, 34
	// narrow is how many columns a terminal must have for a line to say how long its work may take, too.
	narrow = 60
)

// takeEnded returns the lines that stay and have not been printed, drawn for a width.
func (m *model) takeEnded(width int, style Style) []string {
	ended := m.ended
	m.ended = nil
	names := nameWidth(ended, width)
	lines := make([]string, len(ended))
	for i, e := range ended {
		lines[i] = m.draw(e, time.Time{}, names, width, style)
	}
	return lines
}

// frame draws what is under way, in at most height lines. What has run longest comes first; the rest is counted.
func (m *model) frame(now time.Time, width, height int, style Style) []string {
	if m.open == nil {
		return nil
	}
	var shown []entry
	heading := m.open.entry
	heading.mark = NoMark
	switch {
	case m.open.kind != lifecycle.PhaseStarted:
		heading.text = m.open.progress(m.prune)
		shown = append(shown, heading)
	case !m.open.headed:
		heading.since = time.Time{}
		shown = append(shown, heading)
	}
	for _, e := range m.open.running {
		shown = append(shown, *e)
	}
	names := nameWidth(shown, width)
	hidden := 0
	if len(shown) > height {
		hidden = len(shown) - height + 1
		shown = shown[:height-1]
	}
	lines := make([]string, 0, height)
	for _, e := range shown {
		lines = append(lines, style.Fit(m.draw(e, now, names, width, style), width))
	}
	if hidden > 0 {
		lines = append(lines, style.Fit(fmt.Sprintf("  %s and %d more", style.ellipsis(), hidden), width))
	}
	return lines
}

// nameWidth is how many columns the names of entries have together, with what is before them.
func nameWidth(entries []entry, width int) int {
	longest := minName
	for _, e := range entries {
		if e.name != "" {
			longest = max(longest, ansi.StringWidth(e.name)+4*e.depth+2)
		}
	}
	return min(longest, maxName, max(1, width/2))
}

// draw draws a line. How long something has run, of how much, is at the right end. Nothing is cut off a line that stays: that of
// the frame does not.
func (m *model) draw(e entry, now time.Time, names, width int, style Style) string {
	if e.prefix != "" {
		return style.sourced(e.source, printers.Line(e.prefix)) + " " + printers.Line(e.text)
	}
	if e.name == "" {
		return style.notice(printers.Line(e.text))
	}
	name := printers.Line(e.name)
	if e.depth > 0 {
		name = "  " + style.glyph(e.mark) + " " + name
	} else {
		name = style.bold(name)
	}
	left := style.Pad(name, names) + " "
	text := printers.Line(e.text)
	switch {
	case e.since.IsZero() && e.mark != NoMark && e.mark != Skipped:
		took := words.Duration(e.elapsed)
		if e.depth == 0 {
			took = style.glyph(e.mark) + " " + text
			text = style.faint(words.Duration(e.elapsed))
		}
		return strings.TrimRight(left+took+"  "+text, " ")
	case e.since.IsZero():
		return strings.TrimRight(left+text, " ")
	}
	text = printers.Line(cmp.Or(e.text, e.place))
	right := m.clock(e, now, width)
	room := width - ansi.StringWidth(left) - ansi.StringWidth(right) - 1
	return left + style.Pad(text, room) + " " + style.faint(right)
}

// clock says how long something runs. A heading says, where there is room, how much of the time limit is used, which may have begun
// to run before: what is shown beside a limit is what is measured by it.
func (m *model) clock(e entry, now time.Time, width int) string {
	if m.limit > 0 && width >= narrow && e.depth == 0 {
		return m.used(now, " / ")
	}
	return short(now.Sub(e.since))
}

// used says how much of the time limit is used.
func (m *model) used(now time.Time, of string) string {
	return short(now.Sub(m.begun)) + of + short(m.limit)
}

// short is how long something has been running, to the second that is over.
func short(elapsed time.Duration) string {
	if elapsed > 0 && elapsed < time.Second {
		return "<1s"
	}
	return words.Duration(max(0, elapsed).Truncate(time.Second))
}
