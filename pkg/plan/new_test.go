package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestNew(t *testing.T) {
	t.Parallel()
	t.Run("steps come in install order", stepsComeInInstallOrder)
	t.Run("hooks and inventory are recorded beforehand", hooksAndInventoryAreRecordedBeforehand)
	t.Run("the previous inventory is kept", thePreviousInventoryIsKept)
	t.Run("an upgrade prunes last", anUpgradePrunesLast)
	t.Run("the policy to keep is read as Helm reads it", thePolicyToKeepIsReadAsHelmReadsIt)
	t.Run("hooks of later commands are submitted once", hooksOfLaterCommandsAreSubmittedOnce)
}

// mustNew plans a request that must be possible.
func mustNew(t *testing.T, request plan.Request) plan.Plan {
	t.Helper()
	planned, err := plan.New(request)
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

func stepsComeInInstallOrder(t *testing.T) {
	t.Parallel()
	first := "apply Namespace/extra"
	before, after := "run-hooks pre-install pre-install/migrate", "run-hooks post-install post-install/notify"
	waves := []string{"apply ServiceAccount/web", "apply ConfigMap/app Secret/db", "apply Deployment/web"}
	for name, test := range map[string]struct {
		options plan.Options
		want    []string
	}{
		"as it is":      {plan.Options{}, append(append([]string{first, before}, waves...), after)},
		"without hooks": {plan.Options{SkipPhases: hook.Phases()}, append([]string{first}, waves...)},
		"without a phase": {
			plan.Options{SkipPhases: []hook.Phase{hook.PostInstall}}, append([]string{first, before}, waves...),
		},
		"with a wait": {
			plan.Options{Wait: true},
			append(append([]string{first, before}, waves...), "wait Namespace/extra ServiceAccount/web ConfigMap/app Secret/db Deployment/web", after),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, plantest.Steps(mustNew(t, plantest.Installation(t, plantest.Application(), test.options)).Steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func hooksAndInventoryAreRecordedBeforehand(t *testing.T) {
	t.Parallel()
	planned := mustNew(t, plantest.Installation(t, plantest.Application(), plan.Options{SkipPhases: []hook.Phase{hook.PostInstall}}))
	var hooks, inventory []string
	for _, h := range planned.Release.Status.Hooks {
		hooks = append(hooks, h.Title+": "+h.Summary())
	}
	for _, entry := range planned.Release.Inventory {
		inventory = append(inventory, fmt.Sprintf("%s %s/%s %s %v", entry.Role, entry.Kind, entry.Name, entry.Namespace, entry.Phases))
	}
	if diff := cmp.Diff([]string{"pre-install/migrate: Pending", "post-install/notify: Skipped"}, hooks); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"regular Namespace/extra  []", "regular ServiceAccount/web web []", "regular ConfigMap/app web []", "regular Secret/db web []",
		"regular Deployment/web web []", "hook Job/shop-migrate web [pre-install pre-upgrade]", "hook Job/shop-notify web [post-install]",
		"hook Job/shop-test web [test]",
	}
	if diff := cmp.Diff(want, inventory); diff != "" {
		t.Error(diff)
	}
}

func thePreviousInventoryIsKept(t *testing.T) {
	t.Parallel()
	previous := release.New("shop", "web", 1)
	previous.Inventory = []release.Entry{
		{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: "app", UID: "a", Origin: release.Created, Role: release.Regular},
		{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: "old", UID: "b", Origin: release.Created, Role: release.Regular},
	}
	planned, err := plan.New(plan.Request{
		Operation: release.OperationInstall, Release: release.New("shop", "web", 2), Previous: previous, Nodes: plantest.Nodes(t, plantest.Object("v1", "ConfigMap", "app")), Scopes: plantest.Scopes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(previous.Inventory, planned.Release.Inventory); diff != "" {
		t.Error(diff)
	}
}

func anUpgradePrunesLast(t *testing.T) {
	t.Parallel()
	kept := configMap("kept")
	kept.Keep = true
	oldHook := release.Entry{Group: "batch", Version: "v1", Kind: "Job", Namespace: "web", Name: "shop-old", Role: release.HookRun}
	namedHook := release.Entry{Group: "batch", Version: "v1", Kind: "Job", Namespace: "web", Name: "shop-install", Role: release.HookRun}
	planned := mustNew(t, plantest.Upgrade(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("backup", "pre-upgrade", "")+plantest.Hook("install", "pre-install", "")+plantest.Hook("clean", "post-upgrade", ""),
		[]release.Entry{configMap("app"), configMap("old"), kept, oldHook, namedHook}, nil))
	want := []string{
		"run-hooks pre-upgrade pre-upgrade/backup", "apply ConfigMap/app", "run-hooks post-upgrade post-upgrade/clean",
		"delete Job/shop-old", "delete ConfigMap/old", "keep ConfigMap/kept",
	}
	if diff := cmp.Diff(want, plantest.Steps(planned.Steps)); diff != "" {
		t.Error(diff)
	}
}

func configMap(name string) release.Entry {
	return release.Entry{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: name, UID: "x", Role: release.Regular}
}

func thePolicyToKeepIsReadAsHelmReadsIt(t *testing.T) {
	t.Parallel()
	for annotation, want := range map[string]bool{
		`sherpack.io/resource-policy: keep`:                               true,
		`helm.sh/resource-policy: keep`:                                   true,
		`helm.sh/resource-policy: "Keep"`:                                 true,
		`helm.sh/resource-policy: " KEEP "`:                               true,
		`helm.sh/resource-policy: delete`:                                 false,
		`team: keep`:                                                      false,
		`{helm.sh/resource-policy: x, sherpack.io/resource-policy: keep}`: true,
	} {
		planned := mustNew(t, plantest.Installation(t, "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\n  annotations:\n    "+annotation+"\n", plan.Options{}))
		if got := planned.Release.Inventory[0].Keep; got != want {
			t.Errorf("%s: kept is %t", annotation, got)
		}
	}
}

// Of a rollback and of what is resumed, the hooks of later commands were submitted before.
func hooksOfLaterCommandsAreSubmittedOnce(t *testing.T) {
	t.Parallel()
	first := mustNew(t, plantest.Installation(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("check", "test", ""), plan.Options{}))
	text := plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("check", "test", "")
	first.Release.Content.Manifest = text
	for _, phase := range []release.Phase{release.Deployed, release.Uninstalled} {
		first.Release.Status.Phase = phase
		if back := mustNew(t, plantest.Rollback(t, first.Release, first.Release)); len(back.Later) > 0 {
			t.Errorf("a rollback to what is %s tries %d", phase, len(back.Later))
		}
	}
	resumed, err := plan.Resume(plan.Request{Operation: release.OperationInstall, Release: first.Release, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()})
	if err != nil || len(resumed.Later) > 0 {
		t.Errorf("resume tries %d, error %v", len(resumed.Later), err)
	}
}
