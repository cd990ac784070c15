package timeline

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

//go:embed page.html
var pageText string

// Page writes what is on record of a revision as one page to keep: what became of it, its timeline, its hooks with the ends of their
// logs, what has changed, and its objects. It needs nothing from elsewhere and runs no script; all text in it is escaped.
func Page(out io.Writer, r *release.Release, now time.Time) error {
	page, err := template.New("page").Funcs(template.FuncMap{
		"clean": printers.Clean, "duration": words.Duration, "time": shownTime, "counts": counts, "percent": percent,
		"count": words.Count, "title": changeTitle,
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("reading the page: %w", err)
	}
	chart := Of(r, now)
	return page.Execute(out, pageData{Release: r, Chart: chart, Ticks: chart.pageTicks(), Bars: chart.pageBars(), Now: now})
}

// pageData is what the page shows.
type pageData struct {
	Release *release.Release
	Chart   Chart
	Bars    []pageBar
	Ticks   []pageTick
	Now     time.Time
}

// Class is how the whole went, as the page colours it.
func (p pageData) Class() State {
	switch phase := p.Release.Status.Phase; {
	case p.Release.Status.Interrupted != "":
		return Interrupted
	case phase == release.Failed:
		return Failed
	case phase.Pending():
		return Running
	}
	return Succeeded
}

// Named are the changes whose objects are shown.
func (p pageData) Named() []release.Change {
	return slices.DeleteFunc(slices.Clone(p.Release.Status.Changes), func(change release.Change) bool { return change.Result == release.ChangeNone })
}

// ChangeCounts is what became of objects in one line: 3 created, 2 unchanged.
func (p pageData) ChangeCounts() string {
	var parts []string
	for _, change := range p.Release.Status.Changes {
		parts = append(parts, fmt.Sprintf("%d %s", change.Count, changeWord(change.Result)))
	}
	return strings.Join(parts, ", ")
}

// IsOpen reports whether what is on record may not be all that the operation has done.
func (p pageData) IsOpen() bool {
	return slices.ContainsFunc(p.Chart.Bars, func(bar Bar) bool { return bar.State == Running || bar.State == Interrupted })
}

// IsLong reports whether a change has more objects than are shown at once.
func (pageData) IsLong(change release.Change) bool { return change.Count > 20 }

// changeWord is what was done to objects as a page says it.
func changeWord(result release.ChangeResult) string {
	if result == release.ChangeConfigured {
		return "changed"
	}
	return string(result)
}

// changeTitle is the same at the beginning of a line.
func changeTitle(result release.ChangeResult) string { return words.Capital(changeWord(result)) }

// CountedSpans are the spans that say how many objects became what, of a record that does not say which objects they are.
func (p pageData) CountedSpans() []release.Span {
	if len(p.Release.Status.Changes) > 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Release.Status.Timeline), func(span release.Span) bool { return len(span.Counts) == 0 })
}

// RunLink is the address of the CI run if it is one that may be followed; else "".
func (p pageData) RunLink() string {
	if made := p.Release.Spec.Provenance; made != nil && (strings.HasPrefix(made.Run, "https://") || strings.HasPrefix(made.Run, "http://")) {
		return made.Run
	}
	return ""
}

// pageBar is a bar with its place in percent of the whole.
type pageBar struct {
	Bar
	Left, Width float64
}

func (c Chart) pageBars() []pageBar {
	const least = 0.4
	bars := make([]pageBar, len(c.Bars))
	for i, bar := range c.Bars {
		left := min(100*c.place(bar.Start), 100-least)
		bars[i] = pageBar{Bar: bar, Left: left, Width: max(least, 100*c.place(bar.End)-left)}
	}
	return bars
}

// pageTick is a time on the axis, in percent of the whole.
type pageTick struct {
	Left float64
	Text string
}

func (c Chart) pageTicks() []pageTick {
	// One at the very end has no room for its text.
	const last = 97
	var ticks []pageTick
	for _, tick := range c.ticks() {
		if left := 100 * float64(tick) / float64(max(1, c.Elapsed())); left <= last {
			ticks = append(ticks, pageTick{left, words.Duration(tick)})
		}
	}
	return ticks
}

func percent(part float64) string { return fmt.Sprintf("%.2f", part) }

func shownTime(moment *metav1.Time) string {
	if moment == nil {
		return ""
	}
	return moment.UTC().Format("2006-01-02 15:04:05 UTC")
}

// HookClass is how a hook went, as the page colours it.
func (pageData) HookClass(h release.Hook) State {
	return map[release.HookState]State{release.HookSucceeded: Succeeded, release.HookFailed: Failed, release.HookRunning: Running}[h.State]
}

// Operation is what was done.
func (p pageData) Operation() string { return cmp.Or(string(p.Release.Status.Operation), "operation") }
