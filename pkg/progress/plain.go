package progress

import (
	"sync"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// heartbeatEvery is after how long without news a line says that the work goes on, and what it waits for.
const heartbeatEvery = 15 * time.Second

// plain writes a line for each change, with the time of it, for logs.
type plain struct {
	screen *Screen
	style  Style
	// verbosity above 0 adds what could not be checked beforehand.
	verbosity int

	mu      sync.Mutex
	model   model
	silence *time.Timer
	closed  bool
}

// NewPlain returns a view that writes lines. A verbosity above 0 adds what the preflight could not submit.
func NewPlain(screen *Screen, style Style, verbosity int) View {
	p := &plain{screen: screen, style: style, verbosity: verbosity}
	p.silence = time.AfterFunc(heartbeatEvery, p.heartbeat)
	return p
}

// Observe implements View.
func (p *plain) Observe(event lifecycle.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.model.Observe(event)
	p.model.ended = nil
	if event.Type == lifecycle.PreflightSkipped && p.verbosity < 1 || p.model.ranNothing(event) {
		return
	}
	text := textOf(event)
	if event.Type == lifecycle.HookLog {
		text = p.style.sourced(p.model.source(event.Title), printers.Line(LogPrefix(event.Title, event.Container))) + " " + printers.Line(event.Message)
		p.writeStyled(event.Time, text)
	} else if text != "" {
		p.write(event.Time, text)
	}
}

// Close implements View.
func (p *plain) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.silence.Stop()
}

func (p *plain) write(now time.Time, text string) {
	p.writeStyled(now, p.style.notice(printers.Line(text)))
}

func (p *plain) writeStyled(now time.Time, text string) {
	p.silence.Reset(heartbeatEvery)
	// What cannot be written must not end the work that it tells of.
	_ = p.screen.Draw([]string{now.Local().Format(time.TimeOnly) + " " + text}, nil)
}

// heartbeat names what runs longest, and why.
func (p *plain) heartbeat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	now := time.Now()
	if text := p.model.slowest(now); text != "" {
		p.write(now, text)
		return
	}
	p.silence.Reset(heartbeatEvery)
}

// slowest says what is under way, and what of it has run longest; "" where nothing is.
func (m *model) slowest(now time.Time) string {
	s := m.open
	if s == nil {
		return ""
	}
	took := short(now.Sub(s.since))
	if m.limit > 0 {
		took += ", " + m.used(now, " of ") + " used"
	}
	text := "still " + s.doing() + " (" + took + ")"
	if s.kind != lifecycle.PhaseStarted {
		text = words.Join(": ", text, s.progress(m.prune))
	}
	if len(s.running) == 0 {
		return text
	}
	if s.kind != lifecycle.PhaseStarted {
		text += "; " + s.running[0].name
	}
	return words.Join(": ", text, s.running[0].text)
}

// doing says what is under way.
func (s *section) doing() string {
	switch s.kind {
	case lifecycle.LockWaiting:
		return "waiting for the lock"
	case lifecycle.WaitStarted:
		return "waiting for " + words.Count(s.total, "object") + " to be ready"
	case lifecycle.DeletionStarted:
		return "waiting for " + words.Count(s.total, "object") + " to be deleted"
	case lifecycle.PreflightStarted:
		return "waiting for the preflight"
	case lifecycle.WaveStarted:
		return "applying objects"
	}
	switch {
	case len(s.running) == 0:
		return "running " + s.name
	case s.running[0].isDeletion:
		return "waiting for " + s.running[0].name + " to be deleted"
	}
	return "running " + s.name + "/" + s.running[0].name
}
