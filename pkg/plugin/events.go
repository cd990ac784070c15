package plugin

import (
	"fmt"
	"io"

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

// observer returns what shows the events of a run.
func observer(form string, verbosity int, out io.Writer) (func(lifecycle.Event), error) {
	switch form {
	case eventsText:
		return printers.TextEvents(out, verbosity), nil
	case eventsJSON:
		return printers.JSONEvents(out), nil
	case eventsNone:
		return nil, nil
	}
	return nil, inputError{fmt.Errorf("--events %q: valid forms: %s, %s, %s", form, eventsText, eventsJSON, eventsNone)}
}
