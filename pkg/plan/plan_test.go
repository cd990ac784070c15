package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	t.Run("hooks outside of the release's namespace are known", hooksOutsideOfNamespaceAreKnown)
}

// Hooks outside of the release's namespace can be named before they run.
func hooksOutsideOfNamespaceAreKnown(t *testing.T) {
	t.Parallel()
	elsewhere := strings.Replace(plantest.Hook("far", "pre-install", ""), "metadata:\n", "metadata:\n  namespace: ops\n", 1)
	wide := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: wide\n  annotations: {sherpack.io/hook: post-install}\n---\n"
	planned := mustNew(t, plantest.Installation(t, plantest.Hook("near", "pre-install", "")+elsewhere+wide+strings.Replace(elsewhere, "pre-install", "test", 1)+plantest.Object("v1", "ConfigMap", "app"), plan.Options{}))
	var titles []string
	for _, h := range planned.HooksOutside() {
		titles = append(titles, h.Title+" "+h.Object.Key().String())
	}
	if diff := cmp.Diff([]string{"pre-install/far Job/ops/shop-far", "post-install/namespace/wide Namespace/wide"}, titles); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
}
