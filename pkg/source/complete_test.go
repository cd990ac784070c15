package source_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestComplete(t *testing.T) {
	t.Parallel()
	t.Run("problems name the flags that gave values of dependencies", problemsNameFlags)
	t.Run("a chart sees the numbers of --set as with Helm", numbersOfAChart)
}

// withDependencies are a pack that depends on the pack db and on the chart web.
func withDependencies() map[string]string {
	const schema = `{"properties": {"size": {"type": "integer"}}}`
	return map[string]string{
		"Pack.yaml":                    "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: shop, version: 1.0.0}\n",
		"packs/db/Pack.yaml":           "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: db, version: 1.0.0}\n",
		"packs/db/values.yaml":         "size: 1\n",
		"packs/db/values.schema.json":  schema,
		"packs/web/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"packs/web/values.yaml":        "size: 1\n",
		"packs/web/values.schema.json": schema,
		"packs/web/templates/a.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {size: \"{{ .Values.size }} {{ kindOf .Values.size }}\"}\n",
	}
}

func problemsNameFlags(t *testing.T) {
	t.Parallel()
	opened, err := open(t, withDependencies())
	if err != nil {
		t.Fatal(err)
	}
	given, err := pack.ValueSources{Set: []string{"db.size=many"}, SetString: []string{"web.size=few"}}.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = opened.Complete(render.Values{Given: given.Values, Layers: append(opened.Defaults(), given.Layers...)})
	want := `values do not match packs/db/values.schema.json: --set db.size: is string, must be integer
values do not match packs/web/values.schema.json: --set-string web.size: is string, must be integer`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, strings.ReplaceAll(err.Error(), opened.Pack().Path+"/", "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func numbersOfAChart(t *testing.T) {
	t.Parallel()
	for want, sources := range map[string]pack.ValueSources{
		`size: "3000000 int64"`: {Set: []string{"web.size=3000000"}},
		`size: "3e+06 float64"`: {SetJSON: []string{"web.size=3000000"}},
	} {
		opened, err := open(t, withDependencies())
		if err != nil {
			t.Fatal(err)
		}
		given, err := sources.Load(nil)
		if err != nil {
			t.Fatal(err)
		}
		completed, err := opened.Complete(render.Values{Given: given.Values, Layers: append(opened.Defaults(), given.Layers...)})
		if err != nil {
			t.Fatal(err)
		}
		result, err := completed.Render(render.Engine{}, render.Release{Name: "app"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := manifest.Encode(result.Nodes); err != nil || !strings.Contains(got, want) {
			t.Errorf("want %s: %v\n%s", want, err, got)
		}
	}
}
