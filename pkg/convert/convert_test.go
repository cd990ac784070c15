package convert_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sherpack-io/kubectl-sherpack/pkg/chart"
	"github.com/sherpack-io/kubectl-sherpack/pkg/convert"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestConvert(t *testing.T) {
	t.Parallel()
	t.Run("the whole of a chart", theWholeOfAChart)
	t.Run("what is changed in templates", whatIsChangedInTemplates)
	t.Run("metadata", metadataOfCharts)
	t.Run("dependencies", dependenciesOfCharts)
	t.Run("what cannot be converted is listed at once", whatCannotBeConverted)
	t.Run("each thing that cannot be", eachThingThatCannotBe)
	t.Run("what renders to something else is listed", whatRendersToSomethingElse)
	t.Run("defaults in the schema are told", defaultsInTheSchemaAreTold)
	t.Run("defaults that the schema refuses", defaultsThatTheSchemaRefuses)
	t.Run("undefined values", undefinedValues)
	t.Run("what is random is not compared", whatIsRandom)
	t.Run("values that the chart needs", valuesThatTheChartNeeds)
}

const head = "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: \"2\"\n"

func configMap(name, text string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata:\n  x: " + text + "\n"
}

// converted converts a chart in text form.
func converted(t *testing.T, text string) (*convert.Converted, error) {
	t.Helper()
	var files []pack.File
	for _, file := range txtar.Parse([]byte(text)).Files {
		files = append(files, pack.File{Path: file.Name, Data: file.Data})
	}
	slices.SortFunc(files, func(a, b pack.File) int { return strings.Compare(a.Path, b.Path) })
	opened, err := chart.New("web", files)
	if err != nil {
		t.Fatal(err)
	}
	return convert.Chart(opened, render.Engine{Capabilities: render.Capabilities{
		KubeVersion: render.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}, APIVersions: []string{"v1"},
	}})
}

// file is the text of a file of a pack.
func file(t *testing.T, from *convert.Converted, name string) string {
	t.Helper()
	for _, file := range from.Files {
		if file.Path == name {
			return string(file.Data)
		}
	}
	t.Fatalf("no %s", name)
	return ""
}

// problems are those of an error, a line each.
func problems(t *testing.T, err error) []string {
	t.Helper()
	var invalid *pack.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("error %v", err)
	}
	return strings.Split(invalid.Error(), "\n")
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func theWholeOfAChart(t *testing.T) {
	t.Parallel()
	got, err := converted(t, head+"-- .helmignore --\n*.bak\n-- Chart.lock --\n-- README.md --\nThe chart.\n-- values.yaml --\n# Kept.\nname: a\n"+
		"-- ci/b-values.yaml --\nname: b\n-- crds/c.yaml --\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\nspec: {group: example.com, scope: Namespaced, names: {kind: Widget}}\n"+
		"-- templates/a.yaml --\n"+configMap("a", "{{ .Chart.Name }} {{ .Values.name }}")+"-- templates/NOTES.txt --\n{{ .Chart.Name }}\n")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range got.Files {
		names = append(names, file.Path)
	}
	equal(t, []string{"Pack.yaml", ".helmignore", "README.md", "ci/b-values.yaml", "crds/c.yaml", "templates/NOTES.txt", "templates/a.yaml", "values.yaml"}, names)
	equal(t, configMap("a", "{{ .Pack.Name }} {{ .Values.name }}"), file(t, got, "templates/a.yaml"))
	equal(t, "# Kept.\nname: a\n", file(t, got, "values.yaml"))
	equal(t, []string{"the defaults", "ci/b-values.yaml"}, got.Compared)
	equal(t, []string{"what .helmignore excludes is not in the pack; packs have .sherpackignore for it"}, got.Notes)
	equal(t, true, got.Strict)
}

func whatIsChangedInTemplates(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		`{{ .Chart.Name }}`: `{{ .Pack.Name }}`,
		`{{ $.Chart.Name }}{{ $x := . }}{{ $x.Chart.Version }}`: `{{ $.Pack.Name }}{{ $x := . }}{{ $x.Pack.Version }}`,
		`{{ with .Chart }}{{ .Name }}{{ end }}`:                 `{{ with .Pack }}{{ .Name }}{{ end }}`,
		`{{ (.).Chart.Name }}`:                                  `{{ (.).Pack.Name }}`,
		`x {{- .Chart.AppVersion | quote -}} x`:                 `x {{- .Pack.AppVersion | quote -}} x`,
		`{{ printf "%s-%s" .Chart.Name .Chart.Version }}`:       `{{ printf "%s-%s" .Pack.Name .Pack.Version }}`,
		`{{ if eq .Release.Service "Helm" }}{{ .Release.Service | lower }}{{ else }}{{ $.Release.Service }}{{ end }}`: `{{ if eq "Helm" "Helm" }}{{ "Helm" | lower }}{{ else }}{{ "Helm" }}{{ end }}`,
		`{{ ".Chart.Name" }}{{/* .Chart.Name */}} .Chart.Name`:                                                        `{{ ".Chart.Name" }}{{/* .Chart.Name */}} .Chart.Name`,
		"{{ `.Chart` }}": "{{ `.Chart` }}",
		`{{ range $i := list 1 }}{{ $.Chart.Name }}{{ else }}{{ .Chart.Name }}{{ end }}`:                               `{{ range $i := list 1 }}{{ $.Pack.Name }}{{ else }}{{ .Pack.Name }}{{ end }}`,
		`{{ define "x" }}{{ .root.Chart.Name }} {{ .root.Release.Service }}{{ end }}{{ include "x" (dict "root" .) }}`: `{{ define "x" }}{{ .root.Pack.Name }} {{ "Helm" }}{{ end }}{{ include "x" (dict "root" .) }}`,
		`{{ template "y" . }}{{ define "y" }}{{ .Chart.Name }}{{ end }}`:                                               `{{ template "y" . }}{{ define "y" }}{{ .Pack.Name }}{{ end }}`,
		`{{ .Values.Chart.Name }}`:                   `{{ .Values.Chart.Name }}`,
		"{{\n  .Chart.Name\n}}":                      "{{\n  .Pack.Name\n}}",
		`{{ $y := .Chart.Name }}{{ $y }}`:            `{{ $y := .Pack.Name }}{{ $y }}`,
		"é {{ .Chart.Name }} é {{ .Chart.Version }}": "é {{ .Pack.Name }} é {{ .Pack.Version }}",
	} {
		got, err := converted(t, head+"-- values.yaml --\nChart: {Name: own}\n-- templates/a.yaml --\n"+configMap("a", "|\n    "+from))
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		equal(t, configMap("a", "|\n    "+to), file(t, got, "templates/a.yaml"))
	}
	hook := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a # helm.sh/hook: no\n  annotations:\n    \"helm.sh/hook\": test\n    helm.sh/hook-weight: \"{{ 1 }}\"\n    'helm.sh/hook-delete-policy' : hook-failed\n" +
		"    helm.sh/hook-output-log-policy: hook-failed\n    {{- toYaml (dict \"helm.sh/other\" \"x\") | nindent 4 }}\n  labels: {helm.sh/chart: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b, annotations: {helm.sh/resource-policy: keep}}\n"
	want := strings.NewReplacer(`"helm.sh/hook"`, `"sherpack.io/hook"`, "helm.sh/hook-weight", "sherpack.io/hook-weight", "'helm.sh/hook-d", "'sherpack.io/hook-d", "helm.sh/resource", "sherpack.io/resource").Replace(hook)
	got, err := converted(t, head+"-- templates/a.yaml --\n"+hook)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, want, file(t, got, "templates/a.yaml"))
	got, err = converted(t, head+"-- templates/a.yaml --\napiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {helm.sh/hook: test, \"helm.sh/hook-weight\": \"1\"}} # helm.sh/hook: no, helm.sh/hook: no\n")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {sherpack.io/hook: test, \"sherpack.io/hook-weight\": \"1\"}} # helm.sh/hook: no, helm.sh/hook: no\n", file(t, got, "templates/a.yaml"))
	if _, err := converted(t, head+"-- templates/a.yaml --\n"+configMap("a", "b")+"-- b.conf --\n{{ .Chart.Name }}\n"); err != nil {
		t.Errorf("a file that no template reads: %v", err)
	}
}

func metadataOfCharts(t *testing.T) {
	t.Parallel()
	got, err := converted(t, `-- Chart.yaml --
# License.
apiVersion: v1
# The name.
name: web # short
version: 1.0.0
appVersion: 1.10
description: >-
  A
  web
kubeVersion: ">=1.25"
type: application
deprecated: true
engine: gotpl
home: https://example.com
sources:
- https://example.com/src
annotations: {a: 1}
maintainers:
- name: Ada
dependencies: []
-- templates/a.yaml --
`+configMap("a", "{{ .Chart.AppVersion }} {{ .Chart.Description }}"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, `# License.
apiVersion: sherpack/v1
kind: application
metadata:
  # The name.
  name: web # short
  version: 1.0.0
  appVersion: "1.1"
  description: >-
    A web
  kubeVersion: ">=1.25"
  home: https://example.com
  sources:
    - https://example.com/src
  annotations: {a: "1"}
  maintainers:
    - name: Ada
`, file(t, got, "Pack.yaml"))
	equal(t, []string{"Chart.yaml:12: deprecated is left out: packs have no such key", "Chart.yaml:13: engine is left out: packs have no such key"}, got.Notes)
}

// subchart is the metadata of a chart in charts/.
func subchart(name, version string) string {
	return "-- charts/" + name + "/Chart.yaml --\napiVersion: v2\nname: " + name + "\nversion: " + version + "\n"
}

// umbrella is a chart with a subchart that has one, and with a library.
func umbrella() string {
	return head + `dependencies:
  # The database.
  - name: db
    version: ^1
    repository: https://example.com/charts
    alias: store
    condition: store.enabled
  - {name: common, version: 2.x.x, tags: [libraries], enabled: true}
-- values.yaml --
store: {size: 2}
global: {zone: a}
-- ci/off-values.yaml --
store: {enabled: false}
-- templates/a.yaml --
` + configMap("a", `'{{ include "full" . }} {{ .Values.store.size }}'`) + subchart("db", "1.2.0") + `-- charts/db/requirements.yaml --
dependencies: [{name: deep, condition: deep.on}]
-- charts/db/values.yaml --
size: 1
deep: {on: true}
-- charts/db/values.schema.json --
{"properties": {"class": {"default": "fast"}}}
-- charts/db/templates/a.yaml --
` + configMap("b", `'{{ include "full" . }} {{ .Values.size }} {{ .Values.global.zone }} {{ .Release.Service }}'`) + `
-- charts/db/charts/deep/Chart.yaml --
apiVersion: v1
name: deep
version: 0.1.0
-- charts/db/charts/deep/templates/a.yaml --
` + configMap("c", `'{{ .Chart.Name }}'`) + subchart("common", "2.1.0") + `type: library
-- charts/common/templates/_a.tpl --
{{ define "full" }}{{ .Chart.Name }}-{{ .Release.Name }}{{ end }}
-- Chart.lock --
`
}

func dependenciesOfCharts(t *testing.T) {
	t.Parallel()
	got, err := converted(t, umbrella())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range got.Files {
		names = append(names, file.Path)
	}
	equal(t, []string{
		"Pack.yaml", "ci/off-values.yaml", "templates/a.yaml", "values.yaml",
		"packs/common/Pack.yaml", "packs/common/templates/_a.tpl",
		"packs/db/Pack.yaml", "packs/db/templates/a.yaml", "packs/db/values.schema.json", "packs/db/values.yaml",
		"packs/db/packs/deep/Pack.yaml", "packs/db/packs/deep/templates/a.yaml",
	}, names)
	_, dependencies, _ := strings.Cut(file(t, got, "Pack.yaml"), "appVersion: \"2\"\n")
	equal(t, `dependencies:
  # The database.
  - name: db
    version: ^1
    alias: store
    condition: store.enabled
  - {name: common, version: 2.x.x, tags: [libraries]}
`, dependencies)
	equal(t, "apiVersion: sherpack/v1\nkind: library\nmetadata:\n  name: common\n  version: 2.1.0\n", file(t, got, "packs/common/Pack.yaml"))
	equal(t, "apiVersion: sherpack/v1\nkind: application\nmetadata:\n  name: db\n  version: 1.2.0\ndependencies: [{name: deep, condition: deep.on}]\n", file(t, got, "packs/db/Pack.yaml"))
	equal(t, `{{ define "full" }}{{ .Pack.Name }}-{{ .Release.Name }}{{ end }}`+"\n", file(t, got, "packs/common/templates/_a.tpl"))
	equal(t, []string{
		"Chart.yaml:9: repository is left out: the dependency lies in packs/, and dependency update takes folders and archives only",
		"Chart.yaml:12: enabled is left out: the dependencies of packs have no such key",
		"charts/db/values.schema.json: the defaults in the schema are values of a pack, and Helm does not read them: class",
	}, got.Notes)
	equal(t, []string{"the defaults", "ci/off-values.yaml"}, got.Compared)
	_, err = converted(t, head+subchart("db", "1.0.0")+"-- charts/db/values.yaml --\nx: 1000000\n-- charts/db/templates/a.yaml --\n"+configMap("a", "'{{ .Values.x }}'"))
	equal(t, []string{"web/charts/db/templates/a.yaml: v1 ConfigMap/a: data.x is another value, with the defaults"}, problems(t, err))
}

func whatCannotBeConverted(t *testing.T) {
	t.Parallel()
	_, err := converted(t, head+`dependencies: [{name: db, import-values: [all]}]
-- charts/db/Chart.yaml --
apiVersion: v2
name: db
version: 1.0.0
-- charts/db/templates/a.yaml --
{{ .Chart.IsRoot }}
-- templates/a.yaml --
{{ .Chart.IsRoot }}
{{ .Chart.Type }}
-- templates/b.yaml --
{{- if semverCompare ">=4" .Capabilities.HelmVersion.Version }}
{{ .Subcharts.db }} {{ getHostByName "x" }}
{{ end }}
-- templates/c.gotmpl --
`)
	equal(t, []string{
		"web/Chart.yaml:5: packs have no import-values",
		"web/charts/db/templates/a.yaml:1: packs have no .Chart.IsRoot",
		"web/templates/a.yaml:1: packs have no .Chart.IsRoot",
		"web/templates/a.yaml:2: packs have no .Chart.Type",
		"web/templates/b.yaml:1: packs have no .Capabilities.HelmVersion",
		"web/templates/b.yaml:2: packs have no .Subcharts",
		"web/templates/b.yaml:2: packs have no function getHostByName: a template does not ask the network; pass a value instead",
		"web/templates/c.gotmpl: a template whose name does not end in .yaml, .yml, .json, .tpl, .txt, which a pack does not render",
	}, problems(t, err))
}

func eachThingThatCannotBe(t *testing.T) {
	t.Parallel()
	for files, want := range map[string]string{
		head + "-- templates/a.yaml --\n{{ print 1 | .Release.Service }}\n": `web/templates/a.yaml: cannot be converted: a text would stand where none can: template: templates/a.yaml:1: non executable command in pipeline stage 2`,
		head + "type: library\n": "web/Chart.yaml: a library chart renders to nothing that could be compared",
		head + "dependencies: [{name: db, version: ^2}]\n" + subchart("db", "1.0.0"):       "web/Chart.yaml:5: db ^2 is not in charts/, which has 1.0.0; run helm dependency build web",
		head + "dependencies: [{name: db}, {name: cache}]\n" + subchart("db", "1.0.0"):     "web/Chart.yaml: dependencies: not in charts/: cache; run helm dependency build web",
		head + "dependencies: [{name: db, condition: 'a, b'}]\n" + subchart("db", "1.0.0"): "web/Chart.yaml:5: dependencies[0].condition: has blanks; separate paths by commas alone, as in db.enabled,global.db.enabled",
		head + subchart("db", "\"1.0\""):                                                   `web/charts/db/Chart.yaml:3: version: is "1.0", must be a semantic version such as 1.2.0`,
		head + "-- values.schema.yaml --\n":                                                "web/values.schema.yaml: means something to a pack, and nothing to a chart; rename it",
		head + "-- Pack.lock --\n":                                                         "web/Pack.lock: means something to a pack, and nothing to a chart; rename it",
		head + "-- packs/db/Chart.yaml --\n":                                               "web/packs/db/Chart.yaml: means something to a pack, and nothing to a chart; rename it",
		head + "-- values.yaml --\n# {{ .Chart.Name }}\na: '{{ .Chart.Name }}'\n":          "web/values.yaml:2: .Chart in a text for tpl, which convert does not change",
		head + "-- templates/a.yaml --\n{{ tpl \"a\\n{{ .Release.Service }}\" . }}\n":      "web/templates/a.yaml:1: .Release.Service in a text for tpl, which convert does not change",
		head + "-- templates/a.yaml --\n{{ tpl (.Files.Get \"b.conf\") . }}\n-- b.conf --\n#\na: # {{ $.Chart.Name }}\n-- README.md --\n{{ .Chart.Name }}\n": "web/b.conf:2: .Chart in a text for tpl, which convert does not change",
		head + "-- templates/a.yaml --\n\n{{ if }}\n":                                                   "web/templates/a.yaml: template: templates/a.yaml:2: missing value for if",
		head + "-- templates/a.yaml --\nmetadata:\n  annotations:\n    \"helm.sh/hook\": crd-install\n": "web/templates/a.yaml:3: crd-install is a hook of Helm 2; move the definition to crds/",
		head + "-- templates/a.yaml --\n{{ (index (list .) 0).Release.Service }}\n":                     "web/templates/a.yaml:1: .Release.Service of an expression cannot be converted",
		head + "-- templates/a.yaml --\n\n{{ with $.Release }}{{ .Service }}{{ end }}\n":                "web/templates/a.yaml:2: .Release as a whole has another Service in a pack; use its fields, such as .Release.Name",
		head + "-- templates/a.yaml --\n{{ index .Release \"Service\" }}\n":                             "web/templates/a.yaml:1: .Release as a whole has another Service in a pack; use its fields, such as .Release.Name",
		head + "-- templates/a.yaml --\n{{ if .x }}{{ $r := .Release }}{{ $r.Service }}{{ end }}\n":     "web/templates/a.yaml:1: .Release as a whole has another Service in a pack; use its fields, such as .Release.Name",
		head + "-- templates/a.yaml --\n{{ (index . \"Release\").Service }}\n":                          `web/templates/a.yaml:1: "Release" may be the name of a field, which convert does not change in a text; write it as a field, such as .Chart.Name`,
		head + "-- templates/a.yaml --\n{{ include \"x\" (dict `Chart` .Chart) }}\n":                    "web/templates/a.yaml:1: `Chart` may be the name of a field, which convert does not change in a text; write it as a field, such as .Chart.Name",
		head + "-- templates/a.yaml --\n{{ $c := .Capabilities }}{{ $c.HelmVersion }}\n":                "web/templates/a.yaml:1: packs have no .Capabilities.HelmVersion",
		"-- Chart.yaml --\nname: web\n\nversion: \"1.0\"\n":                                             `web/Chart.yaml:3: version: is "1.0", must be a semantic version such as 1.2.0`,
	} {
		_, err := converted(t, files)
		equal(t, []string{want}, problems(t, err))
	}
}

func whatRendersToSomethingElse(t *testing.T) {
	t.Parallel()
	_, err := converted(t, head+`-- values.yaml --
number: 1000000
-- values.schema.json --
{"properties": {
  "port": {"default": 80}}}
-- ci/b-values.yaml --
more: true
-- templates/a.yaml --
`+configMap("a", "{{ .Values.number }}")+"-- templates/b.yaml --\n"+configMap("b", "{{ .Values.port }}!")+
		"{{ if .Values.more }}\n---\n"+configMap("n{{ .Values.number }}", "y")+"{{ end }}\n-- templates/NOTES.txt --\n{{ .Values.number }}\n")
	equal(t, []string{
		"web/templates/NOTES.txt: renders to another text, with the defaults",
		"web/templates/NOTES.txt: renders to another text, with ci/b-values.yaml",
		"web/templates/b.yaml: v1 ConfigMap/b: data.x is another value, with the defaults",
		"web/templates/b.yaml: v1 ConfigMap/b: data.x is another value, with ci/b-values.yaml",
		"web/templates/b.yaml: v1 ConfigMap/n1e+06: not rendered by the pack, with ci/b-values.yaml",
		"web/values.schema.json: the defaults in the schema are values of a pack, and Helm does not read them: port",
	}, problems(t, err))
}

func defaultsInTheSchemaAreTold(t *testing.T) {
	t.Parallel()
	chart := head + `-- values.yaml --
ingress: {enabled: false}
port: 80
-- templates/a.yaml --
{{ if .Values.ingress.enabled }}
` + configMap("a", `"{{ .Values.ingress.className }}"`) + `{{ end }}
-- values.schema.json --
{"properties": {
  "port": {"default": 80},
  "store": {"required": ["name"], "properties": {"size": {"default": "1Gi"}, "again": {"$ref": "#/properties/store"}}},
  "ingress": {"properties": {"className": {"default": "nginx"}}}}}
`
	got, err := converted(t, chart)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []string{"values.schema.json: the defaults in the schema are values of a pack, and Helm does not read them: ingress.className, store.size"}, got.Notes)
	got, err = converted(t, strings.Replace(chart, "port: 80\n", "port: 80\nstore: {name: a, size: 2Gi, again: null}\n", 1))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []string{"values.schema.json: the defaults in the schema are values of a pack, and Helm does not read them: ingress.className"}, got.Notes)
}

func defaultsThatTheSchemaRefuses(t *testing.T) {
	t.Parallel()
	_, err := converted(t, head+"-- values.schema.json --\n{\"properties\": {\"a\": {\"type\": \"array\", \"default\": \"[]\"}}}\n")
	equal(t, []string{
		"web/values.schema.json: a: is string, must be array, with the defaults",
		"web/values.schema.json: the defaults in the schema are values of a pack, and Helm does not read them: a",
	}, problems(t, err))
}

func undefinedValues(t *testing.T) {
	t.Parallel()
	got, err := converted(t, head+"-- templates/a.yaml --\n"+configMap("a", `"{{ .Values.none }}"`))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, false, got.Strict)
	equal(t, "apiVersion: sherpack/v1\nkind: application\nmetadata:\n  name: web\n  version: 1.0.0\n  appVersion: \"2\"\nengine:\n  strict: false\n", file(t, got, "Pack.yaml"))
}

func whatIsRandom(t *testing.T) {
	t.Parallel()
	if _, err := converted(t, head+"-- templates/a.yaml --\n"+configMap("a", `{{ randAlphaNum 20 }}`)+"  y: {{ randAlphaNum 20 | sha256sum }}\n---\n"+configMap("{{ randAlpha 20 | lower }}", "1")); err != nil {
		t.Error(err)
	}
	_, err := converted(t, head+"-- templates/a.yaml --\n"+configMap("a", `{{ randAlphaNum 20 }}`)+"  y: '{{ 1000000.0 }}'\n-- values.yaml --\nx: 1000000\n-- templates/b.yaml --\n"+configMap("b", "'{{ .Values.x }}{{ randAlpha 5 }}'")+"  z: '{{ .Values.x }}'\n")
	equal(t, []string{"web/templates/b.yaml: v1 ConfigMap/b: data.z is another value, with the defaults"}, problems(t, err))
}

func valuesThatTheChartNeeds(t *testing.T) {
	t.Parallel()
	template := "-- templates/a.yaml --\n" + configMap("a", `{{ required "a name is needed" .Values.name }}`)
	got, err := converted(t, head+template+"-- ci/b-values.yaml --\nname: b\n")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []string{"ci/b-values.yaml"}, got.Compared)
	_, err = converted(t, head+template)
	if got := err.Error(); !strings.Contains(got, "the chart cannot be rendered with the defaults, nor with values in ci/*-values.yaml: ") || !strings.Contains(got, "a name is needed") {
		t.Error(got)
	}
}
