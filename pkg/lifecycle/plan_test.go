package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestAnInstallationIsPlannedInItsOrder(t *testing.T) {
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
			if diff := cmp.Diff(test.want, plantest.Steps(mustPlan(t, plantest.Application(), test.options).Steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPlanRecordsHooksAndInventoryBeforehand(t *testing.T) {
	t.Parallel()
	planned := mustPlan(t, plantest.Application(), plan.Options{SkipPhases: []hook.Phase{hook.PostInstall}})
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

func TestThePreviousInventoryIsKept(t *testing.T) {
	t.Parallel()
	previous := release.New("shop", "web", 1)
	previous.Inventory = []release.Entry{
		{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: "app", UID: "a", Origin: release.Created, Role: release.Regular},
		{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: "old", UID: "b", Origin: release.Created, Role: release.Regular},
	}
	planned, err := newWork(plan.New(plan.Request{
		Operation: release.OperationInstall, Release: release.New("shop", "web", 2), Previous: previous, Nodes: plantest.Nodes(t, plantest.Object("v1", "ConfigMap", "app")), Scopes: plantest.Scopes(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(previous.Inventory, planned.Release.Inventory); diff != "" {
		t.Error(diff)
	}
}

func TestObjectsGetNamespaceNameAndMarks(t *testing.T) {
	t.Parallel()
	planned := mustPlan(t, plantest.Object("v1", "Namespace", "extra")+"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n---\n"+
		plantest.Object("v1", "ConfigMap", "b")+"apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: shop-once-\n  annotations: {sherpack.io/hook: pre-install}\n---\n"+
		"apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: shop-once-\n  annotations: {sherpack.io/hook: pre-install}\n", plan.Options{})
	var got []string
	for _, step := range planned.Steps {
		for _, object := range step.Objects {
			got = append(got, object.GetNamespace()+"/"+object.GetName())
			if object.GetLabels()[plan.LabelManagedBy] != "sherpack" || object.GetLabels()[plan.LabelRelease] != "shop" ||
				object.GetAnnotations()[plan.AnnotationRelease] != "shop" || object.GetAnnotations()[plan.AnnotationNamespace] != "web" {
				t.Errorf("%s lacks marks: %v %v", object.Title(), object.GetLabels(), object.GetAnnotations())
			}
		}
		for _, h := range step.Hooks {
			got = append(got, h.Object.GetNamespace()+"/"+h.Object.GetName())
			if h.Object.GetAnnotations()[plan.AnnotationPhase] != "pre-install" || h.Object.GetGenerateName() != "" {
				t.Errorf("%s: %v", h.Title, h.Object.Object)
			}
		}
	}
	want := []string{"/extra", "web/shop-once-c6dd5", "web/shop-once-7aa6b", "other/a", "web/b"}
	if diff := cmp.Diff(len(want), len(got)); diff != "" {
		t.Fatal(diff)
	}
	if got[1] == got[2] || !strings.HasPrefix(got[1], "web/shop-once-") || len(got[1]) != len(want[1]) {
		t.Errorf("generated names: %v", got[1:3])
	}
	got[1], got[2] = want[1], want[2]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatCanNeverWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"an unknown kind":                        {plantest.Object("v1", "Gadget", "a"), "templates/a.yaml:1: Gadget/a: the server has no kind Gadget in v1"},
		"generateName on a regular object":       {"apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n", "templates/a.yaml:1: ConfigMap/: metadata.generateName would make"},
		"an object twice":                        {plantest.Object("v1", "ConfigMap", "a") + plantest.Object("v1", "ConfigMap", "a"), "templates/a.yaml:5: ConfigMap/a: stands twice, first in templates/a.yaml:1"},
		"an object twice, once with namespace":   {plantest.Object("v1", "ConfigMap", "a") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: web}\n", "stands twice"},
		"a hook and a regular object":            {plantest.Hook("a", "test", "") + plantest.Object("batch/v1", "Job", "shop-a"), "stands twice"},
		"two hooks with a common phase":          {plantest.Hook("a", "test,pre-install", "") + plantest.Hook("a", "post-install,test", ""), "stands twice"},
		"a condition that says nothing":          {plantest.Hook("a", "pre-install,post-install", "    sherpack.io/ready-when: soon\n"), "sherpack.io/ready-when"},
		"a resource policy that is not known":    {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {sherpack.io/resource-policy: delete}}\n", `unknown value "delete"; valid: keep`},
		"a cluster-scoped object twice, any way": {plantest.Object("v1", "Namespace", "a") + "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: x}\n", "stands twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := plan.New(plantest.Installation(t, test.text, plan.Options{}))
			var input *plan.InputError
			if !errors.As(err, &input) {
				t.Fatalf("no *InputError: %v", err)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("got %q, want one line with %q", err, test.want)
			}
		})
	}
	if _, err := plan.New(plantest.Installation(t, plantest.Hook("a", "pre-install", "")+plantest.Hook("a", "post-install", ""), plan.Options{})); err != nil {
		t.Errorf("two hooks without a common phase: %v", err)
	}
}

func TestARemovalGoesBackwards(t *testing.T) {
	t.Parallel()
	r := release.New("shop", "web", 1)
	for _, gvk := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "ConfigMap"},
		{Group: "apps", Version: "v1", Kind: "Deployment"},
		{Group: "example.com", Version: "v1", Kind: "Database"},
		{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingWebhookConfiguration"},
		{Version: "v1", Kind: "ServiceAccount"},
		{Version: "v1", Kind: "Namespace"},
		{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
		{Group: "batch", Version: "v1", Kind: "Job"},
	} {
		r.Inventory = append(r.Inventory, release.Entry{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Name: "a"})
	}
	job := release.Entry{Group: "batch", Version: "v1", Kind: "Job", Namespace: "web", Name: "shop-after", Role: release.HookRun}
	r.Inventory = append(r.Inventory, release.Entry{Version: "v1", Kind: "Secret", Name: "kept", Keep: true},
		release.Entry{Version: "v1", Kind: "Namespace", Name: "web"}, job)
	text := plantest.Hook("before", "pre-delete", "") + plantest.Hook("after", "post-delete", "")
	for name, test := range map[string]struct {
		options plan.Options
		want    []string
	}{
		"as it is": {plan.Options{}, []string{
			"run-hooks pre-delete pre-delete/before", "delete ValidatingWebhookConfiguration/a", "delete Database/a",
			"delete Job/a Deployment/a, not waiting", "delete ConfigMap/a, not waiting", "delete ServiceAccount/a, not waiting",
			"run-hooks post-delete post-delete/after", "delete Job/shop-after", "delete Namespace/a, not waiting",
			"keep Secret/kept CustomResourceDefinition/a Namespace/web",
		}},
		"with all options": {plan.Options{Wait: true, SkipPhases: hook.Phases(), DeleteCRDs: true}, []string{
			"delete ValidatingWebhookConfiguration/a", "delete Database/a", "delete CustomResourceDefinition/a", "delete Job/a Deployment/a",
			"delete ConfigMap/a", "delete ServiceAccount/a", "delete Job/shop-after", "delete Namespace/a",
			"keep Secret/kept Namespace/web",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copied := *r
			if diff := cmp.Diff(test.want, plantest.Steps(removal(t, text, &copied, test.options).Steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func configMap(name string) release.Entry {
	return release.Entry{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: name, UID: "x", Role: release.Regular}
}

func TestAnUpgradePrunesLast(t *testing.T) {
	t.Parallel()
	kept := configMap("kept")
	kept.Keep = true
	oldHook := release.Entry{Group: "batch", Version: "v1", Kind: "Job", Namespace: "web", Name: "shop-old", Role: release.HookRun}
	namedHook := release.Entry{Group: "batch", Version: "v1", Kind: "Job", Namespace: "web", Name: "shop-install", Role: release.HookRun}
	planned := upgrade(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("backup", "pre-upgrade", "")+plantest.Hook("install", "pre-install", "")+plantest.Hook("clean", "post-upgrade", ""),
		[]release.Entry{configMap("app"), configMap("old"), kept, oldHook, namedHook}, nil)
	want := []string{
		"run-hooks pre-upgrade pre-upgrade/backup", "apply ConfigMap/app", "run-hooks post-upgrade post-upgrade/clean",
		"delete Job/shop-old", "delete ConfigMap/old", "keep ConfigMap/kept",
	}
	if diff := cmp.Diff(want, plantest.Steps(planned.Steps)); diff != "" {
		t.Error(diff)
	}
}

func TestAHistoryIsSupersededAndBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails bool
		want  []string
	}{
		"when one is deployed": {false, []string{"supersede 3", "supersede 4", "forget 1", "forget 2", "forget 3"}},
		// What is deployed is not forgotten.
		"when one fails": {true, []string{"forget 1", "forget 2", "forget 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var history release.History
			for i, phase := range []release.Phase{release.Failed, release.Superseded, release.Deployed, release.Deployed, release.Failed} {
				revision := release.New("shop", "web", i+1)
				revision.Status.Phase = phase
				history = append(history, revision)
			}
			cluster := newCluster()
			if test.fails {
				cluster.applyErr["app"] = errors.New("no")
			}
			kept, _, err := run(t, cluster, upgrade(t, plantest.Object("v1", "ConfigMap", "app"), nil, history))
			if (err != nil) != test.fails {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(kept.writes, func(write string) bool {
				return !strings.Contains(write, "supersede") && !strings.Contains(write, "forget")
			})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
