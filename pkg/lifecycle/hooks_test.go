package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestHooks(t *testing.T) {
	t.Parallel()
	t.Run("a failed hook stops the operation", aFailedHookStopsTheOperation)
	t.Run("delete policies apply when the phase has ended", deletePoliciesApplyWhenThePhaseHasEnded)
	t.Run("a hook that is kept has no delete policy", aHookThatIsKeptHasNoDeletePolicy)
	t.Run("what an earlier run left is replaced", whatAnEarlierRunLeftIsReplaced)
	t.Run("an immutable hook is recreated", anImmutableHookIsRecreated)
	t.Run("a hook that was not applied is not deleted", aHookThatWasNotAppliedIsNotDeleted)
}

func aFailedHookStopsTheOperation(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.outcomes["shop-migrate"] = exit3
	kept, _, err := run(t, cluster, mustPlan(t, plantest.Application(), plan.Options{}))
	var failed *lifecycle.HookError
	if !errors.As(err, &failed) || failed.Err != nil || !failed.Kept {
		t.Fatalf("not a failed hook that is kept: %v", err)
	}
	want := "hook pre-install/migrate failed: container \"c\" exited with code 3 (0s, 2 attempts)\nlast lines of the log of container \"c\":\n  | one\n  | two"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"apply Namespace/extra", "apply Job/shop-migrate"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	status := kept.last.Status
	if status.Phase != release.Failed || status.Message != strings.Split(want, "\n")[0] {
		t.Errorf("status: %s %q", status.Phase, status.Message)
	}
	if got := []string{status.Hooks[0].Summary(), status.Hooks[1].Summary()}; got[0] != "Failed (exit code 3)" || got[1] != "Skipped (not reached)" {
		t.Errorf("hooks: %v", got)
	}
	if status.Conditions[0].Status != metav1.ConditionFalse || status.Conditions[0].Reason != "Failed" {
		t.Errorf("condition: %+v", status.Conditions[0])
	}
}

// Each policy is tested on a hook that succeeds before another fails, and on the one that fails.
func deletePoliciesApplyWhenThePhaseHasEnded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		first, second string
		deleted       []string
	}{
		{"before-hook-creation", "before-hook-creation", nil},
		{"hook-succeeded", "hook-succeeded", []string{"Job/shop-a"}},
		{"hook-failed", "hook-failed", []string{"Job/shop-b"}},
		{"hook-succeeded,hook-failed", "hook-failed,hook-succeeded", []string{"Job/shop-a", "Job/shop-b"}},
	} {
		t.Run(test.first, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			cluster.outcomes["shop-b"] = exit3
			text := plantest.Hook("a", "pre-install", policy(test.first)) + plantest.Hook("b", "pre-install", policy(test.second)) + plantest.Hook("c", "pre-install", policy("hook-succeeded,hook-failed"))
			kept, _, err := run(t, cluster, mustPlan(t, text, plan.Options{}))
			if err == nil {
				t.Fatal("no error")
			}
			want := []string{"apply Job/shop-a", "apply Job/shop-b"}
			for _, name := range test.deleted {
				want = append(want, "delete "+name+" Background")
			}
			if diff := cmp.Diff(want, cluster.log); diff != "" {
				t.Error(diff)
			}
			for _, entry := range kept.last.Inventory {
				if slices.Contains(test.deleted, entry.Kind+"/"+entry.Name) && entry.UID != "" {
					t.Errorf("%s is deleted, but the inventory says that it is there", entry.Name)
				}
			}
		})
	}
}

// A hook may be kept, as charts keep the Secrets that they generate, also with a delete policy of Helm's; only together with
// one of ours it is refused, save in what was stored before that was so.
func aHookThatIsKeptHasNoDeletePolicy(t *testing.T) {
	t.Parallel()
	const keep, helmsKeep = "    sherpack.io/resource-policy: keep\n", "    helm.sh/resource-policy: keep\n"
	const helms = "    helm.sh/hook-delete-policy: before-hook-creation\n"
	for name, test := range map[string]struct{ more, want string }{
		"kept":                              {keep, ""},
		"kept for Helm":                     {helmsKeep, ""},
		"kept, with Helm's policy":          {keep + helms, ""},
		"kept for Helm, with Helm's policy": {helmsKeep + helms, ""},
		"kept, with a policy": {
			keep + policy("hook-succeeded"),
			"templates/a.yaml:7: Job/shop-a: sherpack.io/resource-policy: a hook that is kept cannot have sherpack.io/hook-delete-policy; remove one of the two",
		},
		"kept for Helm, with a policy": {
			policy("before-hook-creation") + helmsKeep,
			"templates/a.yaml:8: Job/shop-a: helm.sh/resource-policy: a hook that is kept cannot have sherpack.io/hook-delete-policy; remove one of the two",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := plantest.Hook("a", "pre-install,post-install", test.more)
			_, err := plan.New(plantest.Installation(t, text, plan.Options{}))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
			s.must(t, s.plan(t, release.OperationUpgrade, settings("two"), plan.Options{}))
			s.texts[1] += "---\n" + text
			s.plan(t, release.OperationRollback, ".", plan.Options{})
		})
	}
}

func whatAnEarlierRunLeftIsReplaced(t *testing.T) {
	t.Parallel()
	complete := map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}
	for name, test := range map[string]struct {
		policy string
		status map[string]any
		want   string
	}{
		"one that finished":                    {"hook-succeeded", complete, "Background"},
		"one that runs, with its Pods":         {"before-hook-creation", map[string]any{}, "Foreground"},
		"one that finished, whatever policies": {"hook-failed", complete, "Background"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			put(cluster, job(marks("shop"), test.status))
			_, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "post-install", policy(test.policy)), plan.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"delete Job/shop-a " + test.want, "apply Job/shop-a"}
			if diff := cmp.Diff(want, cluster.log[:2]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A hook of a kind that is applied in place is recreated, too, where that is allowed.
func anImmutableHookIsRecreated(t *testing.T) {
	t.Parallel()
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  annotations: {sherpack.io/hook: pre-install, sherpack.io/on-immutable: recreate}\n"
	cluster := newCluster()
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	cluster.frozen, cluster.log = []string{"settings"}, nil
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"delete ConfigMap/settings Foreground", "apply ConfigMap/settings"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// Where the start of a hook cannot be recorded nothing is applied, and so nothing is deleted.
func aHookThatWasNotAppliedIsNotDeleted(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"hook-failed", "hook-succeeded,hook-failed"} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			put(cluster, job(marks("shop"), map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}))
			planned := mustPlan(t, plantest.Hook("a", "pre-install", policy(words)), plan.Options{})
			_, _, err := runWith(t.Context(), cluster, &store{deaf: true}, planned, time.Now)
			if !errors.Is(err, errDeaf) {
				t.Fatalf("got %v", err)
			}
			if len(cluster.log) > 0 {
				t.Errorf("it did %v", cluster.log)
			}
			if got := fmt.Sprint(plantest.Records(planned.Release)); got != "[pre-install/a from 0: Failed (NotRecorded)]" {
				t.Errorf("records: %s", got)
			}
		})
	}
}
