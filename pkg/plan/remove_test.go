package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestRemove(t *testing.T) {
	t.Parallel()
	t.Run("waves are deleted in reverse order", wavesAreDeletedInReverseOrder)
}

func wavesAreDeletedInReverseOrder(t *testing.T) {
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
			planned, err := plan.Remove(plantest.Removal(t, text, &copied, test.options))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, plantest.Steps(planned.Steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
