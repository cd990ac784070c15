package printers

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// Live is how an object of a release is right now.
type Live struct {
	// Condition is one word, such as Ready.
	Condition string
	// Message and Reasons say why; they may be empty.
	Message string
	Reasons []string
	// Created is when it was created; zero where that is not known.
	Created time.Time
}

// StatusView is what is shown of a release.
type StatusView struct {
	Release *release.Release
	// RolledBack says what a failure was rolled back to that the revision is about; "" where it is about none.
	RolledBack string
	// Live is how the resources of the release are, in their order; nil where nobody has asked.
	Live []Live
	// Wide shows more of each hook and resource.
	Wide bool
	Now  time.Time
}

// Status writes a release as people read it: what it is, how its hooks and tests went, and how that is which it has on the cluster.
func Status(out io.Writer, view StatusView) error {
	if err := view.writeFields(out); err != nil {
		return err
	}
	var rest strings.Builder
	view.writeHooks(&rest)
	view.writeResources(&rest)
	_, err := io.WriteString(out, rest.String())
	return err
}

func (v StatusView) writeFields(out io.Writer) error {
	r := v.Release
	text := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(text, "%s:\t%s\n", name, Line(value))
		}
	}
	field("Name", r.Name)
	field("Namespace", r.Namespace)
	field("Pack", r.Spec.Pack.String())
	field("App Version", r.Spec.Pack.AppVersion)
	field("Revision", revision(r))
	if r.Spec.FromHelm != 0 {
		field("From Helm", fmt.Sprintf("revision %d", r.Spec.FromHelm))
	}
	field("Status", phase(r))
	field("Message", r.Status.Message)
	field("Rolled Back", v.RolledBack)
	field("Started", at(r.Status.StartedAt, v.Now))
	field("Finished", at(r.Status.FinishedAt, v.Now))
	field("Tests", tests(r.Status.Hooks, v.Now))
	field("Ready", v.ready())
	if made := r.Spec.Provenance; v.Wide && made != nil {
		field("Description", r.Spec.Description)
		field("User", made.User)
		field("Host", made.Host)
		field("Run", made.Run)
		if made.Commit != "" {
			field("Commit", commit(*made))
		}
		field("Pack Digest", made.Digest)
	}
	return text.Flush()
}

// isReady is the condition of what there is nothing to say about.
const isReady = "Ready"

// ready counts the resources that are ready; "" where nobody has asked. Those of hooks do not count: how they went is told of the
// hooks.
func (v StatusView) ready() string {
	ready, all := 0, 0
	for i, live := range v.Live {
		if v.isHook(i) {
			continue
		}
		if all++; live.Condition == isReady {
			ready++
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %s", ready, words.Count(all, "resource"))
}

// isHook reports whether a resource of the revision is that of a hook.
func (v StatusView) isHook(i int) bool {
	resources := v.Release.Status.Resources
	return i < len(resources) && resources[i].Role != release.Regular
}

// tests says how the last test run went, and when; "" where there was none.
func tests(hooks []release.Hook, now time.Time) string {
	text, last := TestResult(hooks), time.Time{}
	for _, h := range hooks {
		if hasTested(h) && h.FinishedAt != nil && h.FinishedAt.After(last) {
			last = h.FinishedAt.Time
		}
	}
	if text != "" && !last.IsZero() {
		text += fmt.Sprintf(" (%s ago)", age(last, now))
	}
	return text
}

// TestResult says how the last test run went: 2 tests succeeded, 1 of 2 tests failed; "" where there was none.
func TestResult(hooks []release.Hook) string {
	ran, failed := 0, 0
	for _, h := range hooks {
		if !hasTested(h) {
			continue
		}
		if ran++; h.State == release.HookFailed {
			failed++
		}
	}
	switch {
	case ran == 0:
		return ""
	case failed > 0:
		return fmt.Sprintf("%d of %s failed", failed, words.Count(ran, "test"))
	}
	return words.Count(ran, "test") + " succeeded"
}

// hasTested reports whether a hook is a test that has run.
func hasTested(h release.Hook) bool {
	return h.Phase == string(hook.Test) && (h.State == release.HookSucceeded || h.State == release.HookFailed)
}

// phase shows the phase, and of a pending one whether its operation was interrupted.
func phase(r *release.Release) string {
	if r.Status.Phase.Pending() && r.Status.Interrupted != "" {
		return string(r.Status.Phase) + " (interrupted)"
	}
	return string(r.Status.Phase)
}

// revision shows the number, and which revision is deployed when it is another.
func revision(r *release.Release) string {
	number := fmt.Sprint(r.Spec.Revision)
	if deployed := r.Status.DeployedRevision; deployed != 0 && deployed != r.Spec.Revision {
		number += fmt.Sprintf(" (deployed: %d)", deployed)
	}
	return number
}

func at(moment *metav1.Time, now time.Time) string {
	if moment == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s ago)", moment.UTC().Format(time.RFC3339), age(moment.Time, now))
}

// columns are lines that begin with a text and go on in columns, where these are wanted.
type columns struct {
	*tabwriter.Writer
	wide bool
}

func (v StatusView) columns(out *strings.Builder) columns {
	return columns{tabwriter.NewWriter(out, 0, 8, 2, ' ', 0), v.Wide}
}

func (c columns) Line(text string, cells ...string) {
	if c.wide {
		text = strings.Join(append([]string{text}, cells...), "\t")
	}
	fmt.Fprintln(c, text)
}

func (v StatusView) writeHooks(out *strings.Builder) {
	if len(v.Release.Status.Hooks) == 0 {
		return
	}
	table := v.columns(out)
	table.Line("Hooks:", "ATTEMPTS", "STARTED", "DURATION", "REASON")
	for _, h := range v.Release.Status.Hooks {
		table.Line(fmt.Sprintf("  %s: %s", Line(h.Title), Line(h.Summary())), v.hookCells(h)...)
		if !v.Wide {
			// What stands below is no part of the columns.
			_ = table.Flush()
			v.writeHook(out, h)
		}
	}
	_ = table.Flush()
	if v.Wide {
		v.writeFailures(out)
		return
	}
	v.writeDurations(out)
}

// writeDurations writes how long hooks took. Their own lines are complete: programs and people compare them.
func (v StatusView) writeDurations(out *strings.Builder) {
	table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	heading := "Durations:\n"
	for _, h := range v.Release.Status.Hooks {
		took := v.took(h)
		if took == "" {
			continue
		}
		if h.State == release.HookRunning {
			took += " so far"
		}
		if h.Attempts > 1 {
			took += ", " + words.Count(h.Attempts, "attempt")
		}
		fmt.Fprintf(table, "%s  %s\t%s\n", heading, Line(h.Title), took)
		heading = ""
	}
	_ = table.Flush()
}

// writeFailures writes below the columns how hooks failed.
func (v StatusView) writeFailures(out *strings.Builder) {
	for _, h := range v.Release.Status.Hooks {
		if h.State == release.HookFailed && h.Message+h.LogTail != "" {
			fmt.Fprintf(out, "Hook %s:\n", Line(h.Title))
			v.writeHook(out, h)
		}
	}
}

func (v StatusView) hookCells(h release.Hook) []string {
	started := "<none>"
	if h.StartedAt != nil {
		started = age(h.StartedAt.Time, v.Now) + " ago"
	}
	return []string{fmt.Sprint(h.Attempts), started, cmp.Or(v.took(h), "<none>"), Line(cmp.Or(h.Reason, "<none>"))}
}

// took is how long a hook took, or has been running; "" where that is not known.
func (v StatusView) took(h release.Hook) string {
	elapsed := h.Elapsed()
	if h.State == release.HookRunning && h.StartedAt != nil {
		elapsed = v.Now.Sub(h.StartedAt.Time)
	}
	if elapsed <= 0 {
		return ""
	}
	return words.Duration(elapsed)
}

// writeHook writes what stands below the line of a hook.
func (StatusView) writeHook(out *strings.Builder, h release.Hook) {
	if h.State != release.HookFailed {
		return
	}
	if h.Message != "" {
		out.WriteString(indented("    ", h.Message))
	}
	if h.LogNote != "" {
		out.WriteString(indented("    ", "note: "+Line(h.LogNote)))
	}
	if h.LogTail != "" {
		out.WriteString(indented("    | ", h.LogTail))
	}
}

func (v StatusView) writeResources(out *strings.Builder) {
	resources := v.Release.Status.Resources
	if len(resources) == 0 {
		return
	}
	table := v.columns(out)
	table.Line("Resources:", "READY", "AGE", "ROLE", "ORIGIN", "MESSAGE")
	for i, resource := range resources {
		name := resource.Kind + "/" + resource.Name
		if resource.Namespace != "" && resource.Namespace != v.Release.Namespace {
			name += " (namespace " + resource.Namespace + ")"
		}
		live := Live{}
		if i < len(v.Live) {
			live = v.Live[i]
		}
		table.Line("  "+Line(name), v.resourceCells(resource, live)...)
		if !v.Wide {
			_ = table.Flush()
			if !v.isHook(i) {
				live.writeWhy(out)
			}
		}
	}
	_ = table.Flush()
}

// writeWhy writes below an object how it is, where it is not simply ready, and why.
func (l Live) writeWhy(out *strings.Builder) {
	if l.Condition == "" || l.Condition == isReady && l.Message == "" {
		return
	}
	for _, line := range append([]string{words.Join(": ", l.Condition, l.Message)}, l.Reasons...) {
		out.WriteString(indented("    ", line))
	}
}

func (v StatusView) resourceCells(resource release.Resource, live Live) []string {
	created := "<unknown>"
	if !live.Created.IsZero() {
		created = age(live.Created, v.Now)
	}
	return []string{
		Line(cmp.Or(live.Condition, "<unknown>")), created, Line(string(resource.Role)), Line(cmp.Or(string(resource.Origin), "<none>")),
		Line(cmp.Or(words.Join("; ", append([]string{live.Message}, live.Reasons...)...), "<none>")),
	}
}
