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
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

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
	text := plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("a", "pre-rollback", "")
	deployed, newest := plantest.Revision(t, 1, release.Deployed, text), plantest.Revision(t, 2, release.Failed, text)
	request := plantest.Rollback(t, deployed, newest)
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
	if records := plantest.Records(&kept.last); !strings.Contains(records[0], "Failed") {
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

// A test changes nothing about the release but the records of its tests.
func TestATestLeavesTheReleaseAsItIs(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "test", "") + plantest.Hook("b", "test", "") + plantest.Hook("c", "test", "") + plantest.Hook("install", "pre-install", "")
	for name, test := range map[string]struct {
		keepGoing bool
		want      []string
	}{
		"up to the first that fails": {false, []string{"pre-install/install from 0: Pending", "test/a from 0: Succeeded", "test/b from 0: Failed (exit code 3)", "test/c from 0: Skipped (not reached)"}},
		"all of them":                {true, []string{"pre-install/install from 0: Pending", "test/a from 0: Succeeded", "test/b from 0: Failed (exit code 3)", "test/c from 0: Succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := plantest.Revision(t, 1, release.Deployed, text)
			r.Status.Operation = "install"
			planned, err := newWork(plan.Test(plan.Request{Release: r, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, plan.Tests{KeepGoing: test.keepGoing}))
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
			got := plantest.Records(&kept.last)
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
	text := plantest.Hook("a", "pre-delete", "") + plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("b", "post-delete", "")
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
			r := plantest.Revision(t, 1, test.phase, text)
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
	text := plantest.Hook("a", "pre-delete", "") + plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("b", "post-delete", "")
	r := plantest.Revision(t, 1, release.Deployed, text)
	cluster := newCluster()
	cluster.outcomes["shop-b"] = exit3
	first := removal(t, text, r, plan.Options{})
	if _, _, err := run(t, cluster, first); err == nil {
		t.Fatal("no error")
	}
	again := removal(t, text, first.Release, plan.Options{})
	if diff := cmp.Diff([]string{"delete Job/shop-a, not waiting", "run-hooks post-delete post-delete/b", "delete Job/shop-b"}, plantest.Steps(again.Steps)); diff != "" {
		t.Error(diff)
	}
	delete(cluster.outcomes, "shop-b")
	kept, _, err := run(t, cluster, again)
	if err != nil || !kept.dropped {
		t.Fatalf("dropped %v, %v", kept.dropped, err)
	}
	if diff := cmp.Diff([]string{"pre-delete/a from 0: Succeeded", "post-delete/b from 0: Succeeded"}, plantest.Records(again.Release)); diff != "" {
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
		"not by itself":                              {plantest.Object("apps/v1", "Deployment", "a"), false, false},
		"by its annotation":                          {recreate.Replace(plantest.Object("apps/v1", "Deployment", "a")), false, true},
		"by the user":                                {plantest.Object("apps/v1", "Deployment", "a"), true, true},
		"not a volume, by the user":                  {plantest.Object("v1", "PersistentVolumeClaim", "a"), true, false},
		"a volume, by its annotation":                {recreate.Replace(plantest.Object("v1", "PersistentVolumeClaim", "a")), false, true},
		"not a Namespace, by the user":               {plantest.Object("v1", "Namespace", "a"), true, false},
		"not a definition of a kind, by the user":    {plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a"), true, false},
		"a Namespace, by its annotation":             {recreate.Replace(plantest.Object("v1", "Namespace", "a")), false, true},
		"a definition of a kind, by its annotation":  {recreate.Replace(plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a")), false, true},
		"nothing else by the annotation of another":  {plantest.Object("v1", "ConfigMap", "b") + plantest.Object("apps/v1", "Deployment", "a"), false, false},
		"nothing where a volume is in the way, too":  {plantest.Object("v1", "PersistentVolumeClaim", "b") + plantest.Object("apps/v1", "Deployment", "a"), true, false},
		"everything of one wave, not only the first": {plantest.Object("apps/v1", "Deployment", "b") + plantest.Object("apps/v1", "Deployment", "a"), true, true},
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
			var immutable *kube.ImmutableError
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
	text := plantest.Object("v1", "Namespace", "empty") + plantest.Object("v1", "Namespace", "used") + plantest.Object("v1", "Namespace", "web")
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
	crd := func(name string) string {
		return plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
	}
	old := plantest.Revision(t, 1, release.Superseded, crd("there")+crd("gone"))
	newest := plantest.Revision(t, 2, release.Deployed, crd("there")+crd("new"))
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
			request := plantest.Rollback(t, old, newest)
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
			text := plantest.Object("v1", "ConfigMap", "app")
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
	return &kube.ImmutableError{Ref: manifest.Object{Unstructured: object}.Reference(), Problems: []kube.FieldProblem{{Field: "spec", Message: "field is immutable"}}}
}
