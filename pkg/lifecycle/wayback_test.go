package lifecycle_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// takenBack runs a plan that must fail, and then the way back, which must be there. request is that of NewWayBack, after the
// failure. It returns the way back; what that did is what is in the log of the cluster.
func takenBack(t *testing.T, cluster *cluster, failing *work, request func() plan.Request) *work {
	t.Helper()
	if _, _, err := run(t, cluster, failing); err == nil {
		t.Fatal("no error")
	}
	back, err := undoOf(failing, request())
	if err != nil {
		t.Fatal(err)
	}
	if back == nil {
		t.Fatal("nothing is put back")
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, back); err != nil {
		t.Fatal(err)
	}
	return back
}

func noRequest() plan.Request { return plan.Request{} }

// replaced installs one text, has another, which must fail, take its place, and runs the way back.
func replaced(t *testing.T, cluster *cluster, one, two string) {
	t.Helper()
	first := mustPlan(t, one, plan.Options{})
	first.Release.Content.Manifest = one
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	failing := upgrade(t, two, first.Release.Inventory, nil)
	failing.Release.Content.Manifest = two
	takenBack(t, cluster, failing, func() plan.Request { return plantest.Rollback(t, first.Release, failing.Release) })
}

// What the way there has made anew, as it said itself, the way back may make anew although the revision before did not say so.
func TestTheWayBackMakesAnewWhatTheWayThereDid(t *testing.T) {
	t.Parallel()
	one := plantest.Object("apps/v1", "Deployment", "a")
	two := strings.Replace(one, "{name: ", "{annotations: {sherpack.io/on-immutable: recreate}, name: ", 1) + plantest.Hook("b", "post-upgrade", "")
	cluster := newCluster()
	cluster.frozen, cluster.outcomes["shop-b"] = []string{"a"}, exit3
	replaced(t, cluster, one, two)
}

// A regular resource that has become a hook, and was applied as one, is put back.
func TestTheWayBackPutsBackWhatHasBecomeAHook(t *testing.T) {
	t.Parallel()
	one := plantest.Object("v1", "ConfigMap", "settings")
	two := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, annotations: {sherpack.io/hook: pre-upgrade, sherpack.io/hook-weight: '-1'}}\ndata: {a: b}\n---\n" + plantest.Hook("a", "pre-upgrade", "")
	cluster := newCluster()
	cluster.outcomes["shop-a"] = exit3
	replaced(t, cluster, one, two)
	if !slices.Contains(cluster.log, "apply ConfigMap/settings") {
		t.Errorf("it did %v", cluster.log)
	}
}

// What an installation finds with its marks is given back by the way back also where the work did not get as far as applying it.
func TestTheWayBackLeavesWhatItHasNotComeTo(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	putMarked(cluster, "data")
	planned := mustPlan(t, plantest.Object("v1", "ConfigMap", "data")+plantest.Hook("a", "pre-install", ""), plan.Options{})
	cluster.outcomes["shop-a"] = exit3
	takenBack(t, cluster, planned, noRequest)
	if diff := cmp.Diff([]string{"give back ConfigMap/data", "delete Job/shop-a Foreground"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// putMarked places a ConfigMap with the marks of the release on the cluster.
func putMarked(cluster *cluster, name string) {
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
		"name": name, "namespace": "web", "annotations": marks("shop"), "labels": map[string]any{plan.LabelManagedBy: "sherpack"},
	}})
}
