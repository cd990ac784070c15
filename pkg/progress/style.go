package progress

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Style is how a text may look: with colours or without, with glyphs beyond ASCII or without. Its zero value is plain ASCII.
type Style struct {
	// Colour allows escape sequences for colours and weights.
	Colour bool
	// Unicode allows glyphs that are not ASCII.
	Unicode bool
}

// Mark is how something went, as a sign at the beginning of a line.
type Mark int

// The marks.
const (
	NoMark Mark = iota
	Running
	Succeeded
	Failed
	Skipped
)

// Sign returns the sign of a mark, one column wide; "" for none.
func (s Style) Sign(m Mark) string {
	if s.Unicode {
		return map[Mark]string{Running: "•", Succeeded: "✔", Failed: "✘", Skipped: "−"}[m]
	}
	return map[Mark]string{Running: "*", Succeeded: "+", Failed: "x", Skipped: "-"}[m]
}

// glyph returns the sign of a mark in its colour.
func (s Style) glyph(m Mark) string {
	switch m {
	case Succeeded:
		return s.Paint(ansi.Green, s.Sign(m))
	case Failed:
		return s.Paint(ansi.Red, s.Sign(m))
	}
	return s.Sign(m)
}

// ellipsis stands for the rest of a text.
func (s Style) ellipsis() string {
	if s.Unicode {
		return "…"
	}
	return "..."
}

// Paint colours a text, where there are colours.
func (s Style) Paint(colour ansi.BasicColor, text string) string {
	if !s.Colour {
		return text
	}
	return ansi.NewStyle().ForegroundColor(colour).Styled(text)
}

func (s Style) bold(text string) string {
	if !s.Colour {
		return text
	}
	return ansi.NewStyle().Bold().Styled(text)
}

func (s Style) faint(text string) string {
	if !s.Colour {
		return text
	}
	return ansi.NewStyle().Faint().Styled(text)
}

// sourced colours the text that says where a line is from. Sources are numbered from 0: as many as there are colours differ.
func (s Style) sourced(number int, text string) string {
	colours := []ansi.BasicColor{ansi.Cyan, ansi.Magenta, ansi.Blue, ansi.Yellow, ansi.Green, ansi.BrightCyan, ansi.BrightMagenta, ansi.BrightBlue}
	return s.Paint(colours[number%len(colours)], text)
}

// notice renders a line of text that may begin with "warning: " or "error: " as kubectl's users know it.
func (s Style) notice(text string) string {
	for prefix, colour := range map[string]ansi.BasicColor{"warning: ": ansi.Yellow, "Warning: ": ansi.Yellow, "error: ": ansi.Red} {
		if rest, found := strings.CutPrefix(text, prefix); found {
			return s.Paint(colour, strings.TrimSuffix(prefix, " ")) + " " + rest
		}
	}
	return text
}

// Fit cuts a text, escape sequences in it not counted, to a width in columns.
func (s Style) Fit(text string, width int) string {
	return ansi.Truncate(text, max(0, width), s.ellipsis())
}

// Pad fits a text and fills it up with blanks to a width.
func (s Style) Pad(text string, width int) string {
	text = s.Fit(text, width)
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}
