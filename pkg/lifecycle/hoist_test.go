package lifecycle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// versioned is a manifest whose hook reads a Secret and a ConfigMap that say which version they are of.
func versioned(version string, more ...string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {version: '%s'}\n---\n", version) +
		plantest.Object("v1", "ConfigMap", "same") + plantest.Object("v1", "ConfigMap", "later") + strings.Join(more, "") +
		plantest.PodHook("pre-install,pre-upgrade", "", ", envFrom: [{secretRef: {name: db}}, {secretRef: {name: new}}, {configMapRef: {name: same}}]", "")
}

func TestAHookThatFailsNamesWhatWasAppliedForIt(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	second := upgrade(t, versioned("2", plantest.Object("v1", "Secret", "new")), first.Release.Inventory, nil)
	kept, _, err := run(t, cluster, second)
	want := `hook pre-upgrade/migrate failed: container "c" exited with code 3 (0s, 2 attempts); applied before it: Secret/db, Secret/new`
	if err == nil || !strings.HasPrefix(err.Error(), want+"\n") || kept.last.Status.Message != want {
		t.Errorf("got %v\nand %s", err, kept.last.Status.Message)
	}
}

// With --atomic what was applied for the hook is as it was before, and what was made for it is gone.
func TestTheWayBackPutsBackWhatWasHoisted(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	first.Release.Content.Manifest = versioned("1")
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	failed := upgrade(t, versioned("2", plantest.Object("v1", "Secret", "new")), first.Release.Inventory, nil)
	failed.Release.Content.Manifest = versioned("2", plantest.Object("v1", "Secret", "new"))
	if _, _, err := run(t, cluster, failed); err == nil || failed.result.Extent != plan.ExtentEarly {
		t.Fatalf("%v, extent %d", err, failed.result.Extent)
	}
	back, err := undoOf(failed, plantest.Rollback(t, first.Release, failed.Release))
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, back); err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(cluster.log, func(line string) bool { return strings.Contains(line, "Job/") })
	if diff := cmp.Diff([]string{"apply Secret/db", "delete Secret/new Background"}, got); diff != "" {
		t.Error(diff)
	}
}

// What a failure before this one has left goes back, too, although this one has changed nothing.
func TestTheWayBackPutsBackWhatAnEarlierFailureLeft(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	first.Release.Content.Manifest = versioned("1")
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	plain := upgrade(t, versioned("2"), first.Release.Inventory, release.History{first.Release})
	if _, _, err := run(t, cluster, plain); err == nil {
		t.Fatal("the hook succeeded")
	}
	plain.Release.Content.Manifest = versioned("2")
	again := upgrade(t, versioned("2"), plain.Release.Inventory, release.History{first.Release, plain.Release})
	if _, _, err := run(t, cluster, again); err == nil || again.result.Extent != plan.ExtentNone {
		t.Fatalf("%v, extent %d", err, again.result.Extent)
	}
	again.Release.Content.Manifest = versioned("2")
	back, err := undoOf(again, plantest.Rollback(t, first.Release, again.Release))
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, back); err != nil {
		t.Fatal(err)
	}
	if got := slices.DeleteFunc(cluster.log, func(line string) bool { return strings.Contains(line, "Job/") }); !slices.Equal(got, []string{"apply Secret/db"}) {
		t.Errorf("it did %v", got)
	}
}

// What the hook needs and has not changed is nothing to take back.
func TestAHookThatFailsBeforeAnythingChangedLeavesNothing(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	second := upgrade(t, versioned("1"), first.Release.Inventory, nil)
	if _, _, err := run(t, cluster, second); err == nil || strings.Contains(err.Error(), "applied before") || second.result.Extent != plan.ExtentNone {
		t.Errorf("%v, extent %d", err, second.result.Extent)
	}
}

func TestManyObjectsThatWereAppliedAreCounted(t *testing.T) {
	t.Parallel()
	var text, container strings.Builder
	for i := range 50 {
		text.WriteString(plantest.Object("v1", "Secret", fmt.Sprintf("s%02d", i)))
		fmt.Fprintf(&container, "{secretRef: {name: s%02d}},", i)
	}
	cluster := newCluster()
	cluster.outcomes["shop-migrate"] = exit3
	_, _, err := run(t, cluster, mustPlan(t, text.String()+plantest.PodHook("pre-install", "", ", envFrom: ["+container.String()+"]", ""), plan.Options{}))
	if err == nil || !strings.Contains(err.Error(), "Secret/s08, Secret/s09 and 40 more\n") {
		t.Error(err)
	}
}
