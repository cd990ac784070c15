package progress

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/golden"
	"github.com/sherpack-io/kubectl-sherpack/test/terminal"
)

func TestLive(t *testing.T) {
	t.Parallel()
	t.Run("an upgrade with hooks that waits", liveUpgrade)
	t.Run("no line is wider, no frame taller than the terminal lets it be", framesFit)
	t.Run("time goes on while nothing happens", liveTimeGoesOn)
	t.Run("it draws ten times a second at most", liveDrawsSeldom)
	t.Run("what is under way leaves no trace at the end", liveLeavesNoTrace)
	t.Run("what is asked stands below what has ended", liveAsksBelow)
}

// waitForLock adds that another command is waited for.
func waitForLock(add func(time.Duration, lifecycle.EventType, lifecycle.Outcome), look func()) {
	add(0, lifecycle.LockWaiting, lifecycle.Outcome{
		Message: `process 7 on "ci" (upgrade, "pre-upgrade/backup"; for 3s, last seen 1s ago)`,
		Summary: `upgrade, "pre-upgrade/backup"; process 7 on "ci"`, TimeoutMS: 60_000,
	})
	add(2*time.Second, lifecycle.LockWaiting, lifecycle.Outcome{
		Message: `process 7 on "ci" (upgrade, "wait"; for 5s, last seen 1s ago)`, Summary: `upgrade, "wait"; process 7 on "ci"`, TimeoutMS: 60_000,
	})
	look()
	add(time.Second, lifecycle.LockAcquired, lifecycle.Outcome{})
}

// object is what an event is about.
func object(kind, name string) *lifecycle.EventObject {
	return &lifecycle.EventObject{Group: "apps", Version: "v1", Kind: kind, Namespace: "web", Name: name}
}

// story are the events of an upgrade of some seconds, with the moments at which one would look at it.
func story() (events []lifecycle.Event, looks []int) {
	now := noon()
	add := func(after time.Duration, kind lifecycle.EventType, outcome lifecycle.Outcome) {
		now = now.Add(after)
		events = append(events, lifecycle.Event{
			Time: now, Type: kind, Operation: release.OperationUpgrade, Release: "shop", Namespace: "web", Outcome: outcome,
		})
	}
	look := func() { looks = append(looks, len(events)) }
	hook := func(name string, index int) lifecycle.Outcome {
		return lifecycle.Outcome{Phase: "pre-upgrade", Title: "pre-upgrade/" + name, Index: index, Count: 2}
	}
	ended := func(name, result, summary string, elapsed int64) lifecycle.Outcome {
		return lifecycle.Outcome{
			Phase: "pre-upgrade", Title: "pre-upgrade/" + name, Result: lifecycle.Result(result), Summary: summary, ElapsedMS: elapsed,
		}
	}
	waitForLock(add, look)
	add(0, lifecycle.PreflightStarted, lifecycle.Outcome{Count: 44, Message: "44 objects"})
	look()
	add(400*time.Millisecond, lifecycle.PreflightFinished, lifecycle.Outcome{Result: lifecycle.ResultSucceeded})
	add(0, lifecycle.OperationStarted, lifecycle.Outcome{TimeoutMS: 300_000, ElapsedMS: 400, Prune: 1})
	add(0, lifecycle.PhaseStarted, lifecycle.Outcome{Phase: "pre-upgrade", Count: 2})
	add(0, lifecycle.ObjectDeleted, lifecycle.Outcome{Object: object("Job", "shop-backup"), Result: lifecycle.ResultDeleted})
	add(0, lifecycle.HookStarted, hook("backup", 1))
	add(0, lifecycle.HookProgress, hook("backup", 1))
	look()
	add(3*time.Second, lifecycle.HookFinished, ended("backup", "Succeeded", "Succeeded", 3000))
	add(0, lifecycle.HookStarted, hook("migrate", 2))
	add(0, lifecycle.HookLog, lifecycle.Outcome{Phase: "pre-upgrade", Title: "pre-upgrade/migrate", Message: "connecting"})
	add(time.Second, lifecycle.HookProgress, lifecycle.Outcome{Title: "pre-upgrade/migrate", Reason: "ImagePullBackOff", Message: "registry.example/shop:1.9 not found"})
	look()
	add(11*time.Second, lifecycle.HookFinished, ended("migrate", "Succeeded", "Succeeded", 12000))
	add(0, lifecycle.PhaseFinished, lifecycle.Outcome{Phase: "pre-upgrade", Result: lifecycle.ResultSucceeded})
	add(0, lifecycle.WaveStarted, lifecycle.Outcome{Count: 44, Wave: 1})
	for i := range 41 {
		add(0, lifecycle.ObjectApplied, lifecycle.Outcome{Object: object("ConfigMap", fmt.Sprint(i)), Result: lifecycle.ResultUnchanged})
	}
	look()
	for i := range 3 {
		add(100*time.Millisecond, lifecycle.ObjectApplied, lifecycle.Outcome{Object: object("Deployment", fmt.Sprint(i)), Result: lifecycle.ResultConfigured})
	}
	add(0, lifecycle.WaveFinished, lifecycle.Outcome{Result: lifecycle.ResultSucceeded})
	add(0, lifecycle.WaitStarted, lifecycle.Outcome{Count: 5})
	add(time.Second, lifecycle.WaitProgress, lifecycle.Outcome{Object: object("Deployment", "web"), Result: lifecycle.ResultWaiting, Summary: "1 of 3 updated replicas are available"})
	add(3*time.Second, lifecycle.WaitProgress, lifecycle.Outcome{Object: object("Deployment", "web"), Result: lifecycle.ResultWaiting, Summary: "ImagePullBackOff: registry.example/shop:1.9 not found (web-7c9)"})
	add(0, lifecycle.WaitProgress, lifecycle.Outcome{Object: object("StatefulSet", "db"), Result: lifecycle.ResultWaiting, Summary: "waiting for db-1"})
	for i := range 3 {
		add(0, lifecycle.WaitProgress, lifecycle.Outcome{Object: object("Deployment", fmt.Sprint(i)), Result: lifecycle.ResultReady})
	}
	add(0, lifecycle.Warning, lifecycle.Outcome{Message: "no right to list events: reasons that only events show are missing"})
	look()
	add(63*time.Second, lifecycle.WaitProgress, lifecycle.Outcome{Object: object("StatefulSet", "db"), Result: lifecycle.ResultReady})
	add(0, lifecycle.WaitFinished, lifecycle.Outcome{Result: lifecycle.ResultFailed})
	add(0, lifecycle.OperationFinished, lifecycle.Outcome{Result: lifecycle.ResultFailed, Message: "timed out"})
	look()
	return events, looks
}

func liveUpgrade(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		width, height int
		style         Style
	}{
		"live-100x30":        {100, 28, Style{Unicode: true}},
		"live-40x20":         {40, 18, Style{Unicode: true}},
		"live-40x4":          {40, 2, Style{}},
		"live-100x30-colour": {100, 28, Style{Unicode: true, Colour: true}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			var m model
			events, looks := story()
			for i, event := range events {
				m.Observe(event)
				if len(looks) == 0 || i+1 != looks[0] {
					continue
				}
				looks = looks[1:]
				for _, line := range m.takeEnded(test.width, test.style) {
					text.WriteString(line + "\n")
				}
				for _, line := range m.frame(event.Time.Add(time.Second), test.width, test.height, test.style) {
					text.WriteString("| " + line + "\n")
				}
				text.WriteString("|---\n")
			}
			golden.Compare(t, title+".txt", text.String())
		})
	}
}

func framesFit(t *testing.T) {
	t.Parallel()
	for width := 1; width < 120; width += 7 {
		for height := 1; height < 12; height++ {
			var m model
			events, _ := story()
			for _, event := range events {
				m.Observe(event)
				checkFits(t, m.frame(event.Time, width, height, Style{Unicode: true}), width, height)
			}
		}
	}
}

func checkFits(t *testing.T, frame []string, width, height int) {
	t.Helper()
	if len(frame) > height {
		t.Fatalf("%d×%d: a frame of %d lines", width, height, len(frame))
	}
	for _, line := range frame {
		if ansi.StringWidth(line) > width {
			t.Fatalf("%d×%d: %q is wider", width, height, line)
		}
	}
}

func liveTimeGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &terminal.Terminal{Width: 80}
		view := NewLive(screenOn(v, 20), Style{})
		view.Observe(lifecycle.Event{Time: time.Now(), Type: lifecycle.WaitStarted, Outcome: lifecycle.Outcome{Count: 2}})
		<-time.After(61 * time.Second)
		synctest.Wait()
		if want := "wait               2 of 2 not ready" + strings.Repeat(" ", 40) + "1m01s"; strings.TrimSpace(v.Shown()) != want {
			t.Errorf("after a minute it shows %q, want %q", v.Shown(), want)
		}
		view.Close()
	})
}

func liveDrawsSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &terminal.Terminal{Width: 80}
		view := NewLive(screenOn(v, 20), Style{})
		for i := range 1000 {
			view.Observe(lifecycle.Event{Time: time.Now(), Type: lifecycle.PreflightStarted, Outcome: lifecycle.Outcome{Message: fmt.Sprint(i)}})
			<-time.After(time.Millisecond)
		}
		view.Close()
		if v.Writes > 13 {
			t.Errorf("in a second it writes %d times", v.Writes)
		}
	})
}

func liveLeavesNoTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &terminal.Terminal{Width: 80}
		view := NewLive(screenOn(v, 20), Style{})
		events, _ := story()
		for _, event := range events[:5] {
			view.Observe(event)
		}
		<-time.After(time.Second)
		view.Close()
		if shown := v.Shown(); strings.Contains(shown, "backup") || !strings.Contains(shown, "preflight") {
			t.Errorf("it leaves %q", shown)
		}
	})
}

// What has ended stands above what is asked then, and the answer is typed behind the question.
func liveAsksBelow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &terminal.Terminal{Width: 80}
		screen := screenOn(v, 20)
		view := NewLive(screen, Style{})
		view.Observe(lifecycle.Event{Time: noon(), Type: lifecycle.PreflightStarted, Outcome: lifecycle.Outcome{Message: "44 objects"}})
		// Its frame is drawn, and the next one would be drawn only after a while.
		synctest.Wait()
		view.Observe(lifecycle.Event{Time: noon(), Type: lifecycle.PreflightFinished, Outcome: lifecycle.Outcome{Result: lifecycle.ResultSucceeded}})
		_, _ = screen.Write([]byte("Proceed? "))
		shown := v.Shown()
		if before, _, found := strings.Cut(shown, "\n"); !found || !strings.Contains(before, "preflight") || !strings.HasSuffix(shown, "\nProceed?") {
			t.Errorf("it shows %q", shown)
		}
		view.Close()
		if after := v.Shown(); after != shown {
			t.Errorf("then it shows %q", after)
		}
	})
}

func TestPlain(t *testing.T) {
	t.Parallel()
	t.Run("a line every 15 s says what is waited for", plainHasAHeartbeat)
	t.Run("tests take their time only if there are any", plainTellsNoTimeOfNoTests)
}

func plainTellsNoTimeOfNoTests(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		operation release.Operation
		ran       bool
		want      string
	}{
		"no tests":         {operation: release.OperationTest},
		"a test":           {operation: release.OperationTest, ran: true, want: "tested in 2s"},
		"an undo":          {operation: release.OperationUndo, want: "rolled back in 2s"},
		"an upgrade alone": {operation: release.OperationUpgrade, want: "upgraded in 2s"},
	} {
		var out bytes.Buffer
		view := NewPlain(NewScreen(&out), Style{}, 0)
		if test.ran {
			view.Observe(lifecycle.Event{Type: lifecycle.HookStarted, Operation: test.operation, Outcome: lifecycle.Outcome{Title: "test/a"}})
		}
		view.Observe(lifecycle.Event{Type: lifecycle.OperationFinished, Operation: test.operation, Outcome: lifecycle.Outcome{Result: lifecycle.ResultSucceeded, ElapsedMS: 2000}})
		view.Close()
		if got := out.String(); strings.Contains(got, " in 2s") != (test.want != "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", title, got)
		}
	}
}

func plainHasAHeartbeat(t *testing.T) {
	t.Parallel()
	held := &lifecycle.EventObject{Version: "v1", Kind: "ConfigMap", Name: "held"}
	started := lifecycle.Event{Type: lifecycle.OperationStarted, Outcome: lifecycle.Outcome{TimeoutMS: 300_000, ElapsedMS: 40_000}}
	for want, events := range map[string][]lifecycle.Event{
		"still running pre-install/migrate (15s, 55s of 5m used): ImagePullBackOff": {
			started,
			{Type: lifecycle.PhaseStarted, Outcome: lifecycle.Outcome{Phase: "pre-install", Count: 1}},
			{Type: lifecycle.HookStarted, Outcome: lifecycle.Outcome{Title: "pre-install/migrate", Phase: "pre-install"}},
			{Type: lifecycle.HookProgress, Outcome: lifecycle.Outcome{Title: "pre-install/migrate", Phase: "pre-install", Reason: "ImagePullBackOff"}},
		},
		"still waiting for configmap/held to be deleted (15s, 55s of 5m used): its finalizer": {
			started,
			{Type: lifecycle.PhaseStarted, Outcome: lifecycle.Outcome{Phase: "pre-install", Count: 1}},
			{Type: lifecycle.DeletionStarted, Outcome: lifecycle.Outcome{Phase: "pre-install", Count: 1}},
			{Type: lifecycle.DeletionProgress, Outcome: lifecycle.Outcome{Phase: "pre-install", Object: held, Message: "its finalizer"}},
		},
		"still waiting for 2 objects to be deleted (15s): 0 of 2; configmap/held: its finalizer": {
			{Type: lifecycle.DeletionStarted, Outcome: lifecycle.Outcome{Count: 2}},
			{Type: lifecycle.DeletionProgress, Outcome: lifecycle.Outcome{Object: held, Message: "its finalizer"}},
		},
		"still waiting for 2 objects to be ready (15s): 2 of 2 not ready; configmap/held: 0 of 3": {
			{Type: lifecycle.WaitStarted, Outcome: lifecycle.Outcome{Count: 2}},
			{Type: lifecycle.WaitProgress, Outcome: lifecycle.Outcome{Object: held, Result: lifecycle.ResultWaiting, Summary: "0 of 3"}},
		},
		"still waiting for the lock (15s, 15s of 1m used): process 7": {
			{Type: lifecycle.LockWaiting, Outcome: lifecycle.Outcome{Summary: "process 7", TimeoutMS: 60_000}},
		},
		"still waiting for the preflight (15s): 4 objects": {
			{Type: lifecycle.PreflightStarted, Outcome: lifecycle.Outcome{Message: "4 objects"}},
		},
		"still applying objects (15s): 0 of 4": {
			{Type: lifecycle.WaveStarted, Outcome: lifecycle.Outcome{Count: 4}},
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				view := NewPlain(NewScreen(&out), Style{}, 0)
				for _, event := range events {
					event.Time = time.Now()
					view.Observe(event)
				}
				<-time.After(31 * time.Second)
				synctest.Wait()
				view.Close()
				<-time.After(time.Minute)
				if lines := strings.Count(out.String(), "still "); lines != 2 || !strings.Contains(out.String(), want) {
					t.Errorf("in half a minute it says:\n%s", out.String())
				}
			})
		})
	}
}

func TestHandedOver(t *testing.T) {
	t.Parallel()
	var m model
	m.Observe(lifecycle.Event{Type: lifecycle.OperationStarted, Operation: "adopt", Release: "shop", Namespace: "web", Revision: 3})
	for range 3 {
		m.Observe(lifecycle.Event{Type: lifecycle.ObjectHandedOver, Operation: "adopt", Outcome: lifecycle.Outcome{
			Object: &lifecycle.EventObject{Version: "v1", Kind: "ConfigMap", Name: "app"}, Result: lifecycle.ResultAdopted,
		}})
	}
	frame := strings.Join(m.frame(time.Time{}, 100, 28, Style{}), "\n")
	if !strings.Contains(frame, "hand over") || !strings.Contains(frame, "3 adopted") {
		t.Errorf("the frame is\n%s", frame)
	}
}
