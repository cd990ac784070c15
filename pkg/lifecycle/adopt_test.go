package lifecycle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// putTheirs places a ConfigMap on the cluster that belongs to nobody.
func putTheirs(cluster *cluster) {
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
}

// adopted returns the release of an installation that has adopted an object and failed, without being undone.
func adopted(t *testing.T, cluster *cluster) *release.Release {
	t.Helper()
	putTheirs(cluster)
	planned := plan(t, theirs()+hook("a", "post-install", ""), lifecycle.Options{TakeOwnership: true})
	cluster.outcomes["shop-a"] = exit3
	if _, _, err := run(t, cluster, planned); err == nil {
		t.Fatal("no error")
	}
	delete(cluster.outcomes, "shop-a")
	cluster.log = nil
	return planned.Release
}

func theirs() string { return object("v1", "ConfigMap", "theirs") }

// again plans to install a text after an installation that failed.
func again(t *testing.T, previous *release.Release, text string, options lifecycle.Options) *lifecycle.Plan {
	t.Helper()
	planned, err := lifecycle.NewPlan(lifecycle.Request{
		Operation: lifecycle.Install, Release: release.New("shop", "web", 2), Previous: previous, History: release.History{previous},
		Nodes: nodes(t, text), Scopes: scopes(), Options: options,
	})
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// What an object is, is recorded before it is touched: where that fails nothing is adopted.
func TestNothingIsAdoptedWithoutARecord(t *testing.T) {
	t.Parallel()
	cluster, kept := newCluster(), &store{formerErr: errors.New("no quota for Secrets")}
	putTheirs(cluster)
	planned := plan(t, theirs(), lifecycle.Options{TakeOwnership: true})
	if _, _, err := runWith(t.Context(), cluster, kept, planned, time.Now); !errors.Is(err, kept.formerErr) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"remember ConfigMap/theirs"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// An adoption by an operation that failed is given back by whatever would delete the object.
func TestAnAdoptionThatDidNotSucceedIsGivenBack(t *testing.T) {
	t.Parallel()
	want := []string{"give back ConfigMap/theirs"}
	for name, next := range map[string]func(*testing.T, *release.Release) *lifecycle.Plan{
		"by an uninstallation": func(t *testing.T, r *release.Release) *lifecycle.Plan {
			t.Helper()
			return removal(t, theirs(), r, lifecycle.Options{})
		},
		"by what has it no more": func(t *testing.T, r *release.Release) *lifecycle.Plan {
			t.Helper()
			return again(t, r, object("v1", "ConfigMap", "other"), lifecycle.Options{})
		},
		"by an undo of another operation": func(t *testing.T, r *release.Release) *lifecycle.Plan {
			t.Helper()
			back, err := lifecycle.NewWayBack(again(t, r, theirs(), lifecycle.Options{}), noRequest())
			if err != nil {
				t.Fatal(err)
			}
			return back
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			planned := next(t, adopted(t, cluster))
			kept, _, err := run(t, cluster, planned)
			if err != nil {
				t.Fatal(err)
			}
			about := slices.DeleteFunc(cluster.log, func(line string) bool { return !strings.Contains(line, "theirs") })
			if diff := cmp.Diff(want, about); diff != "" {
				t.Error(diff)
			}
			if slices.ContainsFunc(planned.Release.Inventory, func(entry release.Entry) bool { return entry.Name == "theirs" }) {
				t.Error("it is still on the inventory")
			}
			if !kept.dropped && !slices.Contains(kept.writes, "drop former") {
				t.Errorf("what it was is still recorded: %v", kept.writes)
			}
		})
	}
}

// One that has succeeded is final.
func TestAnAdoptionThatSucceededIsFinal(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	planned := again(t, adopted(t, cluster), theirs(), lifecycle.Options{})
	kept, _, err := run(t, cluster, planned)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(kept.writes, "drop former") {
		t.Errorf("what it was is still recorded: %v", kept.writes)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, removal(t, theirs(), planned.Release, lifecycle.Options{})); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(cluster.log, "delete ConfigMap/theirs Background") {
		t.Errorf("it did %v", cluster.log)
	}
}

// What cannot be given back stays on the inventory, and all else of the undo is done.
func TestWhatCannotBeGivenBackStaysOnTheInventory(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	putTheirs(cluster)
	planned := plan(t, theirs()+object("v1", "ConfigMap", "made")+hook("a", "post-install", ""), lifecycle.Options{TakeOwnership: true})
	cluster.outcomes["shop-a"] = exit3
	if _, _, err := run(t, cluster, planned); err == nil {
		t.Fatal("no error")
	}
	back, err := lifecycle.NewWayBack(planned, noRequest())
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("a webhook says no")
	cluster.log, cluster.applyErr["theirs"] = nil, refused
	if _, _, err := run(t, cluster, back); !errors.Is(err, refused) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"delete Job/shop-a Foreground", "delete ConfigMap/made Background"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	left := back.Release.Inventory
	if len(left) != 1 || left[0].Name != "theirs" || !left[0].Provisional || len(back.Release.Former) != 1 {
		t.Errorf("left are %+v", left)
	}
	delete(cluster.applyErr, "theirs")
	cluster.log = nil
	if _, _, err := run(t, cluster, removal(t, theirs(), back.Release, lifecycle.Options{})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"give back ConfigMap/theirs"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// What an earlier command had begun to adopt, or to give back, is given back before anything else; then it belongs to others.
func TestWhatIsHalfAdoptedIsGivenBackFirst(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]lifecycle.Options{"without the flag": {}, "with it": {TakeOwnership: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			previous := adopted(t, cluster)
			for _, object := range cluster.objects {
				if object.GetName() == "theirs" {
					object.SetAnnotations(nil)
					object.SetLabels(nil)
				}
			}
			_, _, err := run(t, cluster, again(t, previous, theirs(), options))
			var foreign *lifecycle.ForeignError
			if errors.As(err, &foreign) == options.TakeOwnership || options.TakeOwnership && err != nil {
				t.Errorf("the error is %v", err)
			}
			want := []string{"give back ConfigMap/theirs"}
			if options.TakeOwnership {
				want = append(want, "remember ConfigMap/theirs", "take over ConfigMap/theirs", "apply ConfigMap/theirs")
			}
			about := slices.DeleteFunc(cluster.log, func(line string) bool { return !strings.Contains(line, "theirs") })
			if diff := cmp.Diff(want, about); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What would have to be deleted is not adopted: an object that is recreated, and a hook's.
func TestWhatIsAdoptedIsNotDeleted(t *testing.T) {
	t.Parallel()
	recreate := strings.Replace(theirs(), "{name: ", "{annotations: {sherpack.io/on-immutable: recreate}, name: ", 1)
	asHook := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs, annotations: {sherpack.io/hook: pre-install, sherpack.io/hook-delete-policy: hook-succeeded}}\n"
	for name, text := range map[string]string{"recreated": recreate, "a hook with a policy": asHook} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			putTheirs(cluster)
			cluster.frozen = []string{"theirs"}
			_, _, err := run(t, cluster, plan(t, text, lifecycle.Options{TakeOwnership: true, RecreateImmutable: true}))
			var refused *lifecycle.AdoptedError
			var foreign *lifecycle.ForeignError
			if !errors.As(err, &refused) && !errors.As(err, &foreign) {
				t.Errorf("the error is %v", err)
			}
			if slices.ContainsFunc(cluster.log, func(line string) bool { return strings.HasPrefix(line, "delete") }) {
				t.Errorf("it did %v", cluster.log)
			}
		})
	}
}
