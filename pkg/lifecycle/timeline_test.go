package lifecycle_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestTimeline(t *testing.T) {
	t.Parallel()
	t.Run("it has all that the operation did", timelineHasAllThatWasDone)
	t.Run("a hook took the same time wherever that is said", hookTookTheSameTimeEverywhere)
	t.Run("what runs is on record before it ends", whatRunsIsOnRecord)
	t.Run("what failed is the last of it", whatFailedIsTheLast)
	t.Run("an undo continues that of the installation", undoContinuesTheTimeline)
	t.Run("a test leaves that of the operation before it", testLeavesTheTimeline)
}

// lines are spans as short texts.
func lines(spans []release.Span) []string {
	var all []string
	for _, span := range spans {
		text := fmt.Sprintf("%s %q %d %s", span.Kind, span.Name, span.Count, span.Result)
		for _, result := range slices.Sorted(maps.Keys(span.Counts)) {
			text += fmt.Sprintf(" %s=%d", result, span.Counts[result])
		}
		if span.FinishedAt != nil {
			text += " " + span.Elapsed().String()
		}
		all = append(all, text)
	}
	return all
}

func timelineHasAllThatWasDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cluster := newCluster()
		cluster.during("shop-migrate", func() { <-time.After(1500 * time.Millisecond) })
		text := plantest.Hook("migrate", "pre-install", "") + plantest.Object("v1", "ConfigMap", "app") + plantest.Object("apps/v1", "Deployment", "web")
		kept := &store{}
		locked := release.Instant(time.Now())
		runner := lifecycle.Runner{
			Cluster: cluster, Store: kept, Now: time.Now,
			Before: []release.Span{{Kind: release.SpanLock, Name: "lock", StartedAt: locked, FinishedAt: &locked, Result: release.SpanSucceeded}},
		}
		if _, err := runner.Run(t.Context(), mustPlan(t, text, plan.Options{Wait: true}).Plan); err != nil {
			t.Fatal(err)
		}
		want := []string{
			`lock "lock" 0 Succeeded 0s`,
			`preflight "preflight" 0 Succeeded 0s`,
			`phase "pre-install" 1 Succeeded 1.5s`,
			`hook "pre-install/migrate" 0 Succeeded 1.5s`,
			`apply "apply wave 3" 1 Succeeded created=1 0s`,
			`apply "apply wave 4" 1 Succeeded created=1 0s`,
			`wait "wait" 2 Succeeded 0s`,
		}
		if diff := cmp.Diff(want, lines(kept.last.Status.Timeline)); diff != "" {
			t.Errorf("the timeline (-want +got):\n%s", diff)
		}
		if took := kept.last.Status.Hooks[0].Elapsed(); took != 1500*time.Millisecond {
			t.Errorf("the hook took %s", took)
		}
	})
}

// The view has it from the event, status from the record of the hook, and the timeline from its span.
func hookTookTheSameTimeEverywhere(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time {
		now = now.Add(70 * time.Millisecond)
		return now
	}
	kept, events, err := runWith(t.Context(), newCluster(), &store{}, mustPlan(t, plantest.Hook("migrate", "pre-install", ""), plan.Options{}), clock)
	if err != nil {
		t.Fatal(err)
	}
	took := map[string]time.Duration{"record": kept.last.Status.Hooks[0].Elapsed()}
	for _, span := range kept.last.Status.Timeline {
		if span.Kind == release.SpanHook {
			took["timeline"] = span.Elapsed()
		}
	}
	for _, event := range events {
		if event.Type == lifecycle.HookFinished {
			took["event"] = time.Duration(event.ElapsedMS) * time.Millisecond
		}
	}
	if len(took) != 3 || took["record"] == 0 || took["record"] != took["timeline"] || took["event"] != took["timeline"] {
		t.Errorf("it took %v", took)
	}
}

// A command that is killed leaves on record what it was at.
func whatRunsIsOnRecord(t *testing.T) {
	t.Parallel()
	cluster, kept := newCluster(), &store{}
	var meanwhile []string
	cluster.during("shop-migrate", func() { meanwhile = lines(kept.last.Status.Timeline) })
	runner := lifecycle.Runner{Cluster: cluster, Store: kept, Now: func() time.Time { return time.Unix(0, 0) }}
	if _, err := runner.Run(t.Context(), mustPlan(t, plantest.Hook("migrate", "pre-install", ""), plan.Options{}).Plan); err != nil {
		t.Fatal(err)
	}
	want := []string{`preflight "preflight" 0 Succeeded 0s`, `phase "pre-install" 1 `, `hook "pre-install/migrate" 0 `}
	if diff := cmp.Diff(want, meanwhile); diff != "" {
		t.Errorf("on record while the hook runs (-want +got):\n%s", diff)
	}
}

func whatFailedIsTheLast(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.outcomes["shop-migrate"] = exit3
	kept, _, err := run(t, cluster, mustPlan(t, plantest.Application(), plan.Options{}))
	if err == nil {
		t.Fatal("it has not failed")
	}
	spans := kept.last.Status.Timeline
	for _, span := range spans[len(spans)-2:] {
		if span.Result != release.SpanFailed || span.FinishedAt == nil {
			t.Errorf("%+v", span)
		}
	}
}

func undoContinuesTheTimeline(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.waitErr = errors.New("never ready")
	first := mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{Wait: true})
	if _, _, err := run(t, cluster, first); err == nil {
		t.Fatal("it has not failed")
	}
	undo, _, err := plan.Undo(first.Plan, first.result, plan.Request{})
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := run(t, cluster, &work{Plan: undo, Release: undo.Release})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, span := range kept.last.Status.Timeline {
		names = append(names, span.Name)
	}
	if diff := cmp.Diff([]string{"preflight", "apply wave 3", "wait", "preflight", "leftover hooks", "delete"}, names); diff != "" {
		t.Errorf("the timeline (-want +got):\n%s", diff)
	}
}

func testLeavesTheTimeline(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "test", "")
	r := plantest.Revision(t, 1, release.Deployed, text)
	r.Status.Timeline = []release.Span{{Kind: release.SpanWait, Name: "wait"}}
	planned, err := newWork(plan.Test(plan.Request{Release: r, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, plan.Tests{}))
	if err != nil {
		t.Fatal(err)
	}
	cluster := newCluster()
	cluster.during("shop-a", func() {})
	kept, _, err := run(t, cluster, planned)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`wait "wait" 0 `}, lines(kept.last.Status.Timeline)); diff != "" {
		t.Errorf("the timeline (-want +got):\n%s", diff)
	}
}
