package plugin

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

// warnings are texts for the user, each once. They are safe for concurrent use.
type warnings struct {
	// out is where they are printed as they come; nil collects them.
	out io.Writer

	mu   sync.Mutex
	said []string
}

// Warn adds a warning that was not there yet.
func (w *warnings) Warn(format string, args ...any) { w.add(fmt.Sprintf(format, args...)) }

// AddAll adds those that others have collected, in their order.
func (w *warnings) AddAll(others *warnings) {
	others.mu.Lock()
	texts := slices.Clone(others.said)
	others.mu.Unlock()
	for _, text := range texts {
		w.add(text)
	}
}

func (w *warnings) add(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.said, text) {
		return
	}
	w.said = append(w.said, text)
	if w.out != nil {
		_, _ = fmt.Fprintln(w.out, "warning: "+text)
	}
}
