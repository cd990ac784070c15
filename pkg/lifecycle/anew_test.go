package lifecycle_test

import (
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// What the way there has made anew, as it said itself, the way back may make anew although the revision before did not say so.
func TestTheWayBackMakesAnewWhatTheWayThereDid(t *testing.T) {
	t.Parallel()
	one := object("apps/v1", "Deployment", "a")
	two := strings.Replace(one, "{name: ", "{annotations: {sherpack.io/on-immutable: recreate}, name: ", 1) + hook("b", "post-upgrade", "")
	cluster := newCluster()
	first := plan(t, one, lifecycle.Options{})
	first.Release.Content.Manifest = one
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.frozen, cluster.outcomes["shop-b"] = []string{"a"}, exit3
	failed := upgrade(t, two, first.Release.Inventory, nil)
	failed.Release.Content.Manifest = two
	if _, _, err := run(t, cluster, failed); err == nil {
		t.Fatal("no error")
	}
	back, err := lifecycle.NewWayBack(failed, rollback(t, first.Release, failed.Release))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, cluster, back); err != nil {
		t.Error(err)
	}
}
