package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// What was interrupted and then taken back must not be gone on with: hooks would count as run whose work is gone.
func TestWhatWasTakenBackIsNotInterruptedAnyMore(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	ctx, cancel := context.WithCancel(t.Context())
	cluster.outcomes["shop-b"] = func(ctx context.Context) (kube.HookOutcome, error) {
		cancel()
		return kube.HookOutcome{}, ctx.Err()
	}
	failed := mustPlan(t, plantest.Hook("a", "pre-install", "")+plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("b", "post-install", ""), plan.Options{})
	if _, _, err := runIn(ctx, cluster, failed); err == nil || failed.Release.Status.Interrupted != release.OperationInstall {
		t.Fatalf("error %v, interrupted %q", err, failed.Release.Status.Interrupted)
	}
	back, err := undoOf(failed, plan.Request{})
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := run(t, cluster, back)
	if err != nil || kept.last.Status.Interrupted != "" {
		t.Errorf("error %v, interrupted %q", err, kept.last.Status.Interrupted)
	}
}

// A migration that is not the one that has run is not skipped: the application would come up on what it has not migrated.
func TestAResumedOperationRunsAHookWhoseContentIsNotWhatHasRun(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-upgrade", "") + settings("two") + plantest.Hook("b", "post-upgrade", "")
	for name, test := range map[string]struct {
		text  string
		again bool
	}{
		"it is what has run": {text, false},
		"it is another":      {strings.Replace(text, "hook: pre-upgrade\n", "hook: pre-upgrade\n    changed: \"true\"\n", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
			s.cutShort(t, ctrlC, "shop-b", s.plan(t, release.OperationUpgrade, text, plan.Options{}))
			s.texts[2] = test.text
			s.must(t, s.resumption(t))
			if slices.Contains(s.cluster.log, "apply Job/shop-a") != test.again {
				t.Errorf("it did %v", s.cluster.log)
			}
		})
	}
}

// Who has said --no-hooks does not have to say it again, and gets no migration that was not wanted.
func TestAResumedOperationLeavesOutTheHooksThatWereLeftOut(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-upgrade", "") + settings("two") + plantest.Object("apps/v1", "Deployment", "late") + plantest.Hook("b", "post-upgrade", "")
	for name, test := range map[string]struct {
		skipped []hook.Phase
		want    []string
	}{
		"all hooks":             {hook.Phases(), []string{"apply Deployment/late"}},
		"those before the work": {[]hook.Phase{hook.PreUpgrade}, []string{"apply Deployment/late", "apply Job/shop-b"}},
		"those after it":        {[]hook.Phase{hook.PostUpgrade}, []string{"apply Deployment/late"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
			ctx, cancel := context.WithCancel(t.Context())
			s.cluster.meanwhile = cancel
			if _, err := s.run(ctx, s.plan(t, release.OperationUpgrade, text, plan.Options{SkipPhases: test.skipped})); !errors.Is(err, lifecycle.ErrInterrupted) {
				t.Fatalf("got %v", err)
			}
			s.cluster.meanwhile = nil
			s.must(t, s.resumption(t))
			if diff := cmp.Diff(test.want, s.cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}
