package plugin

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// eventsFlag says how what happens is shown.
const eventsFlag = "events"

// The forms of events.
const (
	eventsText = "text"
	eventsJSON = "json"
	eventsNone = "none"
)

// verbosityFlag is kubectl's, long and short.
const verbosityFlag = "v"

// eventFlags choose how the events of a run are shown, on the error stream.
type eventFlags struct{ Form string }

// AddFlags adds --events.
func (f *eventFlags) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.Form, eventsFlag, eventsText, "Progress format on stderr: text, json (one line each) or none.")
}

// ToObserver returns what shows the events of a run of a command; nil shows none.
func (f eventFlags) ToObserver(command *cobra.Command, out io.Writer) (func(lifecycle.Event), error) {
	switch f.Form {
	case eventsText:
		return printers.TextEvents(out, verbosity(command)), nil
	case eventsJSON:
		return printers.JSONEvents(out), nil
	case eventsNone:
		return nil, nil
	}
	return nil, inputError{fmt.Errorf("--events %q: valid forms: %s, %s, %s", f.Form, eventsText, eventsJSON, eventsNone)}
}

func verbosity(command *cobra.Command) int {
	number, err := command.Flags().GetInt(verbosityFlag)
	if err != nil {
		return 0
	}
	return number
}
