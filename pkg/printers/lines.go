package printers

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// The types of what is said outside of a run.
const (
	// messageEvent is something that people are told.
	messageEvent lifecycle.EventType = "message"
	// errorEvent is why the program ends with an exit code other than 0.
	errorEvent lifecycle.EventType = "error"
)

// JSONLines is an error stream of which every line is an event as JSON, numbered from 1. What is written to it as text
// becomes an event of its own: a warning where the text says that it is one, else a message.
type JSONLines struct {
	mu  sync.Mutex
	out io.Writer
	seq int
}

// NewJSONLines returns a stream that writes to out; out itself where it is one.
func NewJSONLines(out io.Writer) *JSONLines {
	if lines, ok := out.(*JSONLines); ok {
		return lines
	}
	return &JSONLines{out: out}
}

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
	if err := l.say(kind, message); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Fail writes why the program ends.
func (l *JSONLines) Fail(message string) error { return l.say(errorEvent, message) }

func (l *JSONLines) say(kind lifecycle.EventType, message string) error {
	return l.write(lifecycle.Event{Time: time.Now().UTC(), Type: kind, Outcome: lifecycle.Outcome{Message: message}})
}

// write writes an event with the next number of the stream: a command may run more than one plan.
func (l *JSONLines) write(event lifecycle.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	event.Seq = l.seq
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(event); err != nil {
		return err
	}
	_, err := l.out.Write(Escape(text.Bytes()))
	return err
}
