package progress

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// CI is a service that runs commands and shows what they print, with commands of its own in the log.
type CI string

// The services.
const (
	NoCI CI = "none"
	// GitHub has groups, annotations and a summary:
	// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
	GitHub CI = "github"
	// GitLab has sections: https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections
	GitLab CI = "gitlab"
)

// inCI shows a run in the log of a service: what belongs together folds together, and a hook that fails is an annotation.
type inCI struct {
	View
	ci     CI
	screen *Screen
	// summary is where a table of the hooks is written to, for GitHub; nil nowhere.
	summary io.Writer
	// open is the title of the group that is open; "" where there is none.
	open string
	// runs are the operations of the command: the one that was asked for and, if that has failed, its undo.
	runs []run
}

// run is what is known of an operation.
type run struct {
	// about is its start, and ended its end; nil before that.
	about lifecycle.Event
	ended *lifecycle.Event
	// hooks are those that have ended.
	hooks []lifecycle.Event
}

// hasFailed reports whether the operation has failed, and blames whether it did so for a hook.
func (r run) hasFailed() bool { return r.ended != nil && r.ended.Result == lifecycle.ResultFailed }

func (r run) blames() bool {
	return slices.ContainsFunc(r.hooks, func(event lifecycle.Event) bool { return event.Result == lifecycle.ResultFailed })
}

// InCI returns a view that shows what another view shows, as a service folds and marks it. summary gets a table of the hooks, in
// Markdown, when the view is closed; nil gets none.
func InCI(view View, ci CI, screen *Screen, summary io.Writer) View {
	return &inCI{View: view, ci: ci, screen: screen, summary: summary}
}

// Observe implements View.
func (v *inCI) Observe(event lifecycle.Event) {
	switch event.Type {
	case lifecycle.PhaseStarted:
		v.begin(event.Phase, event.Time)
	case lifecycle.WaveStarted:
		v.begin("apply", event.Time)
	case lifecycle.WaitStarted:
		v.begin("wait", event.Time)
	case lifecycle.OperationStarted:
		v.runs = append(v.runs, run{about: event})
	}
	v.View.Observe(event)
	switch event.Type {
	case lifecycle.HookFinished:
		last := v.last()
		last.hooks = append(last.hooks, event)
	case lifecycle.PhaseFinished, lifecycle.WaitFinished:
		v.end(event.Time)
	case lifecycle.OperationFinished:
		v.end(event.Time)
		v.last().ended = &event
	}
}

// last is the operation that is under way.
func (v *inCI) last() *run {
	if len(v.runs) == 0 {
		v.runs = append(v.runs, run{})
	}
	return &v.runs[len(v.runs)-1]
}

// Close implements View. Annotations come last: inside of a group nobody sees them.
func (v *inCI) Close() {
	v.end(time.Now())
	for _, r := range v.runs {
		if v.ci == GitHub {
			v.annotate(r)
		}
		if v.summary != nil && r.ended != nil {
			// A summary that cannot be written must not end the work that it is about.
			_, _ = io.WriteString(v.summary, r.markdown())
		}
	}
	v.View.Close()
}

// annotate has each hook that failed stand on the page of the run, or what an operation failed for if it was no hook.
func (v *inCI) annotate(r run) {
	for _, event := range r.hooks {
		if event.Result == lifecycle.ResultFailed {
			v.error("hook "+event.Title+" failed", event.Message+logOf(event))
		}
	}
	if r.hasFailed() && !r.blames() {
		v.error(words.Join(" ", string(r.about.Operation), r.about.Release, "failed"), r.ended.Message)
	}
}

func (v *inCI) error(title, message string) {
	v.command(fmt.Sprintf("::error title=%s::%s", escapeProperty(title), escapeData(message)))
}

// begin opens a group, in the place of the one before. Waves that follow each other are one.
func (v *inCI) begin(title string, now time.Time) {
	if v.open == title {
		return
	}
	v.end(now)
	v.open = title
	switch v.ci {
	case GitHub:
		v.command("::group::" + escapeData(title))
	case GitLab:
		v.command(fmt.Sprintf("\x1b[0Ksection_start:%d:%s\r\x1b[0K%s", now.Unix(), sectionName(title), printers.Line(title)))
	}
}

// end closes the group that is open, if one is.
func (v *inCI) end(now time.Time) {
	if v.open == "" {
		return
	}
	switch v.ci {
	case GitHub:
		v.command("::endgroup::")
	case GitLab:
		v.command(fmt.Sprintf("\x1b[0Ksection_end:%d:%s\r\x1b[0K", now.Unix(), sectionName(v.open)))
	}
	v.open = ""
}

func (v *inCI) command(text string) { _ = v.screen.Draw([]string{text}, nil) }

var noSectionName = regexp.MustCompile(`[^a-zA-Z0-9_.-]`)

func sectionName(title string) string {
	return "sherpack_" + noSectionName.ReplaceAllString(title, "_")
}

// escapeData and escapeProperty escape as GitHub's own toolkit does.
func escapeData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(printers.Clean(text))
}

func escapeProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(text))
}

func logOf(event lifecycle.Event) string {
	if event.LogTail == "" {
		return ""
	}
	return "\n" + event.LogTail
}

// markdown is a table of the hooks, and the end of the log of each that has failed.
func (r run) markdown() string {
	var text strings.Builder
	result := "✔"
	if r.hasFailed() {
		result = "✘"
	}
	fmt.Fprintf(&text, "### %s %s %s (revision %d, %s)\n\n", result, r.about.Operation, printers.EscapeMarkdown(r.about.Release), r.about.Revision, words.Duration(elapsed(*r.ended)))
	if len(r.hooks) > 0 {
		text.WriteString("| hook | result | time |\n|---|---|---|\n")
	}
	for _, event := range r.hooks {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", printers.EscapeMarkdown(event.Title), printers.EscapeMarkdown(event.Summary), words.Duration(elapsed(event)))
	}
	for _, event := range r.hooks {
		if event.Result == lifecycle.ResultFailed {
			fmt.Fprintf(&text, "\n%s\n", fenced(event.Title+": "+event.Message, event.LogTail))
		}
	}
	if r.hasFailed() && !r.blames() {
		fmt.Fprintf(&text, "\n%s\n", fenced("Why it failed", r.ended.Message))
	}
	text.WriteString("\n")
	return text.String()
}

// fenced is a text under a heading, as it is; of no text the heading alone.
func fenced(heading, text string) string {
	heading = "**" + printers.EscapeMarkdown(heading) + "**"
	if text == "" {
		return heading
	}
	text = printers.Clean(text)
	fence := printers.Fence(text)
	return heading + "\n\n" + fence + "\n" + text + "\n" + fence
}
