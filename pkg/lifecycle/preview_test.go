package lifecycle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// previewed is what a preview says of each step, object by object.
func previewed(t *testing.T, cluster *cluster, planned *work) ([]string, error) {
	t.Helper()
	preview, err := lifecycle.Runner{Cluster: cluster, Now: time.Now}.Preview(t.Context(), planned.Plan)
	var said []string
	for i, step := range planned.Steps {
		for _, object := range step.Objects {
			said = append(said, object.Title()+" "+preview.Effect(i, object.Reference()))
		}
		for _, h := range step.Hooks {
			said = append(said, h.Title+" "+preview.Effect(i, h.Object.Reference()))
		}
		for _, entry := range step.Entries {
			said = append(said, entry.Kind+"/"+entry.Name+" "+preview.Effect(i, entry.Reference()))
		}
	}
	return said, err
}

func TestAPreviewFollowsAnObjectThroughTheSteps(t *testing.T) {
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
		"Job/shop-b not there", "Job/shop-a deleted",
	}
	if diff := cmp.Diff(want, said); diff != "" || err != nil {
		t.Errorf("error %v; it says (-want +got):\n%s", err, diff)
	}
}

func TestAPreviewSaysNothingOfWhatItCouldNotLookAt(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	said, err := previewed(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "theirs"), plan.Options{}))
	var foreign *lifecycle.ForeignError
	if diff := cmp.Diff([]string{"ConfigMap/theirs "}, said); diff != "" || !errors.As(err, &foreign) {
		t.Errorf("error %v; it says (-want +got):\n%s", err, diff)
	}
}

func TestAPreviewDoesNotWaitForWhatIsBeingDeleted(t *testing.T) {
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
	if diff := cmp.Diff([]string{"try anew ConfigMap/app"}, cluster.tried); diff != "" || len(cluster.log) > 0 {
		t.Errorf("it did %v; tried (-want +got):\n%s", cluster.log, diff)
	}
}

// What has succeeded does not run again, so that nothing of it is tried.
func TestAResumptionTriesOnlyWhatIsLeft(t *testing.T) {
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
	cluster.tried = nil
	if _, err := previewed(t, cluster, planned); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"try anew Job/shop-b", "try to delete Job/shop-b"}, cluster.tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	if done := []bool{planned.HasRun(planned.Steps[0].Hooks[0]), planned.HasRun(planned.Steps[2].Hooks[0])}; !cmp.Equal(done, []bool{true, false}) {
		t.Errorf("has run: %v", done)
	}
}
