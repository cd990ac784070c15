package timeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/timeline"
)

func TestOf(t *testing.T) {
	t.Parallel()
	t.Run("what a command has not ended is interrupted, or running", openSpans)
	t.Run("what came after the last write is not known", afterTheLastWrite)
	t.Run("records without a timeline have their hooks", recordsWithoutATimeline)
	t.Run("nothing on record", nothingOnRecord)
}

// bars are those of a chart as short texts.
func bars(r *release.Release) []string {
	var all []string
	for _, bar := range timeline.Of(r, noon()).Bars {
		all = append(all, fmt.Sprintf("%s %s %s", bar.Name, bar.State, bar.Took()))
	}
	return all
}

// killed is the record of an upgrade that was killed while a hook ran.
func killed() *release.Release {
	r := release.New("shop", "web", 3)
	r.Status = release.Status{Phase: release.PendingUpgrade, Operation: release.OperationUpgrade, Timeline: []release.Span{
		span(release.SpanPreflight, "preflight", 0, time.Second, release.SpanSucceeded),
		span(release.SpanPhase, "pre-upgrade", time.Second, open, ""),
		span(release.SpanHook, "pre-upgrade/migrate", time.Second, open, ""),
	}}
	return r
}

func openSpans(t *testing.T) {
	t.Parallel()
	r := killed()
	if diff := cmp.Diff([]string{"preflight succeeded 1s", "pre-upgrade running 9m59s", "migrate running 9m59s"}, bars(r)); diff != "" {
		t.Errorf("while it runs (-want +got):\n%s", diff)
	}
	r.Status.Interrupted = release.OperationUpgrade
	want := []string{"preflight succeeded 1s", "pre-upgrade interrupted ?", "migrate interrupted ?"}
	if diff := cmp.Diff(want, bars(r)); diff != "" {
		t.Errorf("when it was killed (-want +got):\n%s", diff)
	}
	// The next command may come much later: its time does not count.
	r.Status.Phase, r.Status.FinishedAt = release.Failed, ptr.To(metav1.NewTime(noon()))
	if diff := cmp.Diff(want, bars(r)); diff != "" {
		t.Errorf("when it was closed (-want +got):\n%s", diff)
	}
}

func afterTheLastWrite(t *testing.T) {
	t.Parallel()
	r := killed()
	hook := &r.Status.Timeline[2]
	hook.FinishedAt, hook.Result = ptr.To(release.Instant(begun().Add(9*time.Second))), release.SpanSucceeded
	if diff := cmp.Diff([]string{"preflight succeeded 1s", "pre-upgrade succeeded 8s", "migrate succeeded 8s", "in progress running 9m51s"}, bars(r)); diff != "" {
		t.Errorf("while it runs (-want +got):\n%s", diff)
	}
	r.Status.Interrupted = release.OperationUpgrade
	if diff := cmp.Diff([]string{"preflight succeeded 1s", "pre-upgrade succeeded 8s", "migrate succeeded 8s", "interrupted interrupted ?"}, bars(r)); diff != "" {
		t.Errorf("when it was killed (-want +got):\n%s", diff)
	}
	r.Status.Phase, r.Status.Interrupted = release.Deployed, ""
	if diff := cmp.Diff([]string{"preflight succeeded 1s", "pre-upgrade succeeded 8s", "migrate succeeded 8s"}, bars(r)); diff != "" {
		t.Errorf("when it was deployed (-want +got):\n%s", diff)
	}
}

func recordsWithoutATimeline(t *testing.T) {
	t.Parallel()
	r := upgraded()
	r.Status.Timeline = nil
	r.Status.Hooks = append(r.Status.Hooks, release.Hook{Title: "test/smoke", Phase: "test", State: release.HookSucceeded, StartedAt: ptr.To(metav1.NewTime(noon()))})
	for i := range r.Status.Hooks {
		r.Status.Hooks[i].ElapsedMS = 0
	}
	want := []string{"pre-upgrade/backup succeeded 9s", "pre-upgrade/migrate succeeded 20s", "post-upgrade/notify failed 12s"}
	if diff := cmp.Diff(want, bars(r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func nothingOnRecord(t *testing.T) {
	t.Parallel()
	chart := timeline.Of(release.New("shop", "web", 1), noon())
	if len(chart.Bars) != 0 || chart.Elapsed() != 0 {
		t.Errorf("%+v", chart)
	}
}
