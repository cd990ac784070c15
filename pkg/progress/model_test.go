package progress

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

func TestModel(t *testing.T) {
	t.Parallel()
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
