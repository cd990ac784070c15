// Package progress shows a run on the error stream while it goes on: as a view that is drawn in place on a terminal, as lines for logs,
// or as JSON for programs.
package progress

import (
	"sync"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// View shows a run while it goes on.
type View interface {
	// Observe takes in an event.
	Observe(event lifecycle.Event)
	// Close shows what has not been shown, and leaves the stream to others. What is observed after it is lost.
	Close()
}

const (
	// frameEvery is the least time between two frames.
	frameEvery = 100 * time.Millisecond
	// tick is how often what runs is drawn anew though nothing has happened: its time goes on.
	tick = time.Second
)

// live draws a run in place on a terminal.
type live struct {
	screen *Screen
	style  Style

	mu    sync.Mutex
	model model
	// happened tells the painter that there is something new.
	happened chan struct{}
	stop     chan struct{}
	stopped  chan struct{}
}

// NewLive returns a view that draws on a screen, until Close.
func NewLive(screen *Screen, style Style) View {
	l := &live{
		screen: screen, style: style,
		happened: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	screen.Refresh(func() { l.draw(true) })
	go l.paint()
	return l
}

// Observe implements View.
func (l *live) Observe(event lifecycle.Event) {
	l.mu.Lock()
	l.model.Observe(event)
	l.mu.Unlock()
	select {
	case l.happened <- struct{}{}:
	default:
	}
}

// Close implements View: the last frame goes, what has ended stays.
func (l *live) Close() {
	l.screen.Refresh(nil)
	close(l.stop)
	<-l.stopped
	l.mu.Lock()
	// What has not ended by now has not come to a good end: the lock, for one.
	l.model.close(time.Now(), lifecycle.ResultFailed)
	l.mu.Unlock()
	l.draw(false)
}

// paint draws whenever something has happened, and every second.
func (l *live) paint() {
	defer close(l.stopped)
	every := time.NewTicker(tick)
	defer every.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-every.C:
		case <-l.happened:
		}
		l.draw(true)
		// What happens meanwhile is drawn together.
		select {
		case <-l.stop:
			return
		case <-time.After(frameEvery):
		}
	}
}

// draw prints what has ended, and below it, where withFrame says so, what is under way.
func (l *live) draw(withFrame bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	width, height := l.screen.Size()
	var frame []string
	stay := l.model.takeEnded(width, l.style)
	if withFrame {
		frame = l.model.frame(time.Now(), width, height, l.style)
	}
	// A terminal that cannot be written to must not end the work that is shown on it.
	_ = l.screen.Draw(stay, frame)
}
