package lifecycle_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// A revision that does not ask any more for an object to be kept counts once it has succeeded, not when it fails.
func TestWhatIsKeptStaysSoUntilItIsApplied(t *testing.T) {
	t.Parallel()
	kept := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data, annotations: {sherpack.io/resource-policy: keep}}\n---\n"
	cluster := newCluster()
	first := mustPlan(t, kept, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	text := plantest.Object("v1", "ConfigMap", "data") + plantest.Hook("a", "pre-upgrade", "")
	cluster.outcomes["shop-a"] = exit3
	second := upgrade(t, text, first.Release.Inventory, nil)
	if _, _, err := run(t, cluster, second); err == nil {
		t.Fatal("no error")
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, removal(t, text, second.Release, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(cluster.log, func(line string) bool { return strings.Contains(line, "ConfigMap/data") }) {
		t.Errorf("it did %v", cluster.log)
	}
	// Once it was applied without, it goes.
	delete(cluster.outcomes, "shop-a")
	third := upgrade(t, text, second.Release.Inventory, nil)
	if _, _, err := run(t, cluster, third); err != nil || third.Release.Inventory[0].Keep {
		t.Errorf("%v, %+v", err, third.Release.Inventory[0])
	}
}
