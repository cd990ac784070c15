package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestUndo(t *testing.T) {
	t.Parallel()
	t.Run("what was changed is undone", whatWasChangedIsUndone)
}

func whatWasChangedIsUndone(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "app") + plantest.Object("v1", "ConfigMap", "kept") + plantest.Hook("a", "pre-rollback,post-rollback", "")
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
			deployed, newest := plantest.Revision(t, 1, release.Deployed, text), plantest.Revision(t, 2, release.Failed, text)
			for i := range newest.Inventory {
				if newest.Inventory[i].Name == "kept" {
					newest.Inventory[i].Origin = release.Adopted
				}
			}
			failed, result := plan.Plan{Operation: test.operation, Release: newest}, plan.Result{Release: newest, Extent: test.extent}
			undo, needed, err := plan.Undo(failed, result, plantest.Rollback(t, deployed, newest))
			if err != nil || needed != (test.want != nil) {
				t.Fatalf("needed is %v, error %v", needed, err)
			}
			if diff := cmp.Diff(test.want, plantest.Steps(undo.Steps)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
