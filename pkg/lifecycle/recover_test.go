package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestRecover(t *testing.T) {
	t.Parallel()
	t.Run("hooks of a killed command are ended or replaced", hooksOfKilledCommand)
	t.Run("an interrupted revision is closed", anInterruptedRevisionIsClosed)
	t.Run("a pending revision shows that it was interrupted", aPendingRevisionShowsThatItWasInterrupted)
}

func hooksOfKilledCommand(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-install", "") + plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("c", "post-install", "")
	changed := strings.Replace(text, "hook: pre-install\n", "hook: pre-install\n    changed: \"true\"\n", 1)
	for name, test := range map[string]struct {
		meanwhile func(*cluster)
		text      string
		want      []string
	}{
		"the same hook is awaited, and runs again": {func(*cluster) {}, text, []string{
			"follow Job/shop-a", "delete Job/shop-a Background", "apply Job/shop-a", "apply ConfigMap/app", "apply Job/shop-c",
		}},
		"one that has changed is deleted, with its Pods": {func(*cluster) {}, changed, []string{
			"delete Job/shop-a Foreground", "apply Job/shop-a", "apply ConfigMap/app", "apply Job/shop-c",
		}},
		"one that is no hook any more is deleted": {func(*cluster) {}, plantest.Hook("b", "pre-install", "") + plantest.Object("v1", "ConfigMap", "app"), []string{
			"delete Job/shop-a Foreground", "apply Job/shop-b", "apply ConfigMap/app",
		}},
		"one that has finished since runs again": {func(cluster *cluster) {
			for _, object := range cluster.objects {
				object.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}
			}
		}, text, []string{"delete Job/shop-a Background", "apply Job/shop-a", "apply ConfigMap/app", "apply Job/shop-c"}},
		"somebody else's is left alone": {func(cluster *cluster) {
			for _, object := range cluster.objects {
				object.SetAnnotations(nil)
			}
		}, plantest.Hook("b", "pre-install", ""), []string{"apply Job/shop-b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster, previous := killed(t, text)
			test.meanwhile(cluster)
			planned, err := newWork(plan.New(plan.Request{
				Operation: release.OperationInstall, Release: release.New("shop", "web", 2), Previous: previous, Nodes: plantest.Nodes(t, test.text), Scopes: plantest.Scopes(),
			}))
			if err != nil {
				t.Fatal(err)
			}
			kept, _, err := run(t, cluster, planned)
			if err != nil || kept.last.Status.Phase != release.Deployed {
				t.Fatalf("%v, %s", err, kept.last.Status.Phase)
			}
			if diff := cmp.Diff(test.want, cluster.log); diff != "" {
				t.Error(diff)
			}
			for _, entry := range kept.last.Inventory {
				if entry.UID == "" || entry.Origin != release.Created {
					t.Errorf("inventory: %+v", entry)
				}
			}
			for _, h := range kept.last.Status.Hooks {
				if h.State != release.HookSucceeded {
					t.Errorf("%s: %s", h.Title, h.Summary())
				}
			}
		})
	}
}

// killed returns a cluster as a command leaves it that is killed while the hook of an installation runs, and the revision
// it leaves, closed.
func killed(t *testing.T, text string) (*cluster, *release.Release) {
	t.Helper()
	cluster := newCluster()
	cluster.outcomes["shop-a"] = hang
	first := mustPlan(t, text, plan.Options{Timeout: time.Millisecond})
	// Its time is up when there is nothing left to do but to wait for the hook.
	synctest.Test(t, func(t *testing.T) {
		if _, _, err := run(t, cluster, first); err == nil {
			t.Fatal("the hook ended")
		}
	})
	r := first.Release
	r.Status.Phase, r.Status.Hooks[0].State = release.PendingInstall, release.HookRunning
	lifecycle.CloseInterrupted(r, "process 1 on host", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	// It had no time to write down what it had made.
	for i := range r.Inventory {
		r.Inventory[i].UID, r.Inventory[i].Origin, r.Inventory[i].Hash = "", "", ""
	}
	delete(cluster.outcomes, "shop-a")
	cluster.log = nil
	return cluster, r
}

func anInterruptedRevisionIsClosed(t *testing.T) {
	t.Parallel()
	started := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	for name, test := range map[string]struct {
		phase     release.Phase
		operation release.Operation
		before    *release.Past
		hooks     []release.Hook
		want      string
	}{
		"an installation": {phase: release.PendingInstall, operation: "install", want: "failed install: interrupted during install: process 1 on host"},
		"an upgrade in a hook": {
			phase: release.PendingUpgrade, operation: "upgrade", hooks: []release.Hook{
				{Phase: "pre-upgrade", State: release.HookSucceeded}, {Phase: "pre-upgrade", State: release.HookRunning}, {Phase: "post-upgrade", State: release.HookPending},
			},
			want: "failed upgrade: interrupted during upgrade: process 1 on host: Succeeded, Failed (Interrupted), Skipped (not reached)",
		},
		"an uninstallation that has deleted nothing": {
			phase: release.Uninstalling, operation: "uninstall", before: &release.Past{Phase: release.Deployed, Operation: "upgrade", StartedAt: &started},
			hooks: []release.Hook{{Phase: "pre-delete", State: release.HookRunning}},
			want:  "deployed upgrade: not uninstalled: interrupted during uninstall: process 1 on host: Failed (Interrupted)",
		},
		"an uninstallation that may have deleted something": {
			phase: release.Uninstalling, operation: "uninstall", before: &release.Past{Phase: release.Deployed, Operation: "upgrade", StartedAt: &started},
			hooks: []release.Hook{{Phase: "pre-delete", State: release.HookSucceeded}, {Phase: "post-delete", State: release.HookPending}},
			want:  "failed uninstall: interrupted during uninstall: process 1 on host: Succeeded, Skipped (not reached)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := release.New("shop", "web", 3)
			r.Status.Phase, r.Status.Operation, r.Status.Before, r.Status.Hooks = test.phase, test.operation, test.before, test.hooks
			lifecycle.CloseInterrupted(r, "process 1 on host", time.Now())
			got := fmt.Sprintf("%s %s: %s", r.Status.Phase, r.Status.Operation, r.Status.Message)
			var summaries []string
			for _, h := range r.Status.Hooks {
				summaries = append(summaries, h.Summary())
			}
			if len(summaries) > 0 {
				got += ": " + strings.Join(summaries, ", ")
			}
			if got != test.want || r.Status.Before != nil {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func aPendingRevisionShowsThatItWasInterrupted(t *testing.T) {
	t.Parallel()
	r := plantest.Revision(t, 1, release.PendingInstall, plantest.Hook("a", "pre-install", "")+plantest.Hook("b", "pre-install", ""))
	r.Status.Operation = "install"
	r.Status.Hooks[0].State = release.HookRunning
	lifecycle.ShowInterrupted(r, "process 1 on host, last seen 3s ago")
	got := []string{string(r.Status.Phase), string(r.Status.Interrupted), r.Status.Message}
	for _, h := range r.Status.Hooks {
		got = append(got, h.Title+": "+h.Summary())
	}
	want := []string{
		"pending-install", "install", "interrupted during install: process 1 on host, last seen 3s ago",
		"pre-install/a: Failed (Interrupted)", "pre-install/b: Skipped (not reached)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shown is (-want +got):\n%s", diff)
	}
}
