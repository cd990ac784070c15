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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// exit3 is how a hook ends whose container exits with 3.
func exit3(context.Context) (kube.HookOutcome, error) {
	return kube.HookOutcome{Message: `container "c" exited with code 3`, Container: "c", ExitCode: ptr.To[int32](3), Attempts: 2, LogTail: "one\ntwo\n"}, nil
}

// hang is how a hook ends that only its context ends.
func hang(ctx context.Context) (kube.HookOutcome, error) {
	<-ctx.Done()
	return kube.HookOutcome{Reason: "ImagePullBackOff", Message: "waits: ImagePullBackOff", Attempts: 1}, ctx.Err()
}

func TestAnInstallationIsRecordedStepByStep(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	kept, events, err := run(t, cluster, mustPlan(t, plantest.Hook("migrate", "pre-install", "")+plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("notify", "post-install", policy("hook-succeeded")), plan.Options{Wait: true}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"create pending-install Pending Pending",
		"status pending-install Running Pending",
		"status pending-install Succeeded Pending",
		"inventory",
		"status pending-install Succeeded Running",
		"status pending-install Succeeded Succeeded",
		"inventory",
		"status deployed Succeeded Succeeded",
	}
	if diff := cmp.Diff(want, kept.writes); diff != "" {
		t.Error(diff)
	}
	wantLog := []string{
		"apply Job/shop-migrate", "apply ConfigMap/app", "wait ConfigMap/app sherpack.io/release=shop", "apply Job/shop-notify",
		"delete Job/shop-notify Background",
	}
	if diff := cmp.Diff(wantLog, cluster.log); diff != "" {
		t.Error(diff)
	}
	var types []string
	for i, event := range events {
		if event.Seq != i+1 || event.Release != "shop" || event.Revision != 1 {
			t.Errorf("event %d: %+v", i, event)
		}
		types = append(types, string(event.Type))
	}
	wantTypes := []string{
		"check-started", "check-finished", "operation-started", "phase-started", "hook-started", "hook-finished", "phase-finished", "wave-started", "object-applied",
		"wave-finished", "wait-started", "wait-finished", "phase-started", "hook-started", "hook-finished", "object-deleted",
		"phase-finished", "operation-finished",
	}
	if diff := cmp.Diff(wantTypes, types); diff != "" {
		t.Error(diff)
	}
	for _, entry := range kept.last.Inventory {
		if deleted := entry.Name == "shop-notify"; deleted != (entry.UID == "") || deleted != (entry.Origin == "") || deleted != (entry.Hash == "") {
			t.Errorf("inventory: %+v", entry)
		}
	}
}

func TestAFailedHookStopsTheOperation(t *testing.T) {
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

// Each policy is tried on a hook that succeeds before another fails, and on the one that fails.
func TestDeletePoliciesAreAppliedWhenThePhaseHasEnded(t *testing.T) {
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

// A hook that is deleted after one phase and made again at another stays on the inventory, so that it can be removed.
func TestAHookOfTwoPhasesStaysOnTheInventory(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	runs := 0
	cluster.outcomes["shop-a"] = func(ctx context.Context) (kube.HookOutcome, error) {
		runs++
		if runs == 1 {
			return kube.HookOutcome{Succeeded: true}, nil
		}
		return exit3(ctx)
	}
	kept, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "pre-install,post-install", policy("hook-succeeded")), plan.Options{}))
	if err == nil || runs != 2 {
		t.Fatalf("%d runs, %v", runs, err)
	}
	if len(kept.last.Inventory) != 1 || kept.last.Inventory[0].UID == "" {
		t.Errorf("inventory: %+v", kept.last.Inventory)
	}
}

func TestAnInterruptIsRecorded(t *testing.T) {
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
func TestNothingBeginsAfterAnInterrupt(t *testing.T) {
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

func TestTimeLimitsEndAHook(t *testing.T) {
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

// put places an object on the cluster, as some earlier run or somebody else left it.
func put(cluster *cluster, text map[string]any) {
	applied := &unstructured.Unstructured{Object: text}
	cluster.put(applied)
	cluster.log = nil
}

// job is the Job shop-a as it is on the cluster.
func job(marks, status map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "status": status,
		"metadata": map[string]any{
			"name": "shop-a", "namespace": "web", "annotations": marks,
			"labels": map[string]any{plan.LabelManagedBy: "sherpack"},
		},
	}
}

func marks(release string) map[string]any {
	return map[string]any{plan.AnnotationRelease: release, plan.AnnotationNamespace: "web"}
}

func TestWhatAnEarlierRunLeftIsReplaced(t *testing.T) {
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

func TestWhatIsSomebodyElsesIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		marks map[string]any
		want  string
	}{
		"another release's": {marks("other"), "Job/web/shop-a exists already and belongs to release web/other"},
		"Helm's":            {map[string]any{"meta.helm.sh/release-name": "x", "meta.helm.sh/release-namespace": "y"}, "Job/web/shop-a exists already and belongs to Helm release y/x"},
		"nobody's":          {map[string]any{}, `Job/web/shop-a exists already and belongs to "sherpack" (its label`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			put(cluster, job(test.marks, nil))
			kept, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "pre-install", "")+plantest.Object("v1", "ConfigMap", "app"), plan.Options{}))
			var foreign *lifecycle.ForeignError
			if !errors.As(err, &foreign) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if len(cluster.log) > 0 || len(kept.writes) > 0 {
				t.Errorf("something was written: %v %v", cluster.log, kept.writes)
			}
		})
	}
}

func TestAnUninstallationRemovesWhatIsTheReleases(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	planned := mustPlan(t, plantest.Application(), plan.Options{})
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	// Somebody else has put an object of their own under one of the names.
	for found, object := range cluster.objects {
		if found.Name == "app" {
			object.SetAnnotations(nil)
			object.SetUID("another")
		}
	}
	cluster.log = nil
	kept, events, err := run(t, cluster, removal(t, plantest.Application(), planned.Release, plan.Options{Wait: true}))
	if err != nil || !kept.dropped {
		t.Fatalf("dropped %v, %v", kept.dropped, err)
	}
	want := []string{
		"delete Job/shop-notify Foreground", "delete Job/shop-migrate Foreground", "delete Deployment/web Foreground",
		"delete Secret/db Background", "delete ServiceAccount/web Background", "delete Namespace/extra Background",
	}
	if diff := cmp.Diff(want, cluster.log); diff != "" {
		t.Error(diff)
	}
	var said []string
	for _, event := range events {
		if event.Type == lifecycle.Warning || event.Type == lifecycle.ObjectKept {
			said = append(said, fmt.Sprint(event.Type, " ", event.Message))
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "ConfigMap/web/app") {
		t.Errorf("said %q", said)
	}
}

func TestARejectedObjectFailsTheOperation(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.applyErr["db"] = errors.New("apply Secret/web/db: no")
	kept, _, err := run(t, cluster, mustPlan(t, plantest.Application(), plan.Options{}))
	if err == nil || err.Error() != "templates/a.yaml:12: apply Secret/web/db: no" {
		t.Fatalf("got %v", err)
	}
	if kept.last.Status.Phase != release.Failed || kept.last.Status.Hooks[1].Summary() != "Skipped (not reached)" {
		t.Errorf("status: %+v", kept.last.Status)
	}
	if slices.Contains(cluster.log, "apply Deployment/web") {
		t.Error("a later wave was applied")
	}
	var known []string
	for _, entry := range kept.last.Inventory {
		known = append(known, fmt.Sprint(entry.Name, " ", entry.UID != ""))
	}
	want := []string{"extra true", "web true", "app true", "db false", "web false", "shop-migrate true", "shop-notify false", "shop-test false"}
	if diff := cmp.Diff(want, known); diff != "" {
		t.Error(diff)
	}
}

func TestAnUpgradeChangesOnlyWhatHasChanged(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Object("v1", "ConfigMap", "same") + plantest.Object("v1", "ConfigMap", "drifted") + plantest.Object("v1", "ConfigMap", "gone") + plantest.Object("v1", "ConfigMap", "old")
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	for found, object := range cluster.objects {
		switch found.Name {
		case "drifted":
			object.SetUID("another")
		case "gone":
			delete(cluster.objects, found)
		}
	}
	cluster.log = nil
	previous := release.New("shop", "web", 1)
	previous.Status.Phase = release.Deployed
	second := upgrade(t, strings.Replace(text, plantest.Object("v1", "ConfigMap", "old"), plantest.Object("v1", "ConfigMap", "new"), 1), first.Release.Inventory, release.History{previous})
	kept, _, err := run(t, cluster, second)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"apply ConfigMap/drifted", "apply ConfigMap/gone", "apply ConfigMap/new", "delete ConfigMap/old Background"}
	if diff := cmp.Diff(want, cluster.log); diff != "" {
		t.Error(diff)
	}
	wantWrites := []string{"create pending-upgrade", "inventory", "inventory", "status deployed", "supersede 1"}
	if diff := cmp.Diff(wantWrites, kept.writes); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsBeingDeletedIsWaitedFor(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	leaving := job(map[string]any{}, nil)
	leaving["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	put(cluster, leaving)
	if _, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "pre-install", ""), plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"await Job/shop-a gone", "apply Job/shop-a"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}
