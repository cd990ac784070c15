package progress

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// entry is a line of the view: what it is about, how it goes, and how long.
type entry struct {
	// depth is how far it is indented: 0 is a heading.
	depth int
	mark  Mark
	name  string
	text  string
	// place is which hook of its phase it is, where there are several; it is shown while there is no text.
	place string
	// prefix says where a line of a log is from, and source is the number of its hook, which has a colour of its own.
	prefix string
	source int
	// isDeletion says that it is an object that is being deleted.
	isDeletion bool
	// since is when it began, for one that runs; elapsed how long it took, for one that has ended.
	since   time.Time
	elapsed time.Duration
}

// section is a part of a run that is shown under one heading.
type section struct {
	entry
	kind lifecycle.EventType
	// total is how many things it is about, and done how many of them have come to their end.
	total, done int
	// ready are the objects of a wait that are ready now, or not waited for: one may stop being ready before all are.
	ready map[lifecycle.EventObject]bool
	// results counts what became of objects, in the order in which the results were seen first.
	results []resultCount
	// running are the entries that have not come to their end, in the order of their beginning.
	running []*entry
	// headed says that the heading is printed already, above what has ended.
	headed bool
}

type resultCount struct {
	result lifecycle.Result
	count  int
}

// model is what is known of a run, from its events.
type model struct {
	// open is the section that is under way; nil between sections.
	open *section
	// ended are lines that stay, and have not been printed.
	ended []entry
	// limit is how long the operation, or waiting for the lock, may take; 0 is no limit. begun is when that time began to run.
	limit time.Duration
	begun time.Time
	// failed says that an operation of this command has failed: what comes is its undo.
	failed bool
	// prune is how many objects will be deleted at the end.
	prune int
	// sources are the titles of hooks whose logs were shown, in the order of their first lines.
	sources []string
	// ran says that a hook was started.
	ran bool
}

// ranNothing reports whether an event is the end of tests of which there were none. That is told without a time.
func (m *model) ranNothing(end lifecycle.Event) bool {
	return end.Type == lifecycle.OperationFinished && end.Operation == release.OperationTest && !m.ran
}

// Observe takes in an event.
func (m *model) Observe(event lifecycle.Event) {
	switch event.Type {
	case lifecycle.LockWaiting:
		m.lock(event)
	case lifecycle.LockAcquired:
		if m.open != nil {
			m.open.text = "acquired"
		}
		m.close(event.Time, lifecycle.ResultSucceeded)
		m.limit = 0
	case lifecycle.OperationStarted:
		m.begin(event)
	case lifecycle.OperationFinished:
		m.close(event.Time, lifecycle.ResultSucceeded)
		m.limit = 0
		m.failed = event.Result == lifecycle.ResultFailed
		if text := doneIn(event); text != "" && !m.ranNothing(event) {
			m.ended = append(m.ended, entry{text: text})
		}
	case lifecycle.PreflightStarted:
		m.start(event, "preflight", event.Message)
	case lifecycle.PhaseStarted:
		m.start(event, event.Phase, "")
	case lifecycle.WaitStarted:
		m.start(event, "wait", "")
	case lifecycle.WaveStarted:
		m.startWave(event)
	case lifecycle.PreflightFinished, lifecycle.PhaseFinished, lifecycle.WaitFinished:
		m.close(event.Time, event.Result)
	case lifecycle.WaveFinished:
		if event.Result == lifecycle.ResultFailed {
			m.close(event.Time, event.Result)
		}
	case lifecycle.HookStarted, lifecycle.HookProgress, lifecycle.HookFinished, lifecycle.HookSkipped:
		m.hook(event)
	case lifecycle.ObjectApplied, lifecycle.ObjectDeleted, lifecycle.ObjectKept, lifecycle.ObjectGivenBack, lifecycle.ObjectHandedOver:
		m.object(event)
	case lifecycle.DeletionStarted, lifecycle.DeletionProgress, lifecycle.DeletionFinished:
		m.deletion(event)
	case lifecycle.WaitProgress:
		m.wait(event)
	case lifecycle.HookLog:
		if m.open != nil && m.open.kind == lifecycle.PhaseStarted {
			m.head()
		}
		m.ended = append(m.ended, entry{
			prefix: LogPrefix(event.Title, event.Container), source: m.source(event.Title), text: event.Message,
		})
	case lifecycle.Warning:
		m.ended = append(m.ended, entry{text: "warning: " + event.Message})
	}
}

// lock shows who holds the lock that is waited for.
func (m *model) lock(event lifecycle.Event) {
	if m.open == nil || m.open.kind != lifecycle.LockWaiting {
		m.start(event, "lock", "")
		m.limit, m.begun = time.Duration(event.TimeoutMS)*time.Millisecond, event.Time
	}
	m.open.text = event.Summary
}

func (m *model) begin(event lifecycle.Event) {
	m.limit, m.prune = time.Duration(event.TimeoutMS)*time.Millisecond, event.Prune
	m.begun = event.Time.Add(-elapsed(event))
	if m.failed {
		m.ended = append(m.ended, entry{name: "rolling back"})
	}
}

// start opens a section in the place of the one before.
func (m *model) start(event lifecycle.Event, title, text string) {
	m.close(event.Time, lifecycle.ResultSucceeded)
	m.open = &section{
		kind: event.Type, total: event.Count, entry: entry{mark: Running, name: title, text: text, since: event.Time},
	}
}

// startWave opens a section for a wave, or has the one before go on: to people, waves that follow each other are one thing.
func (m *model) startWave(event lifecycle.Event) {
	if m.open != nil && m.open.kind == lifecycle.WaveStarted {
		m.open.total += event.Count
		return
	}
	m.start(event, "apply", "")
}

// close ends the open section, if there is one. What still runs in it has not come to a good end.
func (m *model) close(now time.Time, result lifecycle.Result) {
	s := m.open
	if s == nil {
		return
	}
	m.open = nil
	heading := s.entry
	heading.mark, heading.elapsed, heading.since = Succeeded, now.Sub(s.since), time.Time{}
	if result == lifecycle.ResultFailed {
		heading.mark = Failed
	}
	heading.text = s.summary(m.prune)
	if !s.headed && (s.kind != lifecycle.PhaseStarted || len(s.running) > 0) {
		m.ended = append(m.ended, heading)
	}
	for _, left := range s.running {
		left.mark, left.elapsed, left.since = heading.mark, now.Sub(left.since), time.Time{}
		m.ended = append(m.ended, *left)
	}
}

// source is the number of a hook among those whose logs were shown.
func (m *model) source(title string) int {
	if !slices.Contains(m.sources, title) {
		m.sources = append(m.sources, title)
	}
	return slices.Index(m.sources, title)
}

// summary is what a heading says beside its name.
func (s *section) summary(prune int) string {
	switch s.kind {
	case lifecycle.PhaseStarted:
		return ""
	case lifecycle.PreflightStarted, lifecycle.LockWaiting:
		return s.text
	case lifecycle.WaitStarted:
		if s.done == s.total {
			return words.Count(s.total, "object") + " ready"
		}
		return fmt.Sprintf("%d of %d not ready", s.total-s.done, s.total)
	}
	parts := make([]string, 0, len(s.results)+1)
	for _, r := range s.results {
		parts = append(parts, fmt.Sprintf("%d %s", r.count, r.result))
	}
	if prune > 0 && s.kind == lifecycle.WaveStarted {
		parts = append(parts, fmt.Sprintf("%d to prune later", prune))
	}
	return strings.Join(parts, ", ")
}

// hook takes in an event about a hook.
func (m *model) hook(event lifecycle.Event) {
	phase, name, found := strings.Cut(event.Title, "/")
	if !found {
		phase, name = "", event.Title
	}
	if event.Type == lifecycle.HookSkipped {
		m.ended = append(m.ended, entry{mark: Skipped, name: event.Title, text: "skipped"})
		return
	}
	if m.open == nil {
		m.start(event, cmp.Or(event.Phase, phase), "")
		m.open.kind = lifecycle.PhaseStarted
	}
	running := m.open.item(name, event.Time)
	switch event.Type {
	case lifecycle.HookStarted:
		m.ran = true
		running.place = strings.Trim(ofMany(event), " ()")
	case lifecycle.HookProgress:
		running.text = words.Join(": ", event.Reason, event.Message)
	case lifecycle.HookFinished:
		m.head()
		m.open.done++
		m.open.end(running)
		running.mark, running.text = Succeeded, ""
		if event.Result == lifecycle.ResultFailed {
			running.mark, running.text = Failed, event.Summary
		}
		running.elapsed, running.since = elapsed(event), time.Time{}
		m.ended = append(m.ended, *running)
	}
}

// head prints the heading of the open section, where that is not done: what has ended stands below it.
func (m *model) head() {
	if m.open.headed {
		return
	}
	m.open.headed = true
	m.ended = append(m.ended, entry{name: m.open.name})
}

// item returns the entry of a name that runs; a new one where there is none.
func (s *section) item(name string, now time.Time) *entry {
	at := slices.IndexFunc(s.running, func(e *entry) bool { return e.name == name })
	if at >= 0 {
		return s.running[at]
	}
	s.running = append(s.running, &entry{depth: 1, mark: Running, name: name, since: now})
	return s.running[len(s.running)-1]
}

// end takes an entry off those that run.
func (s *section) end(ended *entry) {
	s.running = slices.DeleteFunc(s.running, func(e *entry) bool { return e == ended })
}

// object takes in what became of an object. What is remarkable about it gets a line. What is deleted before and after a hook is part
// of it.
func (m *model) object(event lifecycle.Event) {
	if m.open != nil && event.Type == lifecycle.ObjectDeleted {
		m.open.drop(shortName(event))
	}
	if m.open != nil && m.open.kind == lifecycle.PhaseStarted {
		return
	}
	if m.open == nil || m.open.kind != event.Type && m.open.kind != lifecycle.WaveStarted && m.open.kind != lifecycle.DeletionStarted {
		titles := map[lifecycle.EventType]string{
			lifecycle.ObjectApplied: "apply", lifecycle.ObjectDeleted: "delete", lifecycle.ObjectKept: "keep", lifecycle.ObjectGivenBack: "give back",
			lifecycle.ObjectHandedOver: "hand over",
		}
		m.start(event, titles[event.Type], "")
	}
	if m.open.kind != lifecycle.DeletionStarted || event.Type == lifecycle.ObjectDeleted {
		m.open.done++
	}
	m.open.count(event.Result)
	if event.Message != "" && event.Result != lifecycle.ResultFailed {
		m.ended = append(m.ended, entry{depth: 1, name: shortName(event), text: string(event.Result) + ": " + event.Message})
	}
}

// count counts what became of an object.
func (s *section) count(result lifecycle.Result) {
	at := slices.IndexFunc(s.results, func(r resultCount) bool { return r.result == result })
	if at < 0 {
		s.results = append(s.results, resultCount{result: result})
		at = len(s.results) - 1
	}
	s.results[at].count++
}

// deletion takes in how far deletions are. Those that follow each other are one thing to people, and those of a wave or of hooks are
// part of that.
func (m *model) deletion(event lifecycle.Event) {
	switch {
	case event.Type == lifecycle.DeletionStarted && m.open != nil && m.open.kind == lifecycle.DeletionStarted:
		m.open.total += event.Count
	case event.Type == lifecycle.DeletionStarted && (m.open == nil || m.open.kind != lifecycle.PhaseStarted && m.open.kind != lifecycle.WaveStarted):
		m.start(event, "delete", "")
	case m.open == nil:
	case event.Type == lifecycle.DeletionFinished && event.Result == lifecycle.ResultFailed && m.open.kind == lifecycle.DeletionStarted:
		m.close(event.Time, event.Result)
	case event.Type == lifecycle.DeletionProgress && event.Result == lifecycle.ResultDeleted:
		m.open.drop(shortName(event))
		m.open.done++
		m.open.count(event.Result)
	case event.Type == lifecycle.DeletionProgress:
		item := m.open.item(shortName(event), event.Time)
		item.text, item.isDeletion = event.Message, true
	}
}

// drop takes what is being deleted off what runs.
func (s *section) drop(name string) {
	s.running = slices.DeleteFunc(s.running, func(e *entry) bool { return e.isDeletion && e.name == name })
}

// wait takes in how far an object is from being ready.
func (m *model) wait(event lifecycle.Event) {
	if m.open == nil {
		return
	}
	s, item := m.open, m.open.item(shortName(event), event.Time)
	isReady := event.Result == lifecycle.ResultReady || event.Result == lifecycle.ResultSkipped
	switch {
	case isReady:
		s.end(item)
	case event.Result == lifecycle.ResultFailed:
		item.mark, item.text = Failed, event.Message
	default:
		item.text = event.Summary
	}
	s.countReady(*event.Object, isReady)
}

// countReady notes whether an object is ready. The same may be told of it any number of times.
func (s *section) countReady(object lifecycle.EventObject, isReady bool) {
	if s.ready == nil {
		s.ready = map[lifecycle.EventObject]bool{}
	}
	delete(s.ready, object)
	if isReady {
		s.ready[object] = true
	}
	s.done = len(s.ready)
}

// shortName is an object as people write it. A group is left out: there is little room.
func shortName(event lifecycle.Event) string {
	kind, name, _ := strings.Cut(objectName(event), "/")
	kind, _, _ = strings.Cut(kind, ".")
	return kind + "/" + name
}

// progress is what the heading of an open section says beside its name.
func (s *section) progress(prune int) string {
	switch {
	case (s.kind == lifecycle.WaveStarted || s.kind == lifecycle.DeletionStarted) && s.done < s.total:
		return fmt.Sprintf("%d of %d", s.done, s.total)
	case s.kind == lifecycle.PhaseStarted && s.total > 1:
		return fmt.Sprintf("%d of %d", min(s.done+1, s.total), s.total)
	}
	return s.summary(prune)
}
