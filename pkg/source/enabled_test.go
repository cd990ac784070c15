package source_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// enabling is a tree of the packs a, which has x and z, b and c. want are those that are enabled, as the names that lead to them.
type enabling struct {
	// top are the dependencies of the top pack, and ofA those of a.
	top, ofA string
	// values are the defaults of the top pack, valuesOfA and valuesOfX those of a and x.
	values, valuesOfA, valuesOfX string
	given                        string
	want                         string
}

func enablings() map[string]enabling {
	plain := "[{name: a}, {name: b}, {name: c}]"
	return map[string]enabling{
		"everything":                           {top: plain, ofA: "[{name: x}]", want: "top a a/x a/z b c"},
		"what is not listed":                   {top: "[{name: a}]", want: "top a a/x a/z b c"},
		"a condition":                          {top: "[{name: a, condition: a.enabled}, {name: b, condition: b.enabled}]", values: "{a: {enabled: false}, b: {enabled: true}}", want: "top b c"},
		"a condition that is given":            {top: "[{name: a, condition: a.enabled}]", values: "{a: {enabled: true}}", given: "{a: {enabled: false}}", want: "top b c"},
		"a condition in the dependency":        {top: "[{name: a, condition: a.enabled}]", valuesOfA: "{enabled: false}", want: "top b c"},
		"a condition that is deleted":          {top: "[{name: a, condition: a.enabled}]", values: "{a: {enabled: false}}", given: "{a: {enabled: null}}", want: "top a a/x a/z b c"},
		"the first of several":                 {top: "[{name: a, condition: 'no.such,when.b,when.c'}]", values: "{when: {b: false, c: true}}", want: "top b c"},
		"one that is no condition":             {top: "[{name: a, condition: 'when.a,when.b'}]", values: "{when: {a: maybe, b: false}}", want: "top b c"},
		"a mapping as a condition":             {top: "[{name: a, condition: 'when,d'}]", values: "{when: {a: false}, d: false}", want: "top b c"},
		"a path through what is no mapping":    {top: "[{name: a, condition: 'when.a.b'}]", values: "{when: {a: true}}", want: "top a a/x a/z b c"},
		"a condition of global":                {top: "[{name: a, condition: global.a}]", values: "{global: {a: false}}", want: "top b c"},
		"a tag":                                {top: "[{name: a, tags: [t]}, {name: b, tags: [u]}]", values: "{tags: {t: false, u: true}}", want: "top b c"},
		"one tag of two":                       {top: "[{name: a, tags: [t, u]}]", values: "{tags: {t: false, u: true}}", want: "top a a/x a/z b c"},
		"no tag of two":                        {top: "[{name: a, tags: [t, u]}]", values: "{tags: {t: false}}", want: "top b c"},
		"a tag that is neither true nor false": {top: "[{name: a, tags: [t]}]", values: "{tags: {t: 0}}", want: "top a a/x a/z b c"},
		"tags that are no mapping":             {top: "[{name: a, tags: [t]}]", values: "{tags: [t]}", want: "top a a/x a/z b c"},
		"a condition beats a tag":              {top: "[{name: a, condition: a.enabled, tags: [t]}, {name: b, condition: b.enabled, tags: [t]}]", values: "{a: {enabled: true}, tags: {t: false}}", want: "top a a/x a/z c"},
		"an alias":                             {top: "[{name: a, alias: one, condition: one.enabled}, {name: a, alias: two, condition: two.enabled}]", values: "{one: {enabled: false}}", want: "top two two/x two/z b c"},
		"a condition below":                    {top: plain, ofA: "[{name: x, condition: x.enabled}]", valuesOfA: "{x: {enabled: false}}", want: "top a a/z b c"},
		"a condition below, from above":        {top: plain, ofA: "[{name: x, condition: x.enabled}]", values: "{a: {x: {enabled: false}}}", want: "top a a/z b c"},
		"a condition below, given":             {top: plain, ofA: "[{name: x, condition: x.enabled}]", valuesOfA: "{x: {enabled: false}}", given: "{a: {x: {enabled: true}}}", want: "top a a/x a/z b c"},
		"a condition in what is below":         {top: plain, ofA: "[{name: x, condition: x.enabled}]", valuesOfX: "{enabled: false}", want: "top a a/z b c"},
		"a condition of global below":          {top: plain, ofA: "[{name: x, condition: global.x}]", values: "{global: {x: false}}", want: "top a a/z b c"},
		"a tag below is one of the top":        {top: plain, ofA: "[{name: x, tags: [t]}]", values: "{tags: {t: false}}", want: "top a a/z b c"},
		"a tag of its parent's values":         {top: plain, ofA: "[{name: x, tags: [t]}]", values: "{a: {tags: {t: false}}}", want: "top a a/x a/z b c"},
		"a tag of its parent's defaults":       {top: plain, ofA: "[{name: x, tags: [t]}]", valuesOfA: "{tags: {t: false}}", want: "top a a/z b c"},
		"a tag of both":                        {top: plain, ofA: "[{name: x, tags: [t]}]", values: "{tags: {t: true}}", valuesOfA: "{tags: {t: false}}", want: "top a a/x a/z b c"},
		"what is below something disabled":     {top: "[{name: a, condition: a.enabled}]", ofA: "[{name: x, condition: x.enabled}]", values: "{a: {enabled: false, x: {enabled: true}}}", want: "top b c"},
	}
}

// The same is made of a chart, whose dependencies Helm's own package enables and disables.
func TestEnabled(t *testing.T) {
	t.Parallel()
	for title, test := range enablings() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			want := strings.Fields(test.want)
			slices.Sort(want)
			for _, form := range []form{asPack, asChart, asMixture} {
				if diff := cmp.Diff(want, test.enabled(t, form)); diff != "" {
					t.Errorf("form %d (-want +got):\n%s", form, diff)
				}
			}
		})
	}
}

// form is what a tree consists of.
type form int

const (
	asPack form = iota
	asChart
	// asMixture is a pack that depends on charts.
	asMixture
)

// enabled are the parts that are rendered.
func (e enabling) enabled(t *testing.T, form form) []string {
	t.Helper()
	var given map[string]any
	if err := yaml.Unmarshal([]byte(e.given), &given); err != nil {
		t.Fatal(err)
	}
	opened, err := open(t, e.files(form))
	if err != nil {
		t.Fatal(err)
	}
	completed, err := opened.Complete(render.Values{Given: pack.Copy(given)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := completed.Render(render.Engine{}, render.Release{Name: "app"})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, node := range result.Nodes {
		file := strings.TrimSuffix(strings.TrimPrefix(manifest.File(node), "top/"), "templates/a.yaml")
		file = strings.Trim(strings.NewReplacer("packs/", "", "charts/", "").Replace(file), "/")
		if file == "" {
			file = "top"
		}
		found = append(found, file)
	}
	slices.Sort(found)
	return found
}

func (e enabling) files(form form) map[string]string {
	files := map[string]string{}
	add := func(folder, name, dependencies, values string, isChart bool) {
		metadata := "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: " + name + ", version: 1.0.0}\n"
		if isChart {
			// Without a version, which packs need not name, Helm finds no dependency.
			dependencies = strings.ReplaceAll(dependencies, "{name", "{version: '*', name")
			metadata = "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
		}
		if dependencies != "" {
			metadata += "dependencies: " + dependencies + "\n"
		}
		files[folder+map[bool]string{true: "Chart.yaml", false: "Pack.yaml"}[isChart]] = metadata
		files[folder+"values.yaml"] = values
		files[folder+"templates/a.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {file: {{ .Template.Name }}}\n"
	}
	within := "packs/"
	if form == asChart {
		within = "charts/"
	}
	below := within
	if form == asMixture {
		below = "charts/"
	}
	add("", "top", e.top, e.values, form == asChart)
	add(within+"a/", "a", e.ofA, e.valuesOfA, form != asPack)
	add(within+"a/"+below+"x/", "x", "", e.valuesOfX, form != asPack)
	add(within+"a/"+below+"z/", "z", "", "", form != asPack)
	add(within+"b/", "b", "", "", form != asPack)
	add(within+"c/", "c", "", "", form != asPack)
	return files
}
