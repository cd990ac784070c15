package progress

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
)

// schemaNumber is the number of the form of the JSON lines. It changes when a field or a type of event goes, or means something else;
// not when one comes.
const schemaNumber = 1

// The types of what is said outside of a run.
const (
	// versionEvent is the first of all.
	versionEvent lifecycle.EventType = "version"
	// messageEvent is something that people are told.
	messageEvent lifecycle.EventType = "message"
	// errorEvent is why the program ends with an exit code other than 0. It is the last.
	errorEvent lifecycle.EventType = "error"
)

// JSONLines is an error stream of which every line is an event as JSON, numbered from 1; the first one says in which form. What is
// written to it as text becomes an event of its own: a warning where the text says that it is one, else a message.
type JSONLines struct {
	version string

	mu  sync.Mutex
	out io.Writer
	seq int
}

// NewJSONLines returns a stream that writes to out. version is that of the program.
func NewJSONLines(out io.Writer, version string) *JSONLines {
	return &JSONLines{out: out, version: version}
}

// jsonLine is an event as it is written.
type jsonLine struct {
	lifecycle.Event
	// Schema and Version are those of a version event.
	Schema  int    `json:"schema,omitempty"`
	Version string `json:"version,omitempty"`
	// ExitCode is that of an error.
	ExitCode int `json:"exitCode,omitempty"`
}

// Observe implements View. An event that cannot be written must not end the work that it reports.
func (l *JSONLines) Observe(event lifecycle.Event) { _ = l.write(jsonLine{Event: event}) }

// Close implements View. The stream may be written to afterwards.
func (l *JSONLines) Close() {}

// Write implements io.Writer. Each call is one event, however many lines it has; white space around it is left off.
func (l *JSONLines) Write(text []byte) (int, error) {
	kind, message := messageEvent, strings.TrimSpace(string(text))
	const warning = "warning: "
	if len(message) >= len(warning) && strings.EqualFold(message[:len(warning)], warning) {
		kind, message = lifecycle.Warning, message[len(warning):]
	}
	if message == "" {
		return len(text), nil
	}
	if err := l.write(jsonLine{Event: said(kind, message)}); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Fail writes why the program ends, and with which exit code.
func (l *JSONLines) Fail(message string, exitCode int) error {
	return l.write(jsonLine{Event: said(errorEvent, message), ExitCode: exitCode})
}

// said is an event that says something outside of a run.
func said(kind lifecycle.EventType, message string) lifecycle.Event {
	return lifecycle.Event{Time: time.Now().UTC(), Type: kind, Outcome: lifecycle.Outcome{Message: message}}
}

// write writes an event with the next number of the stream: a command may run more than one plan.
func (l *JSONLines) write(line jsonLine) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seq == 0 {
		first := jsonLine{Event: said(versionEvent, ""), Schema: schemaNumber, Version: l.version}
		if err := l.writeNext(first); err != nil {
			return err
		}
	}
	return l.writeNext(line)
}

func (l *JSONLines) writeNext(line jsonLine) error {
	l.seq++
	line.Seq = l.seq
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		return err
	}
	_, err := l.out.Write(printers.Escape(text.Bytes()))
	return err
}
