package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// revision is a revision of release shop with a manifest and the inventory that a run of it leaves.
func revision(t *testing.T, number int, phase release.Phase, text string) *release.Release {
	t.Helper()
	r := release.New("shop", "web", number)
	planned, err := newWork(plan.New(plan.Request{
		Operation: release.OperationInstall, Release: r, Nodes: nodes(t, text), Scopes: scopes(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	r = planned.Release
	r.ResourceVersion, r.Content.Manifest, r.Status.Phase = "1", text, phase
	return r
}

// rollback is the request to go from the last of some revisions back to the first.
func rollback(t *testing.T, history ...*release.Release) plan.Request {
	t.Helper()
	target, newest := history[0], history[len(history)-1]
	request := plan.Rollback(target, newest, history, plan.Options{})
	request.Nodes, request.Left, request.Scopes = nodes(t, target.Content.Manifest), nodes(t, newest.Content.Manifest), scopes()
	return request
}

func records(r *release.Release) []string {
	var found []string
	for _, h := range r.Status.Hooks {
		found = append(found, fmt.Sprintf("%s from %d: %s", h.Title, h.FromRevision, h.Summary()))
	}
	return found
}

func TestARollbackRunsTheHooksOfBothRevisions(t *testing.T) {
	t.Parallel()
	old := revision(t, 2, release.Superseded, object("v1", "ConfigMap", "app")+hook("old", "pre-rollback,post-rollback", ""))
	left := revision(t, 5, release.Deployed, object("v1", "ConfigMap", "new")+hook("new", "pre-rollback,post-rollback", ""))
	planned, err := newWork(plan.New(rollback(t, old, left)))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"run-hooks pre-rollback pre-rollback/new", "apply ConfigMap/app", "run-hooks post-rollback post-rollback/old",
		"delete Job/shop-new", "delete ConfigMap/new",
	}
	if diff := cmp.Diff(want, steps(planned)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"pre-rollback/new from 5: Pending", "post-rollback/old from 2: Pending"}, records(planned.Release)); diff != "" {
		t.Error(diff)
	}
	if spec := planned.Release.Spec; spec.Revision != 6 || spec.FromRevision != 2 || planned.Operation != release.OperationRollback {
		t.Errorf("%s to %+v", planned.Operation, spec)
	}
}

// What was uninstalled is installed again from its record: there is nothing to leave.
func TestARollbackAfterARemovalInstalls(t *testing.T) {
	t.Parallel()
	removed := revision(t, 1, release.Uninstalled, hook("a", "pre-install,pre-rollback", "")+object("v1", "ConfigMap", "app"))
	planned, err := newWork(plan.New(rollback(t, removed)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"run-hooks pre-install pre-install/a", "apply ConfigMap/app"}, steps(planned)); diff != "" {
		t.Error(diff)
	}
}

func TestTheWayBackUndoesWhatWasChanged(t *testing.T) {
	t.Parallel()
	text := object("v1", "ConfigMap", "app") + object("v1", "ConfigMap", "kept") + hook("a", "pre-rollback,post-rollback", "")
	for name, test := range map[string]struct {
		operation release.Operation
		extent    plan.Extent
		want      []string
	}{
		"after an installation":                         {release.OperationInstall, plan.ExtentAll, []string{"delete Job/shop-a", "delete ConfigMap/app"}},
		"after an installation whose first hook failed": {release.OperationInstall, plan.ExtentNone, []string{"delete Job/shop-a", "delete ConfigMap/app"}},
		"after an upgrade whose first hook failed":      {release.OperationUpgrade, plan.ExtentNone, nil},
		"after an upgrade that has made a Namespace":    {release.OperationUpgrade, plan.ExtentEarly, []string{"apply ConfigMap/app ConfigMap/kept"}},
		"after an upgrade": {release.OperationUpgrade, plan.ExtentAll, []string{
			"run-hooks pre-rollback pre-rollback/a", "apply ConfigMap/app ConfigMap/kept", "run-hooks post-rollback post-rollback/a",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployed, newest := revision(t, 1, release.Deployed, text), revision(t, 2, release.Failed, text)
			for i := range newest.Inventory {
				if newest.Inventory[i].Name == "kept" {
					newest.Inventory[i].Origin = release.Adopted
				}
			}
			failed := failedWork(test.operation, newest, test.extent)
			back, err := undoOf(failed, rollback(t, deployed, newest))
			if err != nil {
				t.Fatal(err)
			}
			if back == nil {
				back = &work{}
			}
			if diff := cmp.Diff(test.want, steps(back)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The way back goes on when its first hook fails, or hangs: half of the time is left then.
func TestTheWayBackDoesNotEndWithAHook(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]func(context.Context) (kube.HookOutcome, error){"fails": exit3, "hangs": hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { goBackOver(t, outcome) })
		})
	}
}

// goBackOver runs a way back whose first hook ends as it is told, in a time that only passes when nothing else is to do.
func goBackOver(t *testing.T, outcome func(context.Context) (kube.HookOutcome, error)) {
	t.Helper()
	text := object("v1", "ConfigMap", "app") + hook("a", "pre-rollback", "")
	deployed, newest := revision(t, 1, release.Deployed, text), revision(t, 2, release.Failed, text)
	request := rollback(t, deployed, newest)
	request.Options.Timeout = time.Minute
	back, err := undoOf(failedWork(release.OperationUpgrade, newest, plan.ExtentAll), request)
	if err != nil {
		t.Fatal(err)
	}
	cluster := newCluster()
	cluster.outcomes["shop-a"] = outcome
	started := time.Now()
	kept, events, err := runOn(t.Context(), cluster, back, time.Now)
	if err != nil || kept.last.Status.Phase != release.Deployed || time.Since(started) > time.Minute/2 {
		t.Fatalf("%v, %s after %s", err, kept.last.Status.Phase, time.Since(started))
	}
	if records := records(&kept.last); !strings.Contains(records[0], "Failed") {
		t.Errorf("records: %v", records)
	}
	said := false
	for _, event := range events {
		said = said || event.Type == lifecycle.Warning && strings.Contains(event.Message, "hook pre-rollback/a failed")
	}
	if !said {
		t.Errorf("nothing was said: %+v", events)
	}
}

func TestTestsAreChosenByName(t *testing.T) {
	t.Parallel()
	text := hook("smoke", "test", "") + hook("load", "test", "") + object("v1", "ConfigMap", "app")
	for name, test := range map[string]struct {
		tests   plan.Tests
		want    []string
		records []string
	}{
		"all":        {plan.Tests{}, []string{"run-hooks test test/load test/smoke"}, []string{"Pending", "Pending"}},
		"one":        {plan.Tests{Only: []string{"smoke"}}, []string{"run-hooks test test/smoke"}, []string{"Skipped", "Pending"}},
		"by object":  {plan.Tests{Only: []string{"shop-smoke"}}, []string{"run-hooks test test/smoke"}, []string{"Skipped", "Pending"}},
		"all but it": {plan.Tests{Except: []string{"smoke"}}, []string{"run-hooks test test/load"}, []string{"Pending", "Skipped"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planned, err := newWork(plan.Test(plan.Request{Release: revision(t, 1, release.Deployed, text), Nodes: nodes(t, text), Scopes: scopes()}, test.tests))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, steps(planned)); diff != "" {
				t.Error(diff)
			}
			var states []string
			for _, h := range planned.Release.Status.Hooks {
				states = append(states, string(h.State))
			}
			if diff := cmp.Diff(test.records, states); diff != "" {
				t.Error(diff)
			}
		})
	}
	_, err := newWork(plan.Test(plan.Request{Release: revision(t, 1, release.Deployed, text), Nodes: nodes(t, text), Scopes: scopes()}, plan.Tests{Only: []string{"smok"}}))
	var unknown *plan.UnknownTestError
	if !errors.As(err, &unknown) || err.Error() != `the release has no test "smok"; its tests: load, smoke` {
		t.Errorf("got %v", err)
	}
}

// A test changes nothing about the release but the records of its tests.
func TestATestLeavesTheReleaseAsItIs(t *testing.T) {
	t.Parallel()
	text := hook("a", "test", "") + hook("b", "test", "") + hook("c", "test", "") + hook("install", "pre-install", "")
	for name, test := range map[string]struct {
		keepGoing bool
		want      []string
	}{
		"up to the first that fails": {false, []string{"pre-install/install from 0: Pending", "test/a from 0: Succeeded", "test/b from 0: Failed (exit code 3)", "test/c from 0: Skipped (not reached)"}},
		"all of them":                {true, []string{"pre-install/install from 0: Pending", "test/a from 0: Succeeded", "test/b from 0: Failed (exit code 3)", "test/c from 0: Succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := revision(t, 1, release.Deployed, text)
			r.Status.Operation = "install"
			planned, err := newWork(plan.Test(plan.Request{Release: r, Nodes: nodes(t, text), Scopes: scopes()}, plan.Tests{KeepGoing: test.keepGoing}))
			if err != nil {
				t.Fatal(err)
			}
			cluster := newCluster()
			cluster.outcomes["shop-b"] = exit3
			kept, _, err := run(t, cluster, planned)
			var failed *lifecycle.HookError
			if !errors.As(err, &failed) {
				t.Fatalf("no failed hook: %v", err)
			}
			got := records(&kept.last)
			got[0] = strings.Replace(got[0], "Skipped (not reached)", "Pending", 1)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if status := kept.last.Status; status.Phase != release.Deployed || status.Operation != "install" || status.Message != "" {
				t.Errorf("status: %+v", status)
			}
		})
	}
}

// As long as nothing was deleted, a release that could not be uninstalled is what it was before.
func TestAnUninstallationThatHasNotBegunIsTakenBack(t *testing.T) {
	t.Parallel()
	const said = "no matter what; not uninstalled: hook pre-delete/a failed"
	text := hook("a", "pre-delete", "") + object("v1", "ConfigMap", "app") + hook("b", "post-delete", "")
	for name, test := range map[string]struct {
		fails   string
		phase   release.Phase
		want    string
		message string
	}{
		"a second time":              {"shop-a", release.Deployed, "deployed install not uninstalled: hook pre-delete/a failed: ", "not uninstalled: hook pre-delete/a failed: "},
		"before anything is deleted": {"shop-a", release.Deployed, "deployed install no matter what; not uninstalled: hook pre-delete/a failed: ", said},
		"of a failed release":        {"shop-a", release.Failed, "failed install no matter what; not uninstalled: hook pre-delete/a failed: ", said},
		"of an interrupted release":  {"shop-a", release.PendingUpgrade, "failed install no matter what; not uninstalled: hook pre-delete/a failed: ", said},
		"after it":                   {"shop-b", release.Deployed, "failed uninstall hook post-delete/b failed: ", said},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := revision(t, 1, test.phase, text)
			r.Status.Operation, r.Status.Message = "install", test.message
			cluster := newCluster()
			cluster.outcomes[test.fails] = exit3
			kept, _, err := run(t, cluster, removal(t, text, r, plan.Options{}))
			if err == nil {
				t.Fatal("no error")
			}
			status := kept.last.Status
			if got := fmt.Sprintf("%s %s %s", status.Phase, status.Operation, status.Message); !strings.HasPrefix(got, test.want) || strings.Count(got, "failed: ") != 1 {
				t.Errorf("got %q, want %q…", got, test.want)
			}
		})
	}
}

// An uninstallation that has begun goes on where it failed.
func TestAnUninstallationGoesOn(t *testing.T) {
	t.Parallel()
	text := hook("a", "pre-delete", "") + object("v1", "ConfigMap", "app") + hook("b", "post-delete", "")
	r := revision(t, 1, release.Deployed, text)
	cluster := newCluster()
	cluster.outcomes["shop-b"] = exit3
	first := removal(t, text, r, plan.Options{})
	if _, _, err := run(t, cluster, first); err == nil {
		t.Fatal("no error")
	}
	again := removal(t, text, first.Release, plan.Options{})
	if diff := cmp.Diff([]string{"delete Job/shop-a, not waiting", "run-hooks post-delete post-delete/b", "delete Job/shop-b"}, steps(again)); diff != "" {
		t.Error(diff)
	}
	delete(cluster.outcomes, "shop-b")
	kept, _, err := run(t, cluster, again)
	if err != nil || !kept.dropped {
		t.Fatalf("dropped %v, %v", kept.dropped, err)
	}
	if diff := cmp.Diff([]string{"pre-delete/a from 0: Succeeded", "post-delete/b from 0: Succeeded"}, records(again.Release)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCannotBeChangedIsMadeAnewWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	recreate := strings.NewReplacer("{name: ", "{annotations: {sherpack.io/on-immutable: recreate}, name: ")
	for name, test := range map[string]struct {
		text  string
		all   bool
		again bool
	}{
		"not by itself":                              {object("apps/v1", "Deployment", "a"), false, false},
		"by its annotation":                          {recreate.Replace(object("apps/v1", "Deployment", "a")), false, true},
		"by the user":                                {object("apps/v1", "Deployment", "a"), true, true},
		"not a volume, by the user":                  {object("v1", "PersistentVolumeClaim", "a"), true, false},
		"a volume, by its annotation":                {recreate.Replace(object("v1", "PersistentVolumeClaim", "a")), false, true},
		"not a Namespace, by the user":               {object("v1", "Namespace", "a"), true, false},
		"not a definition of a kind, by the user":    {object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a"), true, false},
		"a Namespace, by its annotation":             {recreate.Replace(object("v1", "Namespace", "a")), false, true},
		"a definition of a kind, by its annotation":  {recreate.Replace(object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a")), false, true},
		"nothing else by the annotation of another":  {object("v1", "ConfigMap", "b") + object("apps/v1", "Deployment", "a"), false, false},
		"nothing where a volume is in the way, too":  {object("v1", "PersistentVolumeClaim", "b") + object("apps/v1", "Deployment", "a"), true, false},
		"everything of one wave, not only the first": {object("apps/v1", "Deployment", "b") + object("apps/v1", "Deployment", "a"), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			first := mustPlan(t, test.text, plan.Options{})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			// Somebody has changed it, so that it is applied again.
			for _, object := range cluster.objects {
				cluster.frozen = append(cluster.frozen, object.GetName())
			}
			cluster.log = nil
			second := mustPlan(t, test.text, plan.Options{RecreateImmutable: test.all})
			_, _, err := run(t, cluster, second)
			var immutable *refusal.ImmutableError
			if test.again == errors.As(err, &immutable) || test.again != (err == nil) {
				t.Errorf("got %v", err)
			}
			if deleted := strings.Contains(fmt.Sprint(cluster.log), "delete "); deleted != test.again {
				t.Errorf("log: %v", cluster.log)
			}
			for _, entry := range second.Release.Inventory {
				if entry.UID == "" && test.again {
					t.Errorf("not on the inventory: %+v", entry)
				}
			}
		})
	}
}

// A Namespace goes only when nothing else is in it, and the one with the record never.
func TestANamespaceWithSomethingElseInItStays(t *testing.T) {
	t.Parallel()
	text := object("v1", "Namespace", "empty") + object("v1", "Namespace", "used") + object("v1", "Namespace", "web")
	cluster := newCluster()
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "theirs", "namespace": "used"}})
	first.Release.Content.Manifest = text
	_, events, err := run(t, cluster, removal(t, text, first.Release, plan.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"delete Namespace/empty Background"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	var said []string
	for _, event := range events {
		if event.Type == lifecycle.ObjectKept {
			said = append(said, strings.TrimSpace(event.Object.Name+" "+event.Message))
		}
	}
	if diff := cmp.Diff([]string{"used it is not empty: Secret/theirs", "web"}, said); diff != "" {
		t.Error(diff)
	}
}

// A rollback leaves definitions of kinds that are there, and brings back those that are not.
func TestARollbackLeavesDefinitionsAsTheyAre(t *testing.T) {
	t.Parallel()
	crd := func(name string) string { return object("apiextensions.k8s.io/v1", "CustomResourceDefinition", name) }
	old := revision(t, 1, release.Superseded, crd("there")+crd("gone"))
	newest := revision(t, 2, release.Deployed, crd("there")+crd("new"))
	for name, test := range map[string]struct {
		options plan.Options
		want    []string
	}{
		"by itself":          {plan.Options{}, []string{"apply CustomResourceDefinition/gone", "wait CustomResourceDefinition/gone sherpack.io/release=shop"}},
		"with --delete-crds": {plan.Options{DeleteCRDs: true}, []string{"apply CustomResourceDefinition/gone", "apply CustomResourceDefinition/there", "wait CustomResourceDefinition/gone sherpack.io/release=shop", "wait CustomResourceDefinition/there sherpack.io/release=shop", "delete CustomResourceDefinition/new Background"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			for _, name := range []string{"there", "new"} {
				put(cluster, map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{
					"name": name, "annotations": marks("shop"), "labels": map[string]any{plan.LabelManagedBy: "sherpack"},
				}})
			}
			request := rollback(t, old, newest)
			request.Options = test.options
			planned, err := newWork(plan.New(request))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := run(t, cluster, planned); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is only being deleted stays on the inventory of a release that is kept.
func TestAnUninstallationThatDoesNotWaitKeepsTheInventory(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{true, false} {
		t.Run(fmt.Sprint("wait ", wait), func(t *testing.T) {
			t.Parallel()
			text := object("v1", "ConfigMap", "app")
			cluster := newCluster()
			first := mustPlan(t, text, plan.Options{})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			kept, _, err := run(t, cluster, removal(t, text, first.Release, plan.Options{KeepHistory: true, Wait: wait}))
			if err != nil || kept.dropped || kept.last.Status.Phase != release.Uninstalled {
				t.Fatalf("%v, dropped %v, %s", err, kept.dropped, kept.last.Status.Phase)
			}
			if left := len(kept.last.Inventory); (left == 0) != wait {
				t.Errorf("%d entries", left)
			}
		})
	}
}

func immutableError(object *unstructured.Unstructured) error {
	return &refusal.ImmutableError{Ref: manifest.Object{Unstructured: object}.Reference(), Problems: []refusal.FieldProblem{{Field: "spec", Message: "field is immutable"}}}
}
