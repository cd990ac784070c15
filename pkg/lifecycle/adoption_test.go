package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestAdoption(t *testing.T) {
	t.Parallel()
	t.Run("objects of others are adopted and given back", objectsOfOthersAreAdoptedAndGivenBack)
	t.Run("nothing is adopted without a record", nothingIsAdoptedWithoutARecord)
	t.Run("an adoption that did not succeed is given back", anAdoptionThatDidNotSucceedIsGivenBack)
	t.Run("an adoption that succeeded is final", anAdoptionThatSucceededIsFinal)
	t.Run("an adoption is final though that was not recorded", adoptionIsFinalUnrecorded)
	t.Run("what cannot be given back stays on the inventory", whatCannotBeGivenBackStaysOnTheInventory)
	t.Run("what cannot be given back can be kept", whatCannotBeGivenBackCanBeKept)
	t.Run("what is half adopted is given back first", whatIsHalfAdoptedIsGivenBackFirst)
	t.Run("a refusal names what was given back before", aRefusalNamesWhatWasGivenBackBefore)
	t.Run("what is adopted is not deleted", whatIsAdoptedIsNotDeleted)
	t.Run("the content of a CRD is not given back", contentOfCRDIsNotGivenBack)
	t.Run("the undo of an upgrade disowns what that adopted", theUndoOfAnUpgradeDisownsWhatThatAdopted)
}

func objectsOfOthersAreAdoptedAndGivenBack(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	text := plantest.Object("v1", "ConfigMap", "theirs") + plantest.Object("v1", "ConfigMap", "ours") + plantest.Hook("a", "post-install", "")
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err == nil {
		t.Fatal("it was taken over unasked")
	}
	cluster.log, cluster.outcomes["shop-a"] = nil, exit3
	planned := mustPlan(t, text, plan.Options{TakeOwnership: true})
	if _, _, err := run(t, cluster, planned); err == nil {
		t.Fatal("the hook succeeded")
	}
	if diff := cmp.Diff([]string{"remember ConfigMap/theirs", "take over ConfigMap/theirs", "apply ConfigMap/ours", "apply ConfigMap/theirs", "apply Job/shop-a"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	undo, err := undoOf(planned, plan.Request{})
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, undo); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"give back ConfigMap/theirs", "delete Job/shop-a Foreground", "delete ConfigMap/ours Background"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// What an object is, is recorded before it is touched: where that fails nothing is adopted.
func nothingIsAdoptedWithoutARecord(t *testing.T) {
	t.Parallel()
	cluster, kept := newCluster(), &store{formerErr: errors.New("no quota for Secrets")}
	putTheirs(cluster)
	planned := mustPlan(t, theirs(), plan.Options{TakeOwnership: true})
	if _, _, err := runWith(t.Context(), cluster, kept, planned, time.Now); !errors.Is(err, kept.formerErr) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"remember ConfigMap/theirs"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// An adoption by an operation that failed is given back by whatever would delete the object.
func anAdoptionThatDidNotSucceedIsGivenBack(t *testing.T) {
	t.Parallel()
	want := []string{"give back ConfigMap/theirs"}
	for name, next := range map[string]func(*testing.T, *release.Release) *work{
		"by an uninstallation": func(t *testing.T, r *release.Release) *work {
			t.Helper()
			return removal(t, theirs(), r, plan.Options{})
		},
		"by what has it no more": func(t *testing.T, r *release.Release) *work {
			t.Helper()
			return again(t, r, plantest.Object("v1", "ConfigMap", "other"), plan.Options{})
		},
		"by an undo of another operation": func(t *testing.T, r *release.Release) *work {
			t.Helper()
			undo, err := undoOf(again(t, r, theirs(), plan.Options{}), noRequest())
			if err != nil {
				t.Fatal(err)
			}
			return undo
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

// adopted returns the release of an installation that has adopted an object and failed, without being undone.
func adopted(t *testing.T, cluster *cluster) *release.Release {
	t.Helper()
	putTheirs(cluster)
	planned := mustPlan(t, theirs()+plantest.Hook("a", "post-install", ""), plan.Options{TakeOwnership: true})
	cluster.outcomes["shop-a"] = exit3
	if _, _, err := run(t, cluster, planned); err == nil {
		t.Fatal("no error")
	}
	delete(cluster.outcomes, "shop-a")
	cluster.log = nil
	return planned.Release
}

// again plans to install a text after an installation that failed.
func again(t *testing.T, previous *release.Release, text string, options plan.Options) *work {
	t.Helper()
	planned, err := newWork(plan.New(plan.Request{
		Operation: release.OperationInstall, Release: release.New("shop", "web", 2), Previous: previous, History: release.History{previous},
		Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes(), Options: options,
	}))
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// One that has succeeded is final.
func anAdoptionThatSucceededIsFinal(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	planned := again(t, adopted(t, cluster), theirs(), plan.Options{})
	kept, _, err := run(t, cluster, planned)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(kept.writes, "drop former") {
		t.Errorf("what it was is still recorded: %v", kept.writes)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, removal(t, theirs(), planned.Release, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(cluster.log, "delete ConfigMap/theirs Background") {
		t.Errorf("it did %v", cluster.log)
	}
}

// An operation that has succeeded and was killed before it had recorded that its adoptions are final has made them final.
func adoptionIsFinalUnrecorded(t *testing.T) {
	t.Parallel()
	for _, operation := range []release.Operation{release.OperationUninstall, release.OperationUpgrade} {
		t.Run(string(operation), func(t *testing.T) {
			t.Parallel()
			s := newStory()
			putTheirs(s.cluster)
			s.must(t, s.plan(t, release.OperationInstall, theirs(), plan.Options{TakeOwnership: true}))
			s.newest().Inventory[0].Provisional = true
			s.newest().SetFormer(release.Former{Kind: "ConfigMap", Namespace: "web", Name: "theirs", Object: []byte(`{"kind":"ConfigMap"}`)})
			s.cluster.log = nil
			planned := s.plan(t, operation, plantest.Object("v1", "ConfigMap", "other"), plan.Options{Wait: true})
			kept, _, err := run(t, s.cluster, planned)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(s.cluster.log, "delete ConfigMap/theirs Background") {
				t.Errorf("it did %v", s.cluster.log)
			}
			if !kept.dropped && !slices.Contains(kept.writes, "drop former") {
				t.Errorf("what it was is still recorded: %v", kept.writes)
			}
		})
	}
}

// What cannot be given back stays on the inventory, and all else of the undo is done.
func whatCannotBeGivenBackStaysOnTheInventory(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	putTheirs(cluster)
	planned := mustPlan(t, theirs()+plantest.Object("v1", "ConfigMap", "made")+plantest.Hook("a", "post-install", ""), plan.Options{TakeOwnership: true})
	cluster.outcomes["shop-a"] = exit3
	if _, _, err := run(t, cluster, planned); err == nil {
		t.Fatal("no error")
	}
	undo, err := undoOf(planned, noRequest())
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("a webhook says no")
	cluster.log, cluster.applyErr["theirs"] = nil, refused
	if _, _, err := run(t, cluster, undo); !errors.Is(err, refused) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"delete Job/shop-a Foreground", "delete ConfigMap/made Background"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	left := undo.Release.Inventory
	if len(left) != 1 || left[0].Name != "theirs" || !left[0].Provisional || len(undo.Release.Former) != 1 {
		t.Errorf("left are %+v", left)
	}
	delete(cluster.applyErr, "theirs")
	cluster.log = nil
	if _, _, err := run(t, cluster, removal(t, theirs(), undo.Release, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"give back ConfigMap/theirs"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// Where giving back fails for good, who wants to keep the object may.
func whatCannotBeGivenBackCanBeKept(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprint("keep=", keep), func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			previous := adopted(t, cluster)
			previous.Inventory[previousIndex(previous, "theirs")].Returning = true
			refused := errors.New("a webhook says no")
			cluster.giveBackErr = refused
			planned := again(t, previous, theirs(), plan.Options{TakeOwnership: keep})
			_, _, err := run(t, cluster, planned)
			if keep && err != nil || !keep && (!errors.Is(err, refused) || !strings.HasSuffix(err.Error(), "; with --take-ownership the release keeps it")) {
				t.Errorf("the error is %v", err)
			}
			if entry := planned.Release.Inventory[previousIndex(planned.Release, "theirs")]; entry.Provisional == keep {
				t.Errorf("it is %+v", entry)
			}
		})
	}
}

func previousIndex(r *release.Release, name string) int {
	return slices.IndexFunc(r.Inventory, func(entry release.Entry) bool { return entry.Name == name })
}

// What an earlier command had begun to adopt, or to give back, is given back before anything else; then it belongs to others.
func whatIsHalfAdoptedIsGivenBackFirst(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]plan.Options{"without the flag": {}, "with it": {TakeOwnership: true}} {
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

// What is refused after the end of what an earlier command had begun does not say that nothing was changed.
func aRefusalNamesWhatWasGivenBackBefore(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	previous := adopted(t, cluster)
	previous.Inventory[previousIndex(previous, "theirs")].Returning = true
	_, _, err := run(t, cluster, again(t, previous, theirs(), plan.Options{}))
	var refused *lifecycle.PreflightError
	if !errors.As(err, &refused) {
		t.Fatalf("the error is %v", err)
	}
	if text := err.Error(); strings.Contains(text, "Nothing was changed.") || !strings.HasSuffix(text, "given back was ConfigMap/web/theirs.") {
		t.Errorf("it says %q", text)
	}
}

// What would have to be deleted is not adopted: an object that is recreated, and a hook's.
func whatIsAdoptedIsNotDeleted(t *testing.T) {
	t.Parallel()
	recreate := strings.Replace(theirs(), "{name: ", "{annotations: {sherpack.io/on-immutable: recreate}, name: ", 1)
	asHook := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: theirs, annotations: {sherpack.io/hook: pre-install, sherpack.io/hook-delete-policy: hook-succeeded}}\n"
	for name, text := range map[string]string{"recreated": recreate, "a hook with a policy": asHook} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			putTheirs(cluster)
			cluster.frozen = []string{"theirs"}
			_, _, err := run(t, cluster, mustPlan(t, text, plan.Options{TakeOwnership: true, RecreateImmutable: true}))
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

// What a CRD held is not restored, whoever it belonged to: objects of its kind would lose fields.
func contentOfCRDIsNotGivenBack(t *testing.T) {
	t.Parallel()
	s := newStory()
	definition := plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com")
	put(s.cluster, map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "things.example.com"}, "spec": "theirs",
	})
	s.cluster.outcomes["shop-a"] = exit3
	failed := s.plan(t, release.OperationInstall, definition+plantest.Hook("a", "post-install", ""), plan.Options{TakeOwnership: true})
	if _, err := s.run(t.Context(), failed); err == nil {
		t.Fatal("no error")
	}
	undo, err := undoOf(failed, noRequest())
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, undo)
	if !slices.Contains(s.cluster.log, "give back CustomResourceDefinition/things.example.com") {
		t.Errorf("it did %v", s.cluster.log)
	}
	for _, found := range s.cluster.objects {
		if found.GetKind() == "CustomResourceDefinition" && found.Object["spec"] != nil {
			t.Errorf("it has the content of before: %v", found.Object)
		}
	}
}

// The undo of an upgrade gives back what that took over, and the release does not own it any more.
func theUndoOfAnUpgradeDisownsWhatThatAdopted(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, plantest.Object("v1", "ConfigMap", "ours"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	next := upgrade(t, plantest.Object("v1", "ConfigMap", "ours")+plantest.Object("v1", "ConfigMap", "theirs")+plantest.Hook("a", "post-upgrade", ""), first.Release.Inventory, nil)
	next.Options.TakeOwnership = true
	cluster.outcomes["shop-a"] = exit3
	undo := undone(t, cluster, next, func() plan.Request {
		request := plan.Rollback(first.Release, next.Release, release.History{first.Release, next.Release}, plan.Options{})
		request.Nodes, request.Left, request.Scopes = plantest.Nodes(t, plantest.Object("v1", "ConfigMap", "ours")), nil, plantest.Scopes()
		return request
	})
	if diff := cmp.Diff([]string{"give back ConfigMap/theirs", "delete Job/shop-a Foreground"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	for _, entry := range undo.Release.Inventory {
		if entry.Name == "theirs" {
			t.Errorf("it is still on the inventory: %+v", entry)
		}
	}
}
