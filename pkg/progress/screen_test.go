package progress

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/test/terminal"
)

func screenOn(v *terminal.Terminal, height int) *Screen {
	return NewTerminal(v, func() (int, int) { return v.Width, height })
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
	v := &terminal.Terminal{Width: 20}
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
		if diff := cmp.Diff(step.want, v.Shown()); diff != "" {
			t.Fatalf("%q above %q (-want +got):\n%s", step.stay, step.frame, diff)
		}
	}
}

func writtenStandsAboveTheFrame(t *testing.T) {
	t.Parallel()
	v := &terminal.Terminal{Width: 20}
	screen := screenOn(v, 10)
	_, _ = io.WriteString(screen, "Delete them? ")
	_, _ = io.WriteString(screen, "\n")
	_ = screen.Draw(nil, []string{"running"})
	_, _ = io.WriteString(screen, "warning: one\n")
	_, _ = io.WriteString(screen, "two")
	_ = screen.Draw(nil, []string{"running", "on"})
	if diff := cmp.Diff("Delete them? \nwarning: one\ntwo\nrunning\non", v.Shown()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func narrowerTerminal(t *testing.T) {
	t.Parallel()
	v := &terminal.Terminal{Width: 20}
	screen := screenOn(v, 10)
	_ = screen.Draw([]string{"above"}, []string{"0123456789abcdef", "short"})
	// It breaks the lines that have become too long.
	v.Width = 10
	v.Rows = []string{"above", "0123456789", "abcdef", "short"}
	v.Row = 4
	_ = screen.Draw(nil, []string{"01234567…", "short"})
	if diff := cmp.Diff("above\n01234567…\nshort", v.Shown()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func unchangedFrameIsNotWritten(t *testing.T) {
	t.Parallel()
	v := &terminal.Terminal{Width: 20}
	screen := screenOn(v, 10)
	for range 3 {
		_ = screen.Draw(nil, []string{"same"})
	}
	if v.Writes != 1 {
		t.Errorf("it takes %d writes", v.Writes)
	}
}

func nothingSteersTheTerminal(t *testing.T) {
	t.Parallel()
	v := &terminal.Terminal{Width: 40}
	_, _ = io.WriteString(screenOn(v, 10), "a\x1b[2Jb\n")
	if want := "a\ufffd[2Jb"; v.Shown() != want {
		t.Errorf("it shows %q, want %q", v.Shown(), want)
	}
}
