// Package timeline draws what an operation did, and when: as text, as a picture, and as a page to keep. It reaches no cluster.
package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// State is how the work of a bar went.
type State string

// The states of bars.
const (
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Running   State = "running"
	// Interrupted had not ended when the record was written last, and nobody works on it any more.
	Interrupted State = "interrupted"
)

// Bar is a part of an operation as it is drawn.
type Bar struct {
	// Name and Note are one line each, safe to print. Note says more of it, and may be empty.
	Name, Note string
	// Nested says that it is a part of the bar before it that is not.
	Nested     bool
	State      State
	Start, End time.Time
}

// Took is how long it took; ? where nobody knows.
func (b Bar) Took() string {
	if b.State == Interrupted && !b.End.After(b.Start) {
		return "?"
	}
	return words.Duration(b.End.Sub(b.Start))
}

// Chart is an operation as it is drawn.
type Chart struct {
	// Title says what was done to which release.
	Title string
	// Bars are in the order of their beginnings; there may be none.
	Bars []Bar
	// Start and End are those of the whole.
	Start, End time.Time
}

// Elapsed is how long the whole took.
func (c Chart) Elapsed() time.Duration { return c.End.Sub(c.Start) }

// place returns where a moment is in the chart: 0 at its start, 1 at its end.
func (c Chart) place(moment time.Time) float64 {
	if c.Elapsed() <= 0 {
		return 0
	}
	return min(1, max(0, float64(moment.Sub(c.Start))/float64(c.Elapsed())))
}

// Of returns the chart of the operation that last worked on a revision, by its record, as it is now. Of records that have no
// timeline it has the hooks. Tests have no part in it.
func Of(r *release.Release, now time.Time) Chart {
	d := draft{release: r, now: now, isRunning: r.Status.Phase.Pending() && r.Status.Interrupted == ""}
	d.addSpans()
	if len(d.bars) == 0 {
		d.addHooks()
	}
	chart := Chart{Title: printers.Line(title(r)), Bars: d.bars}
	for i, bar := range chart.Bars {
		if i == 0 || bar.Start.Before(chart.Start) {
			chart.Start = bar.Start
		}
		if bar.End.After(chart.End) {
			chart.End = bar.End
		}
	}
	return chart
}

// title says what was done to which release.
func title(r *release.Release) string {
	return fmt.Sprintf("%s of %s/%s, revision %d", cmp.Or(string(r.Status.Operation), "operation"), r.Namespace, r.Name, r.Spec.Revision)
}

// draft is a chart that is made.
type draft struct {
	release   *release.Release
	now       time.Time
	isRunning bool
	bars      []Bar
}

// addSpans adds the spans of the record.
func (d *draft) addSpans() {
	spans := d.release.Status.Timeline
	last := lastMoment(spans)
	isOpen := false
	for i, span := range spans {
		bar := Bar{
			Name: printers.Line(nameOf(span)), Note: printers.Line(d.note(span)), Nested: span.Kind == release.SpanHook,
			State: Succeeded, Start: span.StartedAt.Time,
		}
		end := span.FinishedAt
		if end == nil && span.Kind == release.SpanPhase {
			end = endOfHooks(spans[i+1:])
		}
		switch {
		case end != nil:
			bar.End = end.Time
			if span.Result == release.SpanFailed {
				bar.State = Failed
			}
		case d.isRunning:
			bar.State, bar.End, isOpen = Running, d.now, true
		default:
			bar.State, bar.End, isOpen = Interrupted, last, true
		}
		d.bars = append(d.bars, bar)
	}
	if len(spans) == 0 || isOpen || spans[len(spans)-1].Result == release.SpanFailed {
		return
	}
	d.addUnrecorded(last)
}

// nameOf names a span. A hook stands below its phase.
func nameOf(span release.Span) string {
	if _, name, found := strings.Cut(span.Name, "/"); found && span.Kind == release.SpanHook {
		return name
	}
	return span.Name
}

// addUnrecorded adds what came after the last write of the record, which is not known.
func (d *draft) addUnrecorded(since time.Time) {
	switch {
	case d.isRunning:
		d.bars = append(d.bars, Bar{Name: "in progress", Note: "its record comes with the next hook or the end", State: Running, Start: since, End: d.now})
	case d.release.Status.Interrupted != "":
		d.bars = append(d.bars, Bar{Name: "interrupted", Note: "what was done after this is not on record", State: Interrupted, Start: since, End: since})
	}
}

// lastMoment is the last time that spans name.
func lastMoment(spans []release.Span) (last time.Time) {
	for _, span := range spans {
		if span.StartedAt.After(last) {
			last = span.StartedAt.Time
		}
		if span.FinishedAt != nil && span.FinishedAt.After(last) {
			last = span.FinishedAt.Time
		}
	}
	return last
}

// endOfHooks is when the hooks of a phase had ended that has no end on record; nil where one had not, or there are none. following
// are the spans after that of the phase.
func endOfHooks(following []release.Span) *metav1.MicroTime {
	var end *metav1.MicroTime
	for _, span := range following {
		if span.Kind != release.SpanHook {
			break
		}
		if end = span.FinishedAt; end == nil {
			return nil
		}
	}
	return end
}

// note says more of a span: what became of its objects, or how its hook went.
func (d *draft) note(span release.Span) string {
	switch span.Kind {
	case release.SpanHook:
		for _, h := range d.release.Status.Hooks {
			if h.Title == span.Name {
				return hookNote(h)
			}
		}
	case release.SpanPhase:
		return counted(span.Count, "hook")
	case release.SpanApply, release.SpanDelete, release.SpanGiveBack, release.SpanHandOver, release.SpanWait:
		if len(span.Counts) > 0 {
			return counts(span.Counts)
		}
		return counted(span.Count, "object")
	case release.SpanLock, release.SpanPreflight, release.SpanLeftover:
	}
	return ""
}

func counted(number int, noun string) string {
	if number == 0 {
		return ""
	}
	return words.Count(number, noun)
}

// counts lists what became of objects: 3 created, 2 unchanged.
func counts(results map[string]int) string {
	parts := make([]string, 0, len(results))
	for _, result := range slices.Sorted(maps.Keys(results)) {
		parts = append(parts, fmt.Sprintf("%d %s", results[result], result))
	}
	return strings.Join(parts, ", ")
}

// hookNote says how a hook went that did not simply succeed.
func hookNote(h release.Hook) string {
	attempts := ""
	if h.Attempts > 1 {
		attempts = words.Count(h.Attempts, "attempt")
	}
	return words.Join(", ", h.Detail(), attempts)
}

// addHooks adds the hooks of a record that has no timeline.
func (d *draft) addHooks() {
	for _, h := range d.release.Status.Hooks {
		if h.StartedAt == nil || h.Phase == string(hook.Test) {
			continue
		}
		bar := Bar{Name: printers.Line(h.Title), Note: printers.Line(hookNote(h)), State: Succeeded, Start: h.StartedAt.Time}
		bar.End = bar.Start.Add(h.Elapsed())
		switch {
		case h.State == release.HookRunning && d.isRunning:
			bar.State, bar.End = Running, d.now
		case h.FinishedAt == nil:
			bar.State = Interrupted
		case h.State == release.HookFailed:
			bar.State = Failed
		}
		d.bars = append(d.bars, bar)
	}
	slices.SortStableFunc(d.bars, func(a, b Bar) int { return a.Start.Compare(b.Start) })
}
