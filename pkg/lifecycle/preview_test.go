package lifecycle_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestPreview(t *testing.T) {
	t.Parallel()
	t.Run("it changes nothing", previewChangesNothing)
	t.Run("it follows an object through the steps", previewFollowsObject)
	t.Run("objects of others are refused", objectsOfOthersAreRefused)
	t.Run("it does not wait for what is being deleted", previewDoesNotWait)
	t.Run("a resumption submits only what is left", aResumptionSubmitsOnlyWhatIsLeft)
	t.Run("a hook that still runs is waited for", previewSaysWhatIsWaitedFor)
}

func previewChangesNothing(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Object("v1", "Secret", "old")+plantest.Hook("a", "post-install,post-upgrade", ""), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	next := upgrade(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Object("v1", "Secret", "new")+plantest.Hook("a", "post-install,post-upgrade", ""), first.Release.Inventory, nil)
	preview, err := lifecycle.Runner{Cluster: cluster, Now: time.Now}.Preview(t.Context(), next.Plan)
	if err != nil {
		t.Fatal(err)
	}
	effects := map[string]string{}
	for i := range next.Steps {
		for _, entry := range next.Release.Inventory {
			if effect := string(preview.Effect(i, entry.Reference())); effect != "not found" {
				effects[entry.Kind+"/"+entry.Name] = effect
			}
		}
	}
	want := map[string]string{"ConfigMap/app": "unchanged", "Secret/old": "deleted", "Secret/new": "created", "Job/shop-a": "replaced"}
	if diff := cmp.Diff(want, effects); diff != "" || len(cluster.log) > 0 {
		t.Errorf("it did %v; effects (-want +got):\n%s", cluster.log, diff)
	}
	cluster.checkErr["new"] = errRefused
	if _, err := (lifecycle.Runner{Cluster: cluster, Now: time.Now}).Preview(t.Context(), next.Plan); !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
}

func previewFollowsObject(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("a", "pre-delete,post-delete", "") + plantest.Hook("b", "post-delete", policy("hook-succeeded"))
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	said, err := previewed(t, cluster, removal(t, text, first.Release, plan.Options{}))
	want := []string{
		"pre-delete/a created", "ConfigMap/app deleted", "post-delete/a replaced", "post-delete/b created",
		"Job/shop-b not found", "Job/shop-a deleted",
	}
	if diff := cmp.Diff(want, said); diff != "" || err != nil {
		t.Errorf("error %v; it says (-want +got):\n%s", err, diff)
	}
}

// previewed is what a preview says of each step, object by object.
func previewed(t *testing.T, cluster *cluster, planned *work) ([]string, error) {
	t.Helper()
	preview, err := lifecycle.Runner{Cluster: cluster, Now: time.Now}.Preview(t.Context(), planned.Plan)
	var said []string
	for i, step := range planned.Steps {
		for _, object := range step.Objects {
			said = append(said, object.Title()+" "+string(preview.Effect(i, object.Reference())))
		}
		for _, h := range step.Hooks {
			said = append(said, h.Title+" "+string(preview.Effect(i, h.Object.Reference())))
		}
		for _, entry := range step.Entries {
			said = append(said, entry.Kind+"/"+entry.Name+" "+string(preview.Effect(i, entry.Reference())))
		}
	}
	return said, err
}

func objectsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	said, err := previewed(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "theirs"), plan.Options{}))
	var foreign *lifecycle.ForeignError
	if diff := cmp.Diff([]string{"ConfigMap/theirs refused"}, said); diff != "" || !errors.As(err, &foreign) {
		t.Errorf("error %v; it says (-want +got):\n%s", err, diff)
	}
}

func previewDoesNotWait(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Object("v1", "ConfigMap", "app")
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	for _, object := range cluster.objects {
		object.SetDeletionTimestamp(&metav1.Time{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})
	}
	cluster.log = nil
	said, err := previewed(t, cluster, upgrade(t, text, first.Release.Inventory, nil))
	if diff := cmp.Diff([]string{"ConfigMap/app created"}, said); diff != "" || err != nil {
		t.Errorf("error %v; it says (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"dry-run as new ConfigMap/app"}, cluster.dryRuns); diff != "" || len(cluster.log) > 0 {
		t.Errorf("it did %v; submitted (-want +got):\n%s", cluster.log, diff)
	}
}

// What has succeeded does not run again, so that nothing of it is submitted.
func aResumptionSubmitsOnlyWhatIsLeft(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Hook("a", "pre-install", "") + plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("b", "post-install", "")
	ctx, cancel := context.WithCancel(t.Context())
	cluster.outcomes["shop-b"] = func(ctx context.Context) (kube.HookOutcome, error) {
		cancel()
		return kube.HookOutcome{}, ctx.Err()
	}
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := runIn(ctx, cluster, first); err == nil {
		t.Fatal("it was not interrupted")
	}
	planned, err := newWork(plan.Resume(plan.Request{
		Operation: release.OperationInstall, Release: first.Release, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	cluster.dryRuns = nil
	if _, err := previewed(t, cluster, planned); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"dry-run as new Job/shop-b", "dry-run delete Job/shop-b"}, cluster.dryRuns); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
	}
	if done := []bool{planned.HasRun(planned.Steps[0].Hooks[0]), planned.HasRun(planned.Steps[2].Hooks[0])}; !cmp.Equal(done, []bool{true, false}) {
		t.Errorf("has run: %v", done)
	}
}

// What is said of a hook that an earlier command left running is what the command would do: resume waits for its own, and any other
// command for that of a phase before the work, which runs again then.
func previewSaysWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	text := settings("two") + plantest.Hook("a", "pre-upgrade", "") + plantest.Hook("b", "post-upgrade", "")
	resumed := func(t *testing.T, s *story) *work { return s.resumption(t) }
	repeated := func(t *testing.T, s *story) *work { return s.plan(t, release.OperationUpgrade, text, plan.Options{}) }
	for name, test := range map[string]struct {
		hanging string
		next    func(*testing.T, *story) *work
		want    []string
	}{
		"resumed before the work": {"shop-a", resumed, []string{"pre-upgrade/a waited for", "ConfigMap/app configured", "post-upgrade/b created"}},
		"resumed after the work":  {"shop-b", resumed, []string{"pre-upgrade/a not found", "ConfigMap/app unchanged", "post-upgrade/b waited for"}},
		"repeated before the work": {"shop-a", repeated, []string{
			"pre-upgrade/a waited for, then replaced", "ConfigMap/app configured", "post-upgrade/b created",
		}},
		"repeated after the work": {"shop-b", repeated, []string{"pre-upgrade/a replaced", "ConfigMap/app unchanged", "post-upgrade/b replaced"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStory()
				s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
				s.cutShort(t, ctrlC, test.hanging, s.plan(t, release.OperationUpgrade, text, plan.Options{}))
				said, err := previewed(t, s.cluster, test.next(t, s))
				if diff := cmp.Diff(test.want, said); diff != "" || err != nil {
					t.Errorf("error %v; it says (-want +got):\n%s", err, diff)
				}
			})
		})
	}
}
