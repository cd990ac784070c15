package plan_test

import (
	stdcmp "cmp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	t.Run("hooks outside of the release's namespace are known", hooksOutsideOfNamespaceAreKnown)
	t.Run("definitions of charts are left to others", definitionsOfChartsAreLeftToOthers)
}

// What a chart, or a dependency of a pack, has in crds/ is left to others, as with Helm; what a pack has there is not, nor are
// definitions in templates.
func definitionsOfChartsAreLeftToOthers(t *testing.T) {
	t.Parallel()
	const group = "apiextensions.k8s.io/v1"
	for name, test := range map[string]struct {
		file, object, annotation string
		chart, want              bool
		options                  plan.Options
	}{
		"in crds/ of a chart":                  {file: "web/crds/a.yaml", chart: true, want: true},
		"in crds/ of a subchart":               {file: "web/charts/db/crds/a.yaml", chart: true, want: true},
		"in crds/ of a chart called crds":      {file: "crds/crds/a.yaml", chart: true, want: true},
		"in templates/ of a chart":             {file: "web/templates/crds/a.yaml", chart: true},
		"in templates/ of a chart called crds": {file: "crds/templates/a.yaml", chart: true},
		"in templates/ of a subchart crds":     {file: "web/charts/crds/templates/a.yaml", chart: true},
		"in crds/ of a pack":                   {file: "crds/a.yaml"},
		"in crds/ of a dependency of a pack":   {file: "packs/db/crds/a.yaml", want: true},
		"in crds/ of a subchart of one":        {file: "packs/db/charts/crds/crds/a.yaml", want: true},
		"in templates/ of a dependency crds":   {file: "packs/crds/templates/a.yaml"},
		"a crd-install hook":                   {file: "web/templates/a.yaml", annotation: "crd-install", chart: true, want: true},
		"a crd-install hook of a pack":         {file: "templates/a.yaml", annotation: "crd-install"},
		"not where ownership is taken":         {file: "web/crds/a.yaml", chart: true, options: plan.Options{TakeOwnership: true}},
		"no definition":                        {file: "web/templates/a.yaml", object: plantest.Object("v1", "ConfigMap", "a"), annotation: "crd-install", chart: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes, err := manifest.Decode(test.file, []byte(stdcmp.Or(test.object, plantest.Object(group, "CustomResourceDefinition", "a"))), nil)
			if err != nil {
				t.Fatal(err)
			}
			object, err := manifest.NewObject(nodes[0])
			if err != nil {
				t.Fatal(err)
			}
			if test.annotation != "" {
				object.SetAnnotations(map[string]string{"helm.sh/hook": test.annotation})
			}
			r := release.New("shop", "web", 1)
			r.Content.Chart = test.chart
			if got := (plan.Plan{Release: r, Options: test.options}).LeavesToOthers(object); got != test.want {
				t.Errorf("it is %v", got)
			}
		})
	}
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
