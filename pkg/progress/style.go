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

// mark is how something went, as a sign at the beginning of a line.
type mark int

const (
	noMark mark = iota
	running
	succeeded
	failed
	skipped
)

// glyph returns the sign of a mark, one column wide; "" for none.
func (s Style) glyph(m mark) string {
	unicode := map[mark]string{running: "•", succeeded: "✔", failed: "✘", skipped: "−"}
	ascii := map[mark]string{running: "*", succeeded: "+", failed: "x", skipped: "-"}
	sign := ascii[m]
	if s.Unicode {
		sign = unicode[m]
	}
	switch m {
	case succeeded:
		return s.colour(ansi.Green, sign)
	case failed:
		return s.colour(ansi.Red, sign)
	}
	return sign
}

// ellipsis stands for the rest of a text.
func (s Style) ellipsis() string {
	if s.Unicode {
		return "…"
	}
	return "..."
}

func (s Style) colour(colour ansi.BasicColor, text string) string {
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
	return s.colour(colours[number%len(colours)], text)
}

// notice renders a line of text that may begin with "warning: " or "error: " as kubectl's users know it.
func (s Style) notice(text string) string {
	for prefix, colour := range map[string]ansi.BasicColor{"warning: ": ansi.Yellow, "Warning: ": ansi.Yellow, "error: ": ansi.Red} {
		if rest, found := strings.CutPrefix(text, prefix); found {
			return s.colour(colour, strings.TrimSuffix(prefix, " ")) + " " + rest
		}
	}
	return text
}

// fit cuts a text, escape sequences in it not counted, to a width in columns.
func (s Style) fit(text string, width int) string {
	return ansi.Truncate(text, max(0, width), s.ellipsis())
}

// pad fits a text and fills it up with blanks to a width.
func (s Style) pad(text string, width int) string {
	text = s.fit(text, width)
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}
