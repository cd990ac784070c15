package chart

import (
	"context"
	"io"
	"log"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// listening is held while Helm's packages write what they have to say to the process' loggers, and somebody listens to these.
var listening sync.Mutex //nolint:gochecknoglobals // So are the loggers.

// listen calls a function of Helm's and returns what that wrote to the loggers of the process, a line each, which would be
// lost among what a command prints.
func listen(call func() error) (warnings []string, err error) {
	listening.Lock()
	defer listening.Unlock()
	heard := &hearing{}
	before, plain := slog.Default(), log.Default()
	flags, prefix, output := plain.Flags(), plain.Prefix(), plain.Writer()
	// It redirects the plain logger, too, but what that says is to be told apart.
	slog.SetDefault(slog.New(heard))
	defer func() {
		slog.SetDefault(before)
		plain.SetOutput(output)
		plain.SetFlags(flags)
		plain.SetPrefix(prefix)
	}()
	plain.SetOutput(heard)
	plain.SetFlags(0)
	plain.SetPrefix("")
	err = call()
	return heard.lines(), err
}

// hearing is a logger that keeps warnings.
type hearing struct {
	mu    sync.Mutex
	heard []string
}

var (
	_ slog.Handler = (*hearing)(nil)
	_ io.Writer    = (*hearing)(nil)
)

// Enabled implements slog.Handler.
func (h *hearing) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle implements slog.Handler.
func (h *hearing) Handle(_ context.Context, record slog.Record) error {
	var line strings.Builder
	line.WriteString(record.Message)
	record.Attrs(func(attr slog.Attr) bool {
		line.WriteString(", " + attr.String())
		return true
	})
	h.add(line.String())
	return nil
}

// WithAttrs implements slog.Handler. Helm's packages add none.
func (h *hearing) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements slog.Handler.
func (h *hearing) WithGroup(string) slog.Handler { return h }

// Write implements io.Writer, for the plain logger.
func (h *hearing) Write(text []byte) (int, error) {
	h.add(string(text))
	return len(text), nil
}

func (h *hearing) add(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, prefix := range []string{"Warning: ", "warning: "} {
		line = strings.TrimPrefix(line, prefix)
	}
	if line = strings.TrimSpace(line); !slices.Contains(h.heard, line) {
		h.heard = append(h.heard, line)
	}
}

// lines returns what was heard.
func (h *hearing) lines() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}
