package lifecycle_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// asHook is the ConfigMap x as a hook.
func asHook(phases string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  annotations:\n    sherpack.io/hook: %s\n---\n", phases)
}

// A regular resource that becomes a hook of a phase which does not run is in no manifest any more: it is pruned like any other
// that is not, and its hook is still known.
func TestWhatHasBecomeAHookThatDoesNotRunIsPruned(t *testing.T) {
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

// What a rollback restores as a regular resource stays, also if it was a hook of the revision that is left, and ran.
func TestWhatWasAHookIsNotPrunedWhenItIsRestored(t *testing.T) {
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
func TestAHookThatWasARegularResourceIsRemoved(t *testing.T) {
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
func TestWhatAHookHasMadeStays(t *testing.T) {
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

// A regular resource that was to become a hook, which failed before its turn, and that the next revision does not run, is
// pruned as what it is.
func TestWhatHasNotBecomeAHookYetIsPruned(t *testing.T) {
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
