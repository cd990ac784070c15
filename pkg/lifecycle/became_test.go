package lifecycle_test

import (
	"slices"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// A regular resource that has become a hook, and was applied as one, is put back.
func TestTheWayBackPutsBackWhatHasBecomeAHook(t *testing.T) {
	t.Parallel()
	one := object("v1", "ConfigMap", "settings")
	two := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, annotations: {sherpack.io/hook: pre-upgrade, sherpack.io/hook-weight: '-1'}}\ndata: {a: b}\n---\n" + hook("a", "pre-upgrade", "")
	cluster := newCluster()
	first := plan(t, one, lifecycle.Options{})
	first.Release.Content.Manifest = one
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-a"] = exit3
	failed := upgrade(t, two, first.Release.Inventory, nil)
	failed.Release.Content.Manifest = two
	if _, _, err := run(t, cluster, failed); err == nil {
		t.Fatal("no error")
	}
	back, err := lifecycle.NewWayBack(failed, rollback(t, first.Release, failed.Release))
	if err != nil {
		t.Fatal(err)
	}
	if back == nil {
		t.Fatal("nothing is put back")
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, back); err != nil || !slices.Contains(cluster.log, "apply ConfigMap/settings") {
		t.Errorf("%v, it did %v", err, cluster.log)
	}
}
