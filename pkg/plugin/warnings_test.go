package plugin

import (
	"bytes"
	"testing"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	t.Run("what is said once is not said again", whatIsSaidOnceIsNotSaidAgain)
}

func whatIsSaidOnceIsNotSaidAgain(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	printed, collected := &warnings{out: &said}, &warnings{}
	printed.Warn("first")
	collected.Warn("second")
	collected.Warn("first")
	printed.AddAll(collected)
	printed.Warn("second")
	printed.Warn("third")
	if want := "warning: first\nwarning: second\nwarning: third\n"; said.String() != want {
		t.Errorf("said is %q, want %q", said.String(), want)
	}
}
