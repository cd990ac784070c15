package chart

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestValues(t *testing.T) {
	t.Parallel()
	t.Run("of subcharts", valuesOfSubcharts)
	t.Run("numbers are those that templates see with Helm", numbersAreThoseOfHelm)
	t.Run("the defaults of another chart", defaultsOfAnotherChart)
	t.Run("a schema in every chart", aSchemaInEveryChart)
	t.Run("a schema fetches nothing", aSchemaFetchesNothing)
	t.Run("in a file of the chart", valuesInAFileOfTheChart)
	t.Run("the given ones are not changed", givenValuesAreNotChanged)
	t.Run("a chart can be completed again", aChartCanBeCompletedAgain)
}

// family is a chart with subcharts three deep, one of them used twice.
const family = head + `dependencies:
- {name: db, condition: "db.enabled,other.enabled", import-values: [endpoint, {child: sizes, parent: imported}]}
- {name: log, version: 1.x.x, tags: [extras]}
- {name: log, version: 1.x.x, alias: audit, condition: audit.enabled}
-- values.yaml --
db: {enabled: true, size: 5}
global: {zone: a}
tags: {extras: false}
audit: {enabled: true, level: debug}
-- templates/all.yaml --
` + configMap + `{{ toJson .Values | quote }}
-- charts/db/Chart.yaml --
apiVersion: v2
name: db
version: 1.0.0
dependencies: [{name: disk}]
-- charts/db/values.yaml --
enabled: false
size: 1
exports: {endpoint: {host: db.local}}
sizes: {small: 1}
-- charts/db/templates/all.yaml --
` + configMap + `{{ toJson .Values | quote }}
-- charts/db/charts/disk/Chart.yaml --
apiVersion: v2
name: disk
version: 1.0.0
-- charts/db/charts/disk/values.yaml --
kind: ssd
-- charts/db/charts/disk/templates/all.yaml --
` + configMap + `{{ .Values.kind }} in {{ .Values.global.zone }}
-- charts/log/Chart.yaml --
apiVersion: v1
name: log
version: 1.2.0
-- charts/log/values.yaml --
level: info
-- charts/log/templates/all.yaml --
` + configMap + `{{ .Chart.Name }} {{ .Values.level }}
`

func valuesOfSubcharts(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		given string
		want  []string
	}{
		"conditions and aliases": {"", []string{"web/charts/audit", "web/charts/db/charts/disk", "web/charts/db", "web"}},
		"a tag":                  {"tags: {extras: true}", []string{"web/charts/audit", "web/charts/db/charts/disk", "web/charts/db", "web/charts/log", "web"}},
		"a condition that says no": {
			"db: {enabled: false}\naudit: {enabled: false}", []string{"web"},
		},
		"a condition that is deleted": {
			"db: {enabled: null}", []string{"web/charts/audit", "web/charts/db/charts/disk", "web/charts/db", "web"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, chart := range test.want {
				want = append(want, chart+"/templates/all.yaml")
			}
			equal(t, want, renderedFiles(t, read(t, family), test.given))
		})
	}
	completed, err := read(t, family).Complete(values(t, "db: {size: null}\nglobal: {zone: b}"))
	check(t, err)
	equal(t, map[string]any{
		"host": "db.local", "imported": map[string]any{"small": 1.0},
		"db": map[string]any{
			"enabled": true, "exports": map[string]any{"endpoint": map[string]any{"host": "db.local"}}, "sizes": map[string]any{"small": 1.0},
			"global": map[string]any{"zone": "b"}, "disk": map[string]any{"kind": "ssd", "global": map[string]any{"zone": "b"}},
		},
		"audit": map[string]any{"enabled": true, "level": "debug", "global": map[string]any{"zone": "b"}},
		"tags":  map[string]any{"extras": false}, "global": map[string]any{"zone": "b"},
	}, completed.Values())
}

// renderedFiles are the files that a chart is rendered to.
func renderedFiles(t *testing.T, c *Chart, given string) []string {
	t.Helper()
	made, err := c.Complete(values(t, given))
	check(t, err)
	done, isOurs := made.(*completed)
	if !isOurs {
		t.Fatalf("a %T", made)
	}
	texts, err := done.execute(engineWith(), release())
	check(t, err)
	return slices.Sorted(maps.Keys(texts))
}

func numbersAreThoseOfHelm(t *testing.T) {
	t.Parallel()
	c := read(t, head+`-- values.yaml --
whole: 1000000
small: 3
-- templates/a.yaml --
`+configMap+`"{{ .Values.whole }} {{ kindOf .Values.small }} {{ .Values.given }} {{ kindOf .Values.given }} {{ .Values.set }} {{ kindOf .Values.set }}"
`)
	given := render.Values{
		Given: map[string]any{"given": int64(2000000), "set": int64(3000000)},
		Layers: []pack.Layer{
			{Values: map[string]any{"given": int64(2000000)}, Source: func([]string) pack.Source { return pack.Source{Kind: pack.FromFile} }},
			{Values: map[string]any{"set": int64(3000000)}, Source: func([]string) pack.Source { return pack.Source{Kind: pack.FromSet} }},
		},
	}
	completed, err := c.Complete(given)
	check(t, err)
	result, err := completed.Render(engineWith(), release())
	check(t, err)
	contains(t, encoded(t, result), `x: "1e+06 float64 2e+06 float64 3000000 int64"`)
}

func defaultsOfAnotherChart(t *testing.T) {
	t.Parallel()
	completed, err := read(t, head+"-- values.yaml --\na: new\nb: new\n").Complete(render.Values{
		Defaults: map[string]any{"a": "old", "n": int64(1)}, Given: map[string]any{"c": "given"},
	})
	check(t, err)
	equal(t, map[string]any{"a": "old", "n": 1.0, "c": "given"}, completed.Values())
}

func aSchemaInEveryChart(t *testing.T) {
	t.Parallel()
	chart := head + `-- values.yaml --
size: big
-- values.schema.json --
{"properties": {"size": {"type": "integer"}, "name": {"$ref": "name.json"}}}
-- name.json --
{"type": "string"}
-- charts/db/Chart.yaml --
apiVersion: v2
name: db
version: 1.0.0
-- charts/db/values.yaml --
enabled: "yes"
-- charts/db/values.schema.json --
{"properties": {"enabled": {"type": "boolean"}, "port": {"type": "integer"}}}
`
	c := read(t, chart)
	given := values(t, "name: 1\ndb: {port: http}")
	set := func([]string) pack.Source { return pack.Source{Kind: pack.FromSet} }
	given.Layers = append(c.Defaults(), pack.Layer{Values: given.Given, Source: set})
	_, err := c.Complete(given)
	if !errors.As(err, new(*pack.InvalidError)) {
		t.Fatal(err)
	}
	equal(t, `values do not match web/values.schema.json:
  --set name: is number, must be string
  web/values.yaml:1: size: is string, must be integer
values do not match web/charts/db/values.schema.json:
  web/charts/db/values.yaml:1: db.enabled: is string, must be boolean
  --set db.port: is string, must be integer`, err.Error())
	if _, err := read(t, chart).Complete(values(t, "size: 1\ndb: {enabled: true}")); err != nil {
		t.Errorf("with values that the schemas allow: %v", err)
	}
	_, err = read(t, chart).Complete(values(t, "size: 1\ndb: 3"))
	if err == nil {
		t.Error("values of a subchart that are no mapping: no error")
	}
}

func aSchemaFetchesNothing(t *testing.T) {
	t.Parallel()
	for ref, says := range map[string]string{
		"http://localhost:1/a.json":  "http://localhost:1/a.json",
		"https://localhost:1/a.json": "https://localhost:1/a.json",
		"file:///etc/passwd":         "file:///etc/passwd",
		"../../etc/passwd":           "etc/passwd",
		"none.json":                  "the pack has no file none.json",
	} {
		for folder, chart := range map[string]string{"": head, "charts/db/": head + "-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n"} {
			_, err := read(t, chart+"-- "+folder+"values.schema.json --\n{\"$ref\": \""+ref+"\"}\n").Complete(render.Values{})
			if err == nil || !strings.HasPrefix(err.Error(), "web/"+folder+"values.schema.json: ") || !strings.Contains(err.Error(), says) {
				t.Errorf("%s in %s: %v", ref, folder, err)
			}
		}
	}
}

func valuesInAFileOfTheChart(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- ci/a-values.yaml --\na: 1\n-- ci/b-values.yaml --\n[1]\n")
	completed, err := c.Complete(render.Values{File: "ci/a-values.yaml"})
	check(t, err)
	equal(t, map[string]any{"a": 1.0}, completed.Values())
	if _, err := c.Complete(render.Values{File: "ci/b-values.yaml"}); err == nil || !strings.HasPrefix(err.Error(), "web/ci/b-values.yaml: ") {
		t.Errorf("values that are a list: %v", err)
	}
}

func givenValuesAreNotChanged(t *testing.T) {
	t.Parallel()
	given, again := values(t, "db: {size: null, on: true}\nglobal: {zone: b}"), values(t, "db: {size: null, on: true}\nglobal: {zone: b}")
	c := read(t, family)
	first, err := c.Complete(given)
	check(t, err)
	equal(t, again.Given, given.Given)
	second, err := c.Complete(given)
	check(t, err)
	equal(t, first.Values(), second.Values())
}

func aChartCanBeCompletedAgain(t *testing.T) {
	t.Parallel()
	changing := family + "-- templates/change.yaml --\n{{ $_ := set .Values.global \"zone\" \"b\" }}{{ with .Values.imported }}{{ $_ := set . \"small\" 2 }}{{ end }}\n"
	c := read(t, changing)
	rendered(t, c, "db: {enabled: false}\ntags: {extras: true}\naudit: {level: info}")
	rendered(t, c, "")
	cloned := clone(c.loaded)
	cloned.Values["global"].(map[string]any)["zone"] = "b"
	cloned.Dependencies()[0].Metadata.Name = "other"
	equal(t, encoded(t, rendered(t, read(t, changing), "")), encoded(t, rendered(t, c, "")))
}
