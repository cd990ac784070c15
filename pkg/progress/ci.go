package progress

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/printers"
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
	// hooks are those that have ended.
	hooks []lifecycle.Event
	about lifecycle.Event
	ended *lifecycle.Event
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
		v.about = event
	}
	v.View.Observe(event)
	switch event.Type {
	case lifecycle.HookFinished:
		v.hooks = append(v.hooks, event)
	case lifecycle.PhaseFinished, lifecycle.WaitFinished:
		v.end(event.Time)
	case lifecycle.OperationFinished:
		v.end(event.Time)
		v.ended = &event
	}
}

// Close implements View. Annotations come last: inside of a group nobody sees them.
func (v *inCI) Close() {
	v.end(time.Now())
	for _, event := range v.hooks {
		if event.Result == lifecycle.ResultFailed && v.ci == GitHub {
			v.command(fmt.Sprintf("::error title=%s::%s", escapeProperty("hook "+event.Title+" failed"), escapeData(event.Message+logOf(event))))
		}
	}
	if v.summary != nil && v.ended != nil {
		// A summary that cannot be written must not end the work that it is about.
		_, _ = io.WriteString(v.summary, v.markdown())
	}
	v.View.Close()
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
func (v *inCI) markdown() string {
	var text strings.Builder
	result := "✔"
	if v.ended.Result == lifecycle.ResultFailed {
		result = "✘"
	}
	fmt.Fprintf(&text, "### %s %s %s (revision %d, %s)\n\n", result, v.about.Operation, cell(v.about.Release), v.about.Revision, seconds(v.ended.ElapsedMS))
	if len(v.hooks) > 0 {
		text.WriteString("| hook | result | time |\n|---|---|---|\n")
	}
	for _, event := range v.hooks {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", cell(event.Title), cell(event.Summary), seconds(event.ElapsedMS))
	}
	for _, event := range v.hooks {
		if event.Result == lifecycle.ResultFailed {
			fmt.Fprintf(&text, "\n%s\n", fenced(cell(event.Title)+": "+cell(event.Message), event.LogTail))
		}
	}
	if v.ended.Result == lifecycle.ResultFailed {
		fmt.Fprintf(&text, "\n%s\n", fenced("Why it failed", v.ended.Message))
	}
	text.WriteString("\n")
	return text.String()
}

// cell makes of a text one that stands in a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "\\`").Replace(printers.Line(text))
}

// fenced is a text under a heading, as it is: no fence in it ends it.
func fenced(heading, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if text == "" {
		return "**" + heading + "**"
	}
	return "**" + heading + "**\n\n" + fence + "\n" + printers.Clean(text) + "\n" + fence
}
