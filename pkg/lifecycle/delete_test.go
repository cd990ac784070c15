package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	t.Run("an uninstallation deletes what is the release's", uninstallDeletesOwnObjects)
	t.Run("a Namespace with something else in it stays", aNamespaceWithSomethingElseInItStays)
	t.Run("what cannot be deleted stays on the record", whatCannotBeDeletedStaysOnTheRecord)
	t.Run("an uninstallation goes on where it failed", anUninstallationGoesOnWhereItFailed)
	t.Run("what an uninstallation has left is deleted by the next", leftByUninstallIsDeletedByNext)
	t.Run("a deletion that waits says for what", aDeletionSaysWhatItWaitsFor)
}

func uninstallDeletesOwnObjects(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	planned := mustPlan(t, plantest.Application(), plan.Options{})
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	// Somebody else has put an object of their own under one of the names.
	for found, object := range cluster.objects {
		if found.Name == "app" {
			object.SetAnnotations(nil)
			object.SetUID("another")
		}
	}
	cluster.log = nil
	kept, events, err := run(t, cluster, removal(t, plantest.Application(), planned.Release, plan.Options{Wait: true}))
	if err != nil || !kept.dropped {
		t.Fatalf("dropped %v, %v", kept.dropped, err)
	}
	want := []string{
		"delete Job/shop-notify Foreground", "delete Job/shop-migrate Foreground", "delete Deployment/web Foreground",
		"delete Secret/db Background", "delete ServiceAccount/web Background", "delete Namespace/extra Background",
	}
	if diff := cmp.Diff(want, cluster.log); diff != "" {
		t.Error(diff)
	}
	var said []string
	for _, event := range events {
		if event.Type == lifecycle.Warning || event.Type == lifecycle.ObjectKept {
			said = append(said, fmt.Sprint(event.Type, " ", event.Message))
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "ConfigMap/web/app") {
		t.Errorf("said %q", said)
	}
}

// A Namespace goes only when nothing else is in it, and the one with the record never.
func aNamespaceWithSomethingElseInItStays(t *testing.T) {
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

// What an uninstallation cannot delete stays on the record, and so does what comes after it. What is others' or is kept does
// not: it leaves the record where all else is gone.
func whatCannotBeDeletedStaysOnTheRecord(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "theirs") + plantest.Object("v1", "ConfigMap", "refused") + plantest.Object("v1", "ServiceAccount", "later") +
		plantest.Object("apps/v1", "Deployment", "before") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {sherpack.io/resource-policy: keep}}\n"
	cluster := newCluster()
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	annotate(cluster.objects[kinds.Key{Kind: "ConfigMap", Namespace: "web", Name: "theirs"}], plan.AnnotationRelease, "other")
	cluster.deleteErr = map[string]error{"refused": errors.New("delete ConfigMap/web/refused: no")}
	first.Release.Status.Phase = release.Deployed
	failed := removal(t, text, first.Release, plan.Options{Wait: true})
	kept, _, err := run(t, cluster, failed)
	if err == nil || kept.dropped || kept.last.Status.Phase != release.Failed {
		t.Fatalf("%v, dropped %v, %s", err, kept.dropped, kept.last.Status.Phase)
	}
	var names []string
	for _, entry := range failed.Release.Inventory {
		names = append(names, entry.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"kept", "later", "refused"}, names); diff != "" {
		t.Error(diff)
	}
	cluster.deleteErr = nil
	kept, events, err := run(t, cluster, removal(t, text, failed.Release, plan.Options{Wait: true}))
	if err != nil || !kept.dropped {
		t.Fatalf("%v, dropped %v", err, kept.dropped)
	}
	var said []string
	for _, event := range events {
		if event.Type == lifecycle.ObjectKept || event.Type == lifecycle.ObjectDeleted {
			said = append(said, event.Object.Name+" "+string(event.Result))
		}
	}
	if diff := cmp.Diff([]string{"refused deleted", "later deleted", "kept kept"}, said); diff != "" {
		t.Error(diff)
	}
}

// An uninstallation that has begun goes on where it failed.
func anUninstallationGoesOnWhereItFailed(t *testing.T) {
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

// What a removal that failed has left is still the release's: an installation after it that fails does not hand it to anybody,
// and the next removal deletes it.
func leftByUninstallIsDeletedByNext(t *testing.T) {
	t.Parallel()
	for _, atomic := range []bool{false, true} {
		t.Run(fmt.Sprint("atomic=", atomic), func(t *testing.T) {
			t.Parallel()
			s := newStory()
			app := settings("one") + plantest.Hook("a", "post-install", "")
			s.must(t, s.plan(t, release.OperationInstall, app, plan.Options{}))
			s.cluster.deleteErr = map[string]error{"app": errors.New("its finalizer stays")}
			if _, err := s.run(t.Context(), s.plan(t, release.OperationUninstall, "", plan.Options{Wait: true})); err == nil {
				t.Fatal("no error")
			}
			s.cluster.deleteErr, s.cluster.outcomes["shop-a"] = nil, exit3
			failed := s.plan(t, release.OperationInstall, app, plan.Options{})
			if _, err := s.run(t.Context(), failed); err == nil {
				t.Fatal("no error")
			}
			if atomic {
				undo, err := undoOf(failed, noRequest())
				if err != nil {
					t.Fatal(err)
				}
				s.must(t, undo)
				if diff := cmp.Diff([]string{"delete Job/shop-a Foreground"}, s.cluster.log); diff != "" {
					t.Errorf("the undo: %s", diff)
				}
			}
			s.must(t, s.plan(t, release.OperationUninstall, "", plan.Options{Wait: true}))
			if !slices.Contains(s.cluster.log, "delete ConfigMap/app Background") {
				t.Errorf("it did %v", s.cluster.log)
			}
		})
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	t.Run("an object that became a hook which does not run is pruned", objectThatBecameIdleHookIsPruned)
	t.Run("an object that has not become a hook yet is pruned", objectNotYetHookIsPruned)
	t.Run("a hook that is restored as an object stays", hookRestoredAsObjectStays)
	t.Run("a hook that was a regular object is uninstalled", hookThatWasRegularIsUninstalled)
	t.Run("what a hook has made stays", whatAHookHasMadeStays)
}

// A regular resource that becomes a hook of a phase which does not run is in no manifest any more: it is pruned like any other
// that is not, and its hook is still known.
func objectThatBecameIdleHookIsPruned(t *testing.T) {
	t.Parallel()
	app := settings("one")
	regular := plantest.Object("v1", "ConfigMap", "x")
	for name, test := range map[string]struct {
		before string
		after  string
		// failing says that the first upgrade fails, and the second is looked at.
		failing bool
		options plan.Options
		want    []string
	}{
		"a phase of another operation": {app + regular, app + asHook("pre-install"), false, plan.Options{}, []string{"delete ConfigMap/x Background"}},
		"a Job, as one that is no hook": {app + plantest.Object("batch/v1", "Job", "shop-x"), app + plantest.Hook("x", "pre-delete", ""), false, plan.Options{}, []string{
			"delete Job/shop-x Background",
		}},
		"a phase that runs": {app + regular, app + asHook("post-upgrade"), false, plan.Options{}, []string{"apply ConfigMap/x"}},
		"two phases, one of which runs": {app + regular, app + asHook("pre-delete,post-upgrade"), false, plan.Options{}, []string{
			"apply ConfigMap/x",
		}},
		"a phase that is skipped": {app + regular, app + asHook("post-upgrade"), false, plan.Options{SkipPhases: hook.Phases()}, []string{
			"delete ConfigMap/x Background",
		}},
		"after an upgrade that has failed": {app + regular, app + asHook("pre-install"), true, plan.Options{}, []string{
			"apply Deployment/fails", "delete ConfigMap/x Background",
		}},
		"what is kept": {app + strings.Replace(regular, "{name", "{annotations: {sherpack.io/resource-policy: keep}, name", 1), app + asHook("pre-install"), false, plan.Options{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, test.before, plan.Options{}))
			if test.failing {
				test.after += plantest.Object("apps/v1", "Deployment", "fails")
				s.cluster.applyErr["fails"] = errOrphan
				if _, err := s.run(t.Context(), s.plan(t, release.OperationUpgrade, test.after, plan.Options{})); err == nil {
					t.Fatal("no error")
				}
				delete(s.cluster.applyErr, "fails")
			}
			s.must(t, s.plan(t, release.OperationUpgrade, test.after, test.options))
			if diff := cmp.Diff(test.want, s.cluster.log); diff != "" {
				t.Error(diff)
			}
			for _, entry := range s.newest().Inventory {
				if strings.HasSuffix(entry.Name, "x") && entry.Role != release.HookRun && !entry.Keep {
					t.Errorf("inventory: %+v", entry)
				}
			}
			// It is no regular resource any more, which a second upgrade would prune.
			s.must(t, s.plan(t, release.OperationUpgrade, test.after, plan.Options{SkipPhases: hook.Phases()}))
			if len(s.cluster.log) > 0 {
				t.Errorf("the next one did %v", s.cluster.log)
			}
		})
	}
}

// asHook is the ConfigMap x as a hook.
func asHook(phases string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations:\n    sherpack.io/hook: %s\n---\n", phases)
}

// A regular resource that was to become a hook, which failed before its turn, and that the next revision does not run, is
// pruned as what it is.
func objectNotYetHookIsPruned(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.plan(t, release.OperationInstall, settings("one")+plantest.Object("v1", "ConfigMap", "x"), plan.Options{}))
	s.cluster.outcomes["shop-fails"] = exit3
	if _, err := s.run(t.Context(), s.plan(t, release.OperationUpgrade, settings("two")+plantest.Hook("fails", "pre-upgrade", "")+asHook("post-upgrade"), plan.Options{})); err == nil {
		t.Fatal("no error")
	}
	s.must(t, s.plan(t, release.OperationUpgrade, settings("two")+asHook("pre-install"), plan.Options{}))
	if got := strings.Join(s.cluster.log, "\n"); !strings.Contains(got, "delete ConfigMap/x Background") {
		t.Errorf("it did %v", s.cluster.log)
	}
}

// What a rollback restores as a regular resource stays, also if it was a hook of the revision that is left, and ran.
func hookRestoredAsObjectStays(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.plan(t, release.OperationInstall, plantest.Object("v1", "ConfigMap", "x"), plan.Options{}))
	s.must(t, s.plan(t, release.OperationUpgrade, settings("two")+asHook("pre-rollback"), plan.Options{}))
	s.must(t, s.plan(t, release.OperationRollback, ".", plan.Options{}))
	want := []string{"apply ConfigMap/x", "apply ConfigMap/x", "delete ConfigMap/app Background"}
	if diff := cmp.Diff(want, s.cluster.log); diff != "" {
		t.Error(diff)
	}
}

// A hook that was pruned as a regular resource is removed with the release when it has run.
func hookThatWasRegularIsUninstalled(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.plan(t, release.OperationInstall, plantest.Object("v1", "ConfigMap", "x"), plan.Options{}))
	s.must(t, s.plan(t, release.OperationUpgrade, settings("two")+asHook("pre-delete"), plan.Options{}))
	s.must(t, s.plan(t, release.OperationUninstall, "", plan.Options{Wait: true}))
	want := []string{"apply ConfigMap/x", "delete ConfigMap/x Background", "delete ConfigMap/app Background"}
	if diff := cmp.Diff(want, s.cluster.log); diff != "" {
		t.Error(diff)
	}
}

// What a hook has made is not pruned as a regular resource, whatever a revision that failed would have made of it.
func whatAHookHasMadeStays(t *testing.T) {
	t.Parallel()
	one, two := settings("one")+asHook("pre-install"), settings("two")+plantest.Object("v1", "ConfigMap", "x")
	fails := plantest.Hook("fails", "pre-upgrade", "")
	for name, test := range map[string]struct {
		second    string
		operation release.Operation
		third     string
	}{
		"a revision that did not get to it, and an upgrade":  {two + fails, release.OperationUpgrade, one},
		"a revision that did not get to it, and a rollback":  {two + fails, release.OperationRollback, "."},
		"a revision that had it, and a rollback":             {two, release.OperationRollback, "."},
		"a revision that had it and failed, and a rollback":  {two + plantest.Hook("fails", "post-upgrade", ""), release.OperationRollback, "."},
		"a revision that had it, a rollback, and an upgrade": {two, release.OperationRollback, "."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, one, plan.Options{}))
			s.cluster.outcomes["shop-fails"] = exit3
			_, _ = s.run(t.Context(), s.plan(t, release.OperationUpgrade, test.second, plan.Options{}))
			s.must(t, s.plan(t, test.operation, test.third, plan.Options{}))
			expectNoDeletion(t, s, "ConfigMap/x")
			s.must(t, s.plan(t, release.OperationUpgrade, one, plan.Options{}))
			expectNoDeletion(t, s, "ConfigMap/x")
		})
	}
}

func expectNoDeletion(t *testing.T, s *story, name string) {
	t.Helper()
	for _, line := range s.cluster.log {
		if strings.HasPrefix(line, "delete "+name) {
			t.Errorf("it did %v", s.cluster.log)
		}
	}
}

// A deletion that an object's finalizer holds up says so, and so does what waits for the end of that object before it begins.
func aDeletionSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		said := func(events []lifecycle.Event) []string {
			var words []string
			for _, event := range events {
				switch event.Type {
				case lifecycle.DeletionStarted, lifecycle.DeletionFinished:
					words = append(words, fmt.Sprintf("%s %d %s%s", event.Type, event.Count, event.Message, event.Result))
				case lifecycle.DeletionProgress:
					words = append(words, fmt.Sprintf("%s %s: %s %s", event.Type, event.Object.Name, event.Result, event.Message))
				}
			}
			return words
		}
		cluster := newCluster()
		first := mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{})
		if _, _, err := run(t, cluster, first); err != nil {
			t.Fatal(err)
		}
		cluster.stubborn = []string{"app"}
		uninstall := removal(t, "", first.Release, plan.Options{Wait: true, Timeout: time.Second})
		_, events, err := run(t, cluster, uninstall)
		if !errors.Is(err, lifecycle.ErrTimedOut) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{
			"deletion-started 1 deleting 1 object", "deletion-progress app: Waiting it has the finalizers app", "deletion-finished 0 Failed",
		}, said(events)); diff != "" {
			t.Errorf("an uninstallation (-want +got):\n%s", diff)
		}
		_, events, _ = run(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{Timeout: time.Second}))
		if diff := cmp.Diff([]string{
			"deletion-started 1 waiting for 1 object to be deleted", "deletion-progress app: Waiting it has the finalizers app", "deletion-finished 0 Failed",
		}, said(events)); diff != "" {
			t.Errorf("an installation (-want +got):\n%s", diff)
		}
	})
}
