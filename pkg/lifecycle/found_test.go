package lifecycle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// What an installation finds with its marks is left by the way back also where the work did not get as far as applying it.
func TestTheWayBackLeavesWhatItHasNotComeTo(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
		"name": "data", "namespace": "web", "annotations": marks("shop"), "labels": map[string]any{lifecycle.LabelManagedBy: "sherpack"},
	}})
	planned := plan(t, object("v1", "ConfigMap", "data")+hook("a", "pre-install", ""), lifecycle.Options{})
	cluster.outcomes["shop-a"] = exit3
	if _, _, err := run(t, cluster, planned); err == nil {
		t.Fatal("no error")
	}
	back, err := lifecycle.NewWayBack(planned, lifecycle.Request{})
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"delete Job/shop-a Foreground"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}
