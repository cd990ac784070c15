package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
)

func TestInCI(t *testing.T) {
	t.Parallel()
	for name, ci := range map[string]CI{"ci-github": GitHub, "ci-gitlab": GitLab} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, summary bytes.Buffer
			screen := NewScreen(&out)
			view := InCI(silent{}, ci, screen, &summary)
			for _, event := range failing() {
				view.Observe(event)
			}
			view.Close()
			golden.Compare(t, name+".txt", strings.ReplaceAll(out.String(), "\x1b", "<ESC>"))
			golden.Compare(t, name+".md", summary.String())
			if errors := strings.Count(out.String(), "::error"); ci == GitHub && errors != 1 {
				t.Errorf("one hook has failed, and %d annotations say so", errors)
			}
		})
	}
	t.Run("what fails without a hook is told, too, and what is undone does not hide it", func(t *testing.T) {
		t.Parallel()
		var out, summary bytes.Buffer
		view := InCI(silent{}, GitHub, NewScreen(&out), &summary)
		for _, event := range []lifecycle.Event{
			{Type: lifecycle.OperationStarted, Operation: release.OperationUpgrade, Release: "shop", Revision: 3},
			{Type: lifecycle.OperationFinished, Outcome: lifecycle.Outcome{Result: lifecycle.ResultFailed, Message: "timed out: 1 not ready"}},
			{Type: lifecycle.OperationStarted, Operation: release.OperationRollback, Release: "shop", Revision: 4},
			{Type: lifecycle.OperationFinished, Outcome: lifecycle.Outcome{Result: lifecycle.ResultSucceeded}},
		} {
			view.Observe(event)
		}
		view.Close()
		if want := "::error title=upgrade shop failed::timed out: 1 not ready\n"; out.String() != want {
			t.Errorf("it prints %q, want %q", out.String(), want)
		}
		failed, undone := strings.Index(summary.String(), "✘ upgrade shop (revision 3"), strings.Index(summary.String(), "✔ rollback shop (revision 4")
		if failed < 0 || undone < failed || !strings.Contains(summary.String(), "timed out") {
			t.Errorf("the summary is %q", summary.String())
		}
	})
	t.Run("nothing in a hook's message is Markdown", ciEscapesMarkdown)
	t.Run("nothing in a hook's message steers the service", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		view := InCI(silent{}, GitHub, NewScreen(&out), nil)
		view.Observe(lifecycle.Event{Type: lifecycle.HookFinished, Outcome: lifecycle.Outcome{
			Title: "a::b,c", Result: lifecycle.ResultFailed, Message: "one\n::set-output name=x::y\r100%",
		}})
		view.Close()
		want := "::error title=hook a%3A%3Ab%2Cc failed::one%0A::set-output name=x::y\ufffd100%25\n"
		if out.String() != want {
			t.Errorf("it prints %q, want %q", out.String(), want)
		}
	})
}

func ciEscapesMarkdown(t *testing.T) {
	t.Parallel()
	var summary bytes.Buffer
	view := InCI(silent{}, NoCI, NewScreen(&bytes.Buffer{}), &summary)
	view.Observe(lifecycle.Event{Type: lifecycle.HookFinished, Outcome: lifecycle.Outcome{
		Title: "pre-install/a", Result: lifecycle.ResultFailed, Summary: `a\|b [c](https://d.example) *e*`, Message: "@f #1",
	}})
	view.Observe(lifecycle.Event{Type: lifecycle.OperationFinished, Outcome: lifecycle.Outcome{Result: lifecycle.ResultFailed}})
	view.Close()
	for _, want := range []string{
		"| pre-install/a | a&#92;&#124;b &#91;c&#93;(https://d.example) &#42;e&#42; | 0s |\n", "\n**pre-install/a: &#64;f &#35;1**\n",
	} {
		if !strings.Contains(summary.String(), want) {
			t.Errorf("the summary is %q without %q", summary.String(), want)
		}
	}
}

// silent shows nothing.
type silent struct{}

func (silent) Observe(lifecycle.Event) {}
func (silent) Close()                  {}

// failing are the events of an upgrade of which the second hook fails.
func failing() []lifecycle.Event {
	var list []lifecycle.Event
	add := func(kind lifecycle.EventType, outcome lifecycle.Outcome) {
		list = append(list, lifecycle.Event{
			Time: noon().Add(time.Duration(len(list)) * time.Second), Type: kind, Operation: release.OperationUpgrade, Release: "shop",
			Namespace: "web", Revision: 3, Outcome: outcome,
		})
	}
	add(lifecycle.OperationStarted, lifecycle.Outcome{})
	add(lifecycle.PhaseStarted, lifecycle.Outcome{Phase: "pre-upgrade", Count: 1})
	add(lifecycle.HookFinished, lifecycle.Outcome{Title: "pre-upgrade/backup", Result: lifecycle.ResultSucceeded, Summary: "Succeeded", ElapsedMS: 3200})
	add(lifecycle.PhaseFinished, lifecycle.Outcome{Phase: "pre-upgrade"})
	add(lifecycle.WaveStarted, lifecycle.Outcome{Wave: 1, Count: 3})
	add(lifecycle.WaveFinished, lifecycle.Outcome{Wave: 1})
	add(lifecycle.WaveStarted, lifecycle.Outcome{Wave: 2, Count: 3})
	add(lifecycle.WaveFinished, lifecycle.Outcome{Wave: 2})
	add(lifecycle.PhaseStarted, lifecycle.Outcome{Phase: "post-upgrade", Count: 1})
	add(lifecycle.HookFinished, lifecycle.Outcome{
		Title: "post-upgrade/notify", Result: lifecycle.ResultFailed, Summary: "Failed (exit code 3)", Message: `container "notify" exited with code 3`,
		LogTail: "connecting\n``` no answer | <b>", ElapsedMS: 900,
	})
	add(lifecycle.PhaseFinished, lifecycle.Outcome{Phase: "post-upgrade", Result: lifecycle.ResultFailed})
	add(lifecycle.OperationFinished, lifecycle.Outcome{Result: lifecycle.ResultFailed, Message: "hook post-upgrade/notify failed: exit code 3", ElapsedMS: 12000})
	return list
}
