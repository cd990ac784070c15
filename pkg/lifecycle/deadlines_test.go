package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestDeadlines(t *testing.T) {
	t.Parallel()
	t.Run("what cut the work short is said once, in plain words", causeIsSaidOnce)
	t.Run("time limits end a hook", timeLimitsEndAHook)
	t.Run("an interrupt is recorded", anInterruptIsRecorded)
	t.Run("nothing begins after an interrupt", nothingBeginsAfterAnInterrupt)
	t.Run("an interrupt between two hooks is not overlooked", anInterruptBetweenTwoHooksIsNotOverlooked)
	t.Run("nothing is done after a lost lock", nothingIsDoneAfterALostLock)
	t.Run("the start of an operation says how much of its time is used", startSaysHowMuchTimeIsUsed)
}

func causeIsSaidOnce(t *testing.T) {
	t.Parallel()
	interrupted, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	late, cancelLate := context.WithTimeoutCause(t.Context(), time.Nanosecond, lifecycle.ErrTimedOut)
	defer cancelLate()
	<-late.Done()
	get := `Get "https://127.0.0.1/api": `
	for title, test := range map[string]struct {
		ctx  context.Context
		err  error
		want string
	}{
		"only that":                  {interrupted, context.Canceled, "interrupted"},
		"only its cause":             {interrupted, context.Cause(interrupted), "interrupted"},
		"what it waited for":         {interrupted, fmt.Errorf("wait for 3 objects: %w", context.Canceled), "interrupted: wait for 3 objects"},
		"a request":                  {interrupted, fmt.Errorf(get+"%w", context.Canceled), "interrupted: " + strings.TrimSuffix(get, ": ")},
		"a note":                     {late, fmt.Errorf("wait for Job/a: %w (watch Jobs: no)", context.DeadlineExceeded), "timed out: wait for Job/a (watch Jobs: no)"},
		"a limit":                    {late, fmt.Errorf("a is being deleted: it has the finalizers b: %w", context.DeadlineExceeded), "timed out: a is being deleted: it has the finalizers b"},
		"its cause, at the end":      {late, fmt.Errorf("a is being deleted: %w", context.Cause(late)), "a is being deleted: timed out"},
		"twice":                      {late, lifecycle.WithCause(late, fmt.Errorf("wait: %w", context.DeadlineExceeded)), "timed out: wait"},
		"something else":             {late, errors.New("no such thing"), "timed out: no such thing"},
		"nothing that was cut short": {t.Context(), fmt.Errorf("wait: %w", context.Canceled), "wait: context canceled"},
	} {
		got := lifecycle.WithCause(test.ctx, test.err)
		if got.Error() != test.want || !errors.Is(got, test.err) {
			t.Errorf("%s: %q, want %q", title, got, test.want)
		}
	}
	if err := lifecycle.WithCause(late, nil); err != nil {
		t.Errorf("without an error: %v", err)
	}
}

func timeLimitsEndAHook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		more    string
		options plan.Options
	}{
		"of the operation": {"", plan.Options{Timeout: time.Millisecond}},
		"of the hook":      {"    sherpack.io/hook-timeout: 1ms\n", plan.Options{Timeout: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			cluster.outcomes["shop-a"] = hang
			synctest.Test(t, func(t *testing.T) {
				kept, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "pre-install", test.more), test.options))
				if !errors.Is(err, lifecycle.ErrTimedOut) || errors.Is(err, lifecycle.ErrInterrupted) {
					t.Fatalf("not timed out: %v", err)
				}
				record := kept.last.Status.Hooks[0]
				if record.Summary() != "Failed (ImagePullBackOff)" || !strings.Contains(record.Message, "timed out after 0s, 1 attempt") {
					t.Errorf("record: %s: %s", record.Summary(), record.Message)
				}
			})
		})
	}
}

func anInterruptIsRecorded(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	ctx, cancel := context.WithCancel(t.Context())
	cluster.outcomes["shop-a"] = func(ctx context.Context) (kube.HookOutcome, error) {
		cancel()
		return hang(ctx)
	}
	kept, _, err := runIn(ctx, cluster, mustPlan(t, plantest.Hook("a", "pre-install", policy("hook-failed"))+plantest.Object("v1", "ConfigMap", "app"), plan.Options{Timeout: time.Hour}))
	if !errors.Is(err, lifecycle.ErrInterrupted) || errors.Is(err, lifecycle.ErrTimedOut) {
		t.Fatalf("not interrupted: %v", err)
	}
	if diff := cmp.Diff([]string{"apply Job/shop-a", "delete Job/shop-a Foreground"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	if kept.last.Status.Phase != release.Failed || !strings.Contains(kept.last.Status.Message, "interrupted") {
		t.Errorf("status: %+v", kept.last.Status)
	}
}

// Who presses Ctrl-C finds the cluster as it was then: what was begun is ended, and nothing else is begun.
func nothingBeginsAfterAnInterrupt(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-install", "") + plantest.Object("v1", "ConfigMap", "app") + plantest.Object("apps/v1", "Deployment", "web") + plantest.Hook("b", "post-install", "")
	for name, test := range map[string]struct {
		during func(cluster *cluster, interrupt func())
		want   []string
	}{
		"of a hook": {func(cluster *cluster, interrupt func()) { cluster.during("shop-a", interrupt) }, []string{"apply Job/shop-a"}},
		"of a wave": {func(cluster *cluster, interrupt func()) { cluster.meanwhile = interrupt }, []string{"apply Job/shop-a", "apply ConfigMap/app"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			ctx, cancel := context.WithCancel(t.Context())
			test.during(cluster, cancel)
			kept, _, err := runIn(ctx, cluster, mustPlan(t, text, plan.Options{Wait: true}))
			if !errors.Is(err, lifecycle.ErrInterrupted) || kept.last.Status.Phase != release.Failed {
				t.Errorf("%v, %s", err, kept.last.Status.Phase)
			}
			if diff := cmp.Diff(test.want, cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Hooks that did not run, because the time was over or the user wanted an end, are no success.
func anInterruptBetweenTwoHooksIsNotOverlooked(t *testing.T) {
	t.Parallel()
	for name, keepGoing := range map[string]bool{"up to the first that fails": false, "all of them": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := plantest.Hook("a", "test", "") + plantest.Hook("b", "test", "")
			planned, err := newWork(plan.Test(plan.Request{Release: plantest.Revision(t, 1, release.Deployed, text), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, plan.Tests{KeepGoing: keepGoing}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cluster := newCluster()
			cluster.during("shop-a", cancel)
			kept, _, err := runIn(ctx, cluster, planned)
			if !errors.Is(err, lifecycle.ErrInterrupted) {
				t.Errorf("got %v", err)
			}
			want := []string{"test/a from 0: Succeeded", "test/b from 0: Skipped (not reached)"}
			if diff := cmp.Diff(want, plantest.Records(&kept.last)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// losing is a Cluster whose hook, wave or wait loses the lock.
type losing struct {
	*cluster
	in   string
	lose func()
	// kept are the writes of the record up to then.
	store  *store
	writes []string
}

func (l *losing) happen(in string) {
	if l.in == in {
		l.writes = slices.Clone(l.store.writes)
		l.lose()
	}
}

func (l *losing) RunHook(ctx context.Context, run kube.HookRun, observe func(kube.HookProgress)) (kube.HookOutcome, error) {
	outcome, err := l.cluster.RunHook(ctx, run, observe)
	l.happen("hook")
	return outcome, errors.Join(err, ctx.Err())
}

func (l *losing) Wait(ctx context.Context, targets []kube.WaitTarget, selector string, observe func(kube.Readiness)) error {
	err := l.cluster.Wait(ctx, targets, selector, observe)
	l.happen("wait")
	return errors.Join(err, ctx.Err())
}

// When the lock is lost nothing more is done or recorded: no step, no deletion of a hook, no end of the operation.
func nothingIsDoneAfterALostLock(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"hook": {"apply Job/shop-a"},
		"wait": {"apply Job/shop-a", "delete Job/shop-a Background", "apply ConfigMap/app", "wait ConfigMap/app sherpack.io/release=shop"},
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			kept := &store{}
			cluster := &losing{cluster: newCluster(), in: in, store: kept, lose: func() { cancel(lifecycle.ErrLockLost) }}
			text := plantest.Hook("a", "pre-install", policy("hook-succeeded,hook-failed")) + plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("b", "post-install", "")
			var last lifecycle.Event
			runner := lifecycle.Runner{Cluster: cluster, Store: kept, Now: time.Now, Observe: func(event lifecycle.Event) { last = event }}
			_, err := runner.Run(ctx, mustPlan(t, text, plan.Options{Wait: true}).Plan)
			if !errors.Is(err, lifecycle.ErrLockLost) || errors.Is(err, lifecycle.ErrInterrupted) {
				t.Errorf("got %v", err)
			}
			if diff := cmp.Diff(want, cluster.log); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(cluster.writes, kept.writes); diff != "" {
				t.Errorf("recorded after the loss: %s", diff)
			}
			if last.Type != lifecycle.OperationFinished || last.Result != "Failed" {
				t.Errorf("the last event is %+v", last)
			}
		})
	}
}

func startSaysHowMuchTimeIsUsed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	begun := now
	_, events, err := runOn(t.Context(), newCluster(), mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{Timeout: time.Minute}), func() time.Time {
		now = now.Add(time.Second)
		return now
	})
	at := slices.IndexFunc(events, func(event lifecycle.Event) bool { return event.Type == lifecycle.OperationStarted })
	if err != nil || at < 0 {
		t.Fatalf("%v, %v", events, err)
	}
	used := time.Duration(events[at].ElapsedMS) * time.Millisecond
	if most := events[at].Time.Sub(begun); used <= 0 || used > most {
		t.Errorf("the operation has used %s, %s after the call", used, most)
	}
}
