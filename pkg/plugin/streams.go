package plugin

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/progress"
)

// answer is the stream of what a command was asked for. It remembers that it could not be written: what a command does for a
// release goes on all the same, but whoever called it has to know that the answer is not whole.
type answer struct {
	io.Writer
	// failed is why a part of the answer is missing; nil where none is.
	failed error
}

// Write implements io.Writer. After the first failure nothing more is written.
func (a *answer) Write(text []byte) (int, error) {
	if a.failed != nil {
		return 0, a.failed
	}
	written, err := a.Writer.Write(text)
	if err != nil {
		a.failed = fmt.Errorf("writing the output: %w", err)
	}
	return written, a.failed
}

// Complete returns the error of a command that has answered, with why a part of the answer is missing. Differences that nobody could
// read are a failure of diff.
func (a *answer) Complete(err error) error {
	switch {
	case a.failed == nil || errors.Is(err, a.failed):
		return err
	case errors.Is(err, errDiffers):
		return diffError{a.failed}
	}
	return errors.Join(err, a.failed)
}

// answerScreen returns the screen that answers are shown on; one that is no terminal where they are not shown on one.
func answerScreen(out io.Writer) *progress.Screen {
	if stream, wrapped := out.(*answer); wrapped {
		if screen := progress.NewScreen(stream.Writer); screen.IsTerminal() {
			return screen
		}
	}
	return progress.NewScreen(out)
}

// errorStream returns the stream for all that is no answer. Where the command line asks for events as JSON, every line of it
// is one: that is known before the flags are read, because they may be wrong. Else it is text that cannot steer a terminal:
// much of what is told comes from the cluster: warnings, events, and who holds a lock.
func errorStream(out io.Writer, args []string, version string) io.Writer {
	if asksForJSON(args) {
		return progress.NewJSONLines(out, version)
	}
	return progress.NewScreen(out)
}

// asksForJSON reports whether the last --progress of a command line, or --events, says json.
func asksForJSON(args []string) bool {
	form := ""
	for i, arg := range args {
		if arg == "--" {
			break
		}
		flag, value, found := strings.Cut(arg, "=")
		switch {
		case flag != "--"+progressFlag && flag != "--"+eventsFlag:
		case found:
			form = value
		case i+1 < len(args):
			form = args[i+1]
		}
	}
	return form == progressJSON
}
