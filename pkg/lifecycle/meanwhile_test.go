package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	sherpack "github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// during has something happen to the cluster while a hook runs, which then succeeds.
func (c *cluster) during(hook string, happens func()) {
	c.outcomes[hook] = func(context.Context) (kube.HookOutcome, error) {
		happens()
		return kube.HookOutcome{Succeeded: true}, nil
	}
}

func TestWhatChangesDuringAHookIsNotOverlooked(t *testing.T) {
	t.Parallel()
	text := hook("backup", "pre-upgrade", "") + object("v1", "ConfigMap", "app")
	for name, test := range map[string]struct {
		happens func(cluster *cluster)
		want    []string
		err     string
	}{
		"nothing": {func(*cluster) {}, []string{"apply Job/shop-backup"}, ""},
		"an object is deleted": {func(cluster *cluster) {
			for key := range cluster.objects {
				if key.Name == "app" {
					delete(cluster.objects, key)
				}
			}
		}, []string{"apply Job/shop-backup", "apply ConfigMap/app"}, ""},
		"an object is being deleted": {func(cluster *cluster) {
			for key, object := range cluster.objects {
				if key.Name == "app" {
					object.Object["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
				}
			}
		}, []string{"apply Job/shop-backup", "await ConfigMap/app gone", "apply ConfigMap/app"}, ""},
		"somebody else's is in its place": {func(cluster *cluster) {
			for key, object := range cluster.objects {
				if key.Name == "app" {
					object.SetAnnotations(nil)
					object.SetUID("another")
				}
			}
		}, []string{"apply Job/shop-backup"}, "ConfigMap/web/app exists already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			first := mustPlan(t, text, plan.Options{SkipPhases: sherpack.Phases()})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			cluster.log = nil
			cluster.during("shop-backup", func() { test.happens(cluster) })
			_, _, err := run(t, cluster, upgrade(t, text, first.Release.Inventory, nil))
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("got %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Hooks that did not run, because the time was over or the user wanted an end, are no success.
func TestAnInterruptBetweenTwoHooksIsNotOverlooked(t *testing.T) {
	t.Parallel()
	for name, keepGoing := range map[string]bool{"up to the first that fails": false, "all of them": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := hook("a", "test", "") + hook("b", "test", "")
			planned, err := newWork(plan.Test(plan.Request{Release: revision(t, 1, release.Deployed, text), Nodes: nodes(t, text), Scopes: scopes()}, plan.Tests{KeepGoing: keepGoing}))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cluster := newCluster()
			cluster.during("shop-a", cancel)
			kept, _, err := runIn(ctx, cluster, planned)
			if !errors.Is(err, lifecycle.ErrInterrupted) {
				t.Errorf("got %v", err)
			}
			want := []string{"test/a from 0: Succeeded", "test/b from 0: Skipped (not reached)"}
			if diff := cmp.Diff(want, records(&kept.last)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A history that cannot be tidied up makes no failure of a success.
func TestAHistoryThatCannotBeTidiedIsAWarning(t *testing.T) {
	t.Parallel()
	deployed := release.New("shop", "web", 1)
	deployed.Status.Phase = release.Deployed
	planned := upgrade(t, object("v1", "ConfigMap", "app"), nil, release.History{deployed})
	kept, events, err := runWith(t.Context(), newCluster(), &store{tidyErr: errors.New("forbidden")}, planned, time.Now)
	if err != nil || kept.last.Status.Phase != release.Deployed {
		t.Fatalf("%v, %s", err, kept.last.Status.Phase)
	}
	said := ""
	for _, event := range events {
		if event.Type == lifecycle.Warning {
			said += event.Message
		}
	}
	if !strings.Contains(said, "forbidden") {
		t.Errorf("said %q", said)
	}
}

// A release that is gone, but for its record, says so.
func TestARecordThatCannotBeDroppedSaysWhatItIs(t *testing.T) {
	t.Parallel()
	text := object("v1", "ConfigMap", "app")
	r := revision(t, 1, release.Deployed, text)
	kept, _, err := runWith(t.Context(), newCluster(), &store{tidyErr: errors.New("forbidden")}, removal(t, text, r, plan.Options{}), time.Now)
	if err == nil || kept.last.Status.Phase != release.Uninstalled {
		t.Errorf("%v, %s", err, kept.last.Status.Phase)
	}
}

// A failed installation leaves what was there before it.
func TestTheWayBackLeavesWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	text := object("v1", "ConfigMap", "data") + object("v1", "ConfigMap", "more")
	removed := revision(t, 1, release.Uninstalled, object("v1", "ConfigMap", "data"))
	removed.Inventory[0].Origin, removed.Inventory[0].UID = release.Created, "uid-1"
	for name, previous := range map[string]*release.Release{"with its history": removed, "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			putMarked(cluster, "data")
			planned, err := newWork(plan.New(plan.Request{
				Operation: release.OperationInstall, Release: release.New("shop", "web", 2), Previous: previous, Nodes: nodes(t, text+hook("a", "post-install", "")), Scopes: scopes(),
			}))
			if err != nil {
				t.Fatal(err)
			}
			cluster.outcomes["shop-a"] = exit3
			takenBack(t, cluster, planned, noRequest)
			if diff := cmp.Diff([]string{"give back ConfigMap/data", "delete Job/shop-a Foreground", "delete ConfigMap/more Background"}, cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What somebody makes between the look and the apply was there before the installation, as far as anybody knows: its way back
// deletes only what it has made itself.
func TestTheWayBackLeavesWhatSomebodyMadeMeanwhile(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.meanwhile = func() {
		putTheirs(cluster)
		cluster.meanwhile = nil
	}
	cluster.outcomes["shop-a"] = exit3
	takenBack(t, cluster, mustPlan(t, theirs()+object("v1", "ConfigMap", "made")+hook("a", "post-install", ""), plan.Options{}), noRequest)
	if diff := cmp.Diff([]string{"delete Job/shop-a Foreground", "delete ConfigMap/made Background"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// Definitions of kinds that were applied are no change that has to be taken back.
func TestTheExtentOfAChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first string
		want  plan.Extent
	}{
		"nothing before the hook": {"", plan.ExtentNone},
		"a definition of a kind":  {object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com"), plan.ExtentNone},
		"a Namespace":             {object("v1", "Namespace", "extra"), plan.ExtentEarly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			cluster.outcomes["shop-a"] = exit3
			planned := upgrade(t, test.first+hook("a", "pre-upgrade", "")+object("v1", "ConfigMap", "app"), nil, nil)
			if _, _, err := run(t, cluster, planned); err == nil || planned.result.Extent != test.want {
				t.Errorf("%v, extent %d, want %d", err, planned.result.Extent, test.want)
			}
		})
	}
}

// What is made anew stays on the inventory when nobody knows whether it was made.
func TestARecreationThatIsCutOffStaysOnTheInventory(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := object("apps/v1", "Deployment", "a")
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	cluster.frozen, cluster.lost = []string{"a"}, []string{"a"}
	second := mustPlan(t, text, plan.Options{RecreateImmutable: true})
	kept, _, err := run(t, cluster, second)
	if err == nil || len(kept.last.Inventory) != 1 {
		t.Errorf("%v, inventory %+v", err, kept.last.Inventory)
	}
}

// What somebody makes between the look and the apply is not the release's to delete, whatever the user allows.
func TestWhatSomebodyMakesMeanwhileIsNotMadeAnew(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.frozen = []string{"a"}
	cluster.meanwhile = func() {
		put(cluster, map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "a", "namespace": "web"}})
	}
	_, _, err := run(t, cluster, mustPlan(t, object("apps/v1", "Deployment", "a"), plan.Options{RecreateImmutable: true}))
	var immutable *refusal.ImmutableError
	if !errors.As(err, &immutable) {
		t.Errorf("the error is %v", err)
	}
	if deleted := strings.Contains(fmt.Sprint(cluster.log), "delete "); deleted {
		t.Errorf("log: %v", cluster.log)
	}
}

// A hook of the revision that is left and a regular object of the one that is restored may be the same Job.
func TestAHookOfThisRunMayBecomeRegular(t *testing.T) {
	t.Parallel()
	old := revision(t, 1, release.Superseded, object("batch/v1", "Job", "shop-x"))
	left := revision(t, 2, release.Deployed, hook("x", "pre-rollback", ""))
	planned, err := newWork(plan.New(rollback(t, old, left)))
	if err != nil {
		t.Fatal(err)
	}
	cluster := newCluster()
	cluster.during("shop-x", func() { cluster.frozen = []string{"shop-x"} })
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"apply Job/shop-x", "delete Job/shop-x Foreground", "apply Job/shop-x"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// A hook of a kind that is applied in place is made anew, too, where that is allowed.
func TestAHookThatCannotBeChangedIsMadeAnew(t *testing.T) {
	t.Parallel()
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  annotations: {sherpack.io/hook: pre-install, sherpack.io/on-immutable: recreate}\n"
	cluster := newCluster()
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	cluster.frozen, cluster.log = []string{"settings"}, nil
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"delete ConfigMap/settings Foreground", "apply ConfigMap/settings"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}
