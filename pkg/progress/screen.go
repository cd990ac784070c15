package progress

import (
	"cmp"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// Screen is an error stream that may be a terminal: below what is written to it, which stays, it can show a frame of lines that
// is drawn anew in place. What is written is cleaned of what steers a terminal. It is safe for concurrent use. The cursor is never
// hidden, so that no way out of the program can leave it hidden.
type Screen struct {
	out io.Writer
	// terminal says that out is one that obeys escape sequences, and size returns its columns and rows.
	terminal bool
	size     func() (width, height int)

	mu sync.Mutex
	// refresh draws what there is new, before anything is written; nil does nothing.
	refresh func()
	// frame is what is shown below the last line, as it was drawn; the cursor stands below it.
	frame []string
	// width is that of the terminal when the frame was drawn.
	width int
}

// The size of what is no terminal, or does not tell.
const defaultWidth, defaultHeight = 80, 24

// NewScreen returns a screen that writes to out.
func NewScreen(out io.Writer) *Screen {
	file, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) || !enableEscapes(file) {
		return &Screen{out: out, size: func() (int, int) { return defaultWidth, defaultHeight }}
	}
	return NewTerminal(file, func() (width, height int) {
		width, height, _ = term.GetSize(int(file.Fd()))
		return cmp.Or(width, defaultWidth), cmp.Or(height, defaultHeight)
	})
}

// NewTerminal returns a screen on a terminal that obeys escape sequences. size returns its columns and rows.
func NewTerminal(out io.Writer, size func() (width, height int)) *Screen {
	return &Screen{out: out, terminal: true, size: size}
}

// IsTerminal reports whether the screen is a terminal.
func (s *Screen) IsTerminal() bool { return s.terminal }

// Write implements io.Writer: the text stands above the frame, and stays. It ends with a line break wherever there is a frame.
func (s *Screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	refresh := s.refresh
	s.mu.Unlock()
	if refresh != nil {
		refresh()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	cleaned := printers.Clean(string(text))
	if len(s.frame) > 0 {
		if !strings.HasSuffix(cleaned, "\n") {
			cleaned += "\n"
		}
		cleaned = s.erase() + cleaned + strings.Join(s.frame, "\n") + "\n"
	}
	if _, err := io.WriteString(s.out, cleaned); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Refresh has refresh called before each Write, so that what has ended stands above what is written; nil ends that.
func (s *Screen) Refresh(refresh func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh = refresh
}

// Size returns the columns and rows that a frame may have: two rows less than the terminal.
func (s *Screen) Size() (width, height int) {
	width, height = s.size()
	return max(1, width), max(1, height-2)
}

// Draw writes lines that stay, and a frame below them in the place of the one before. Everything goes out in one write, and
// nothing where nothing has changed. No line may be wider than the terminal.
func (s *Screen) Draw(stay, frame []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, _ := s.size()
	var text strings.Builder
	if len(stay) > 0 || width != s.width {
		text.WriteString(s.erase())
		for _, line := range append(stay[:len(stay):len(stay)], frame...) {
			text.WriteString(line + "\n")
		}
	} else {
		text.WriteString(s.redraw(frame))
	}
	s.frame, s.width = frame, width
	if text.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(s.out, text.String())
	return err
}

// erase removes the frame, from the cursor below it. Where the terminal has become narrower, it has broken the lines.
func (s *Screen) erase() string {
	if len(s.frame) == 0 {
		return ""
	}
	width, _ := s.size()
	rows := 0
	for _, line := range s.frame {
		rows += max(1, (ansi.StringWidth(line)+width-1)/max(1, width))
	}
	return "\r" + ansi.CursorUp(rows) + ansi.EraseScreenBelow
}

// redraw draws the lines that differ from those of the frame before.
func (s *Screen) redraw(frame []string) string {
	changed := len(frame) != len(s.frame)
	var text strings.Builder
	if len(s.frame) > 0 {
		text.WriteString("\r" + ansi.CursorUp(len(s.frame)))
	}
	for i, line := range frame {
		if i < len(s.frame) && s.frame[i] == line {
			text.WriteString("\n")
			continue
		}
		changed = true
		text.WriteString(line + ansi.EraseLineRight + "\n")
	}
	if len(frame) < len(s.frame) {
		text.WriteString(ansi.EraseScreenBelow)
	}
	if !changed {
		return ""
	}
	return text.String()
}
