package progress

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

func TestModel(t *testing.T) {
	t.Parallel()
	t.Run("deletions that follow each other are one section", modelTellsOfDeletions)
	t.Run("each hook has a colour of its own", modelColoursHooks)
	t.Run("an object that stops being ready counts as not ready", modelCountsWhatIsReadyNow)
}

// told has a model observe events, one second apart, and returns what is under way after each.
func told(m *model, events ...lifecycle.Event) []string {
	var frames []string
	for i, event := range events {
		event.Time = noon().Add(time.Duration(i) * time.Second)
		m.Observe(event)
		frames = append(frames, m.open.progress(0))
	}
	return frames
}

func modelCountsWhatIsReadyNow(t *testing.T) {
	t.Parallel()
	news := func(name string, result lifecycle.Result) lifecycle.Event {
		return lifecycle.Event{Type: lifecycle.WaitProgress, Outcome: lifecycle.Outcome{
			Object: &lifecycle.EventObject{Group: "apps", Version: "v1", Kind: "Deployment", Name: name}, Result: result,
		}}
	}
	got := told(&model{},
		lifecycle.Event{Type: lifecycle.WaitStarted, Outcome: lifecycle.Outcome{Count: 2}},
		news("web", lifecycle.ResultReady), news("web", lifecycle.ResultReady), news("web", lifecycle.ResultWaiting),
		news("db", lifecycle.ResultReady), news("web", lifecycle.ResultReady), news("db", lifecycle.ResultFailed),
		news("db", lifecycle.ResultSkipped),
	)
	want := []string{
		"2 of 2 not ready", "1 of 2 not ready", "1 of 2 not ready", "2 of 2 not ready",
		"1 of 2 not ready", "2 objects ready", "1 of 2 not ready",
		"2 objects ready",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after each event (-want +got):\n%s", diff)
	}
}

func modelTellsOfDeletions(t *testing.T) {
	t.Parallel()
	about := func(name string) *lifecycle.EventObject {
		return &lifecycle.EventObject{Version: "v1", Kind: "ConfigMap", Name: name}
	}
	m := &model{}
	got := told(m,
		lifecycle.Event{Type: lifecycle.DeletionStarted, Outcome: lifecycle.Outcome{Count: 2}},
		lifecycle.Event{Type: lifecycle.ObjectDeleted, Outcome: lifecycle.Outcome{Object: about("a"), Result: lifecycle.ResultDeleted}},
		lifecycle.Event{Type: lifecycle.DeletionProgress, Outcome: lifecycle.Outcome{Object: about("b"), Result: lifecycle.ResultWaiting, Message: "its finalizer"}},
	)
	if diff := cmp.Diff([]string{"0 of 2", "1 of 2", "1 of 2"}, got); diff != "" {
		t.Errorf("it says (-want +got):\n%s", diff)
	}
	frame := m.frame(noon().Add(3*time.Second), 40, 10, Style{})
	if diff := cmp.Diff([]string{"delete             1 of 2             3s", "  * configmap/b    its finalizer      1s"}, frame); diff != "" {
		t.Errorf("it shows (-want +got):\n%s", diff)
	}
	got = told(m,
		lifecycle.Event{Type: lifecycle.ObjectDeleted, Outcome: lifecycle.Outcome{Object: about("b"), Result: lifecycle.ResultDeleted}},
		lifecycle.Event{Type: lifecycle.DeletionFinished, Outcome: lifecycle.Outcome{Result: lifecycle.ResultSucceeded}},
		lifecycle.Event{Type: lifecycle.DeletionStarted, Outcome: lifecycle.Outcome{Count: 1}},
		lifecycle.Event{Type: lifecycle.DeletionProgress, Outcome: lifecycle.Outcome{Object: about("c"), Result: lifecycle.ResultDeleted}},
	)
	if diff := cmp.Diff([]string{"2 deleted", "2 deleted", "2 of 3", "3 deleted"}, got); diff != "" || len(m.open.running) > 0 {
		t.Errorf("it says, with %d left (-want +got):\n%s", len(m.open.running), diff)
	}
}

func modelColoursHooks(t *testing.T) {
	t.Parallel()
	m := &model{}
	colours := map[string]string{}
	for _, name := range []string{"a", "b", "a", "c", "d", "e", "f", "g", "h"} {
		m.Observe(lifecycle.Event{Type: lifecycle.HookLog, Outcome: lifecycle.Outcome{Title: name, Container: "one"}})
		line := m.takeEnded(80, Style{Colour: true})[0]
		colour, _, _ := strings.Cut(line, "["+name)
		if other, taken := colours[colour]; taken && other != name {
			t.Errorf("%s has the colour of %s", name, other)
		}
		colours[colour] = name
	}
	if len(colours) != 8 {
		t.Errorf("8 hooks have the colours of %q", colours)
	}
}
