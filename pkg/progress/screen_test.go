package progress

import (
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// terminal shows what is written to it as a terminal does, as far as a Screen uses one.
type terminal struct {
	width int
	rows  []string
	// row and column are where the cursor stands.
	row, column int
	writes      int
}

func (v *terminal) Write(text []byte) (int, error) {
	v.writes++
	rest := string(text)
	for rest != "" {
		if sequence, found := strings.CutPrefix(rest, "\x1b["); found {
			end := strings.IndexFunc(sequence, func(r rune) bool { return r >= '@' })
			v.obey(sequence[:end], sequence[end])
			rest = sequence[end+1:]
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		switch r {
		case '\r':
			v.column = 0
		case '\n':
			v.row, v.column = v.row+1, 0
		default:
			v.put(r)
		}
	}
	return len(text), nil
}

func (v *terminal) obey(argument string, sequence byte) {
	number, _ := strconv.Atoi(argument)
	switch sequence {
	case 'A':
		v.row = max(0, v.row-max(1, number))
	case 'J':
		v.line()
		v.rows = v.rows[:v.row+1]
		v.rows[v.row] = string([]rune(v.rows[v.row])[:v.column])
	case 'K':
		v.rows[v.row] = string([]rune(v.line())[:v.column])
	case 'm':
	default:
		v.rows[v.row] = v.line() + "not obeyed: " + argument + string(sequence)
	}
}

func (v *terminal) line() string {
	for len(v.rows) <= v.row {
		v.rows = append(v.rows, "")
	}
	v.rows[v.row] += strings.Repeat(" ", max(0, v.column-len([]rune(v.rows[v.row]))))
	return v.rows[v.row]
}

func (v *terminal) put(r rune) {
	if v.column == v.width {
		v.row, v.column = v.row+1, 0
	}
	line := []rune(v.line())
	line = append(line[:v.column:v.column], append([]rune{r}, line[min(len(line), v.column+1):]...)...)
	v.rows[v.row] = string(line)
	v.column++
}

func (v *terminal) shown() string { return strings.TrimRight(strings.Join(v.rows, "\n"), "\n ") }

func screenOn(v *terminal, height int) *Screen {
	return &Screen{out: v, terminal: true, size: func() (int, int) { return v.width, height }}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	t.Run("a frame is drawn anew in place", frameIsDrawnAnewInPlace)
	t.Run("what is written stands above the frame", writtenStandsAboveTheFrame)
	t.Run("a terminal that became narrower keeps nothing of the frame", narrowerTerminal)
	t.Run("what does not change costs no write", unchangedFrameIsNotWritten)
	t.Run("what steers a terminal is not let through", nothingSteersTheTerminal)
}

func frameIsDrawnAnewInPlace(t *testing.T) {
	t.Parallel()
	v := &terminal{width: 20}
	screen := screenOn(v, 10)
	for _, step := range []struct {
		stay, frame []string
		want        string
	}{
		{nil, []string{"one", "two"}, "one\ntwo"},
		{nil, []string{"one", "2"}, "one\n2"},
		{nil, []string{"one", "2", "three"}, "one\n2\nthree"},
		{nil, []string{"1"}, "1"},
		{[]string{"ended"}, []string{"1", "2"}, "ended\n1\n2"},
		{[]string{"done"}, nil, "ended\ndone"},
		{nil, []string{"more"}, "ended\ndone\nmore"},
		{nil, nil, "ended\ndone"},
	} {
		if err := screen.Draw(step.stay, step.frame); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, v.shown()); diff != "" {
			t.Fatalf("%q above %q (-want +got):\n%s", step.stay, step.frame, diff)
		}
	}
}

func writtenStandsAboveTheFrame(t *testing.T) {
	t.Parallel()
	v := &terminal{width: 20}
	screen := screenOn(v, 10)
	_, _ = io.WriteString(screen, "Delete them? ")
	_, _ = io.WriteString(screen, "\n")
	_ = screen.Draw(nil, []string{"running"})
	_, _ = io.WriteString(screen, "warning: one\n")
	_, _ = io.WriteString(screen, "two")
	_ = screen.Draw(nil, []string{"running", "on"})
	if diff := cmp.Diff("Delete them? \nwarning: one\ntwo\nrunning\non", v.shown()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func narrowerTerminal(t *testing.T) {
	t.Parallel()
	v := &terminal{width: 20}
	screen := screenOn(v, 10)
	_ = screen.Draw([]string{"above"}, []string{"0123456789abcdef", "short"})
	// It breaks the lines that have become too long.
	v.width = 10
	v.rows = []string{"above", "0123456789", "abcdef", "short"}
	v.row = 4
	_ = screen.Draw(nil, []string{"01234567…", "short"})
	if diff := cmp.Diff("above\n01234567…\nshort", v.shown()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func unchangedFrameIsNotWritten(t *testing.T) {
	t.Parallel()
	v := &terminal{width: 20}
	screen := screenOn(v, 10)
	for range 3 {
		_ = screen.Draw(nil, []string{"same"})
	}
	if v.writes != 1 {
		t.Errorf("it takes %d writes", v.writes)
	}
}

func nothingSteersTheTerminal(t *testing.T) {
	t.Parallel()
	v := &terminal{width: 40}
	_, _ = io.WriteString(screenOn(v, 10), "a\x1b[2Jb\n")
	if want := "a\ufffd[2Jb"; v.shown() != want {
		t.Errorf("it shows %q, want %q", v.shown(), want)
	}
}
