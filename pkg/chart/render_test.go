package chart

import (
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestRender(t *testing.T) {
	t.Parallel()
	t.Run("what templates know", whatTemplatesKnow)
	t.Run("on an upgrade", onAnUpgrade)
	t.Run("lookup asks what is handed in", lookupAsksWhatIsHandedIn)
	t.Run("the order of what is rendered", theOrderOfWhatIsRendered)
	t.Run("notes are those of the top chart", notesAreThoseOfTheTopChart)
	t.Run("a library chart lends its templates", aLibraryChartLendsItsTemplates)
	t.Run("archives in archives", archivesInArchives)
	t.Run("files of each chart", filesOfEachChart)
	t.Run("warnings of Helm", warningsOfHelm)
	t.Run("twice gives the same", renderingTwiceGivesTheSame)
	t.Run("definitions of disabled subcharts are left out", definitionsOfDisabledSubcharts)
}

func whatTemplatesKnow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Revision }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }}`: "shop prod 1 true false",
		`{{ .Release.Service }}`:                  "Helm",
		`{{ .Chart.Name }} {{ .Chart.IsRoot }}`:   "web true",
		`{{ .Template.Name }}`:                    "web/templates/a.yaml",
		`{{ .Capabilities.KubeVersion.Version }}`: "v1.36.0",
		`v{{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }}`:                        "v1 36",
		`v{{ .Capabilities.KubeVersion }}`:                                                                    "vv1.36.0",
		`{{ .Capabilities.APIVersions.Has "apps/v1" }}`:                                                       `true`,
		`{{ .Capabilities.APIVersions.Has "batch/v1" }}`:                                                      `false`,
		`{{ semverCompare ">=4" .Capabilities.HelmVersion.Version }} {{ .Capabilities.HelmVersion.Version }}`: "true v4.3",
		`{{ .Files.Get "conf.ini" | quote }}`:                                                                 `"[a]\n"`,
		`{{ tpl (.Files.Get "conf.tpl") . }}`:                                                                 "from shop",
		`"{{ .Values.none }}!"`:                                                                               `"!"`,
		`{{ lookup "v1" "Secret" "prod" "x" | toJson }}`:                                                      "{}",
		`"{{ getHostByName "localhost" }}!"`:                                                                  `"!"`,
	} {
		c := read(t, head+"-- conf.ini --\n[a]\n-- conf.tpl --\nfrom {{ .Release.Name }}\n-- templates/a.yaml --\n"+configMap+text+"\n")
		contains(t, encoded(t, rendered(t, c, "")), "\n  x: "+want)
	}
}

func onAnUpgrade(t *testing.T) {
	t.Parallel()
	completed, err := read(t, head+"-- templates/a.yaml --\n"+configMap+"{{ .Release.IsUpgrade }} {{ .Release.Revision }}\n").Complete(render.Values{})
	check(t, err)
	result, err := completed.Render(engineWith(), render.Release{Name: "shop", Namespace: "prod", Revision: 4, IsUpgrade: true})
	check(t, err)
	contains(t, encoded(t, result), "x: true 4")
}

func lookupAsksWhatIsHandedIn(t *testing.T) {
	t.Parallel()
	completed, err := read(t, head+"-- templates/a.yaml --\n"+configMap+`{{ (lookup "v1" "Secret" "prod" "x").found }}`+"\n").Complete(render.Values{})
	check(t, err)
	engine := engineWith()
	engine.Lookup = func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		return map[string]any{"found": strings.Join([]string{apiVersion, kind, namespace, name}, " ")}, nil
	}
	result, err := completed.Render(engine, release())
	check(t, err)
	contains(t, encoded(t, result), "x: v1 Secret prod x")
}

// object is a resource of a template.
func object(kind, name string) string {
	return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: " + name + "}\n"
}

func theOrderOfWhatIsRendered(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- crds/z.yaml --\n"+object("Definition", "z")+"-- crds/a.yaml --\n"+object("Definition", "a")+
		"-- templates/b.yaml --\n"+object("ConfigMap", "b")+"-- templates/a.yaml --\n"+object("Secret", "a2")+"---\n"+object("ConfigMap", "a1")+
		"-- templates/_none.yaml --\n"+object("ConfigMap", "none")+"-- templates/NOTES.txt --\nNotes.\n"+
		"-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n-- charts/db/templates/c.yaml --\n"+object("ConfigMap", "c")+
		"-- charts/db/crds/d.yaml --\n"+object("Definition", "d"))
	equal(t, []string{
		"web/crds/a.yaml Definition/a", "web/crds/z.yaml Definition/z", "web/charts/db/crds/d.yaml Definition/d",
		"web/charts/db/templates/c.yaml ConfigMap/c", "web/templates/a.yaml Secret/a2", "web/templates/a.yaml ConfigMap/a1", "web/templates/b.yaml ConfigMap/b",
	}, objects(rendered(t, c, "")))
}

func notesAreThoseOfTheTopChart(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- templates/NOTES.txt --\nOf {{ .Chart.Name }}.\n-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n"+
		"-- charts/db/templates/NOTES.txt --\nOf {{ .Chart.Name }}.\n-- charts/db/templates/sub/NOTES.txt --\nnot: yaml: at all\n")
	result := rendered(t, c, "")
	equal(t, "Of web.\n", result.Notes)
	equal(t, []string{}, objects(result))
}

func aLibraryChartLendsItsTemplates(t *testing.T) {
	t.Parallel()
	c := read(t, head+"-- templates/a.yaml --\n"+configMap+`{{ include "lib.x" . }}`+"\n-- charts/lib/Chart.yaml --\napiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n"+
		"-- charts/lib/templates/_x.tpl --\n{{ define \"lib.x\" }}lent to {{ .Chart.Name }}{{ end }}\n-- charts/lib/templates/none.yaml --\n"+object("ConfigMap", "none"))
	result := rendered(t, c, "")
	equal(t, []string{"web/templates/a.yaml ConfigMap/web"}, objects(result))
	contains(t, encoded(t, result), "x: lent to web")
}

func archivesInArchives(t *testing.T) {
	t.Parallel()
	below := func(name string) string {
		return "-- Chart.yaml --\napiVersion: v2\nname: " + name + "\nversion: 1.0.0\n-- values.yaml --\nsize: 1\n-- templates/a.yaml --\n" + object("ConfigMap", "{{ .Chart.Name }}-{{ .Values.size }}")
	}
	deepest := addFile(files(below("inner")), "charts/core.tgz", tgz(t, "core", files(below("core"))))
	middle := addFile(files(below("outer")), "charts/inner-1.0.0.tgz", tgz(t, "inner", deepest))
	c, err := New("web", addFile(files(below("web")), "charts/outer.tgz", tgz(t, "outer", middle)))
	check(t, err)
	equal(t, []string{
		"web/charts/outer/charts/inner/charts/core/templates/a.yaml ConfigMap/core-3",
		"web/charts/outer/charts/inner/templates/a.yaml ConfigMap/inner-1",
		"web/charts/outer/templates/a.yaml ConfigMap/outer-1", "web/templates/a.yaml ConfigMap/web-1",
	}, objects(rendered(t, c, "outer: {inner: {core: {size: 3}}}")))
}

func addFile(to []pack.File, path string, data []byte) []pack.File {
	return append(to, pack.File{Path: path, Data: data})
}

func filesOfEachChart(t *testing.T) {
	t.Parallel()
	own := "{{ range $path, $_ := .Files.Glob \"conf/**\" }}{{ $path }} {{ end }}{{ .Files.Get \"charts/db/conf/b\" }}"
	c := read(t, head+"-- conf/a --\n-- conf/sub/c --\n-- templates/a.yaml --\n"+configMap+own+"\n-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n-- charts/db/conf/b --\nb\n"+
		"-- charts/db/templates/a.yaml --\n"+strings.Replace(configMap, "name: web", "name: db", 1)+own+"\n")
	contains(t, encoded(t, rendered(t, c, "")), "x: conf/b\n", "x: conf/a conf/sub/c\n")
}

func warningsOfHelm(t *testing.T) {
	t.Parallel()
	c := read(t, head+`dependencies: [{name: db, condition: db.enabled, tags: [a], import-values: [none]}]
-- requirements.yaml --
dependencies: [{name: db, condition: db.enabled, tags: [a], import-values: [none]}]
-- values.yaml --
tags: {a: 1}
db: {enabled: "yes"}
name: {a: {b: c}}
-- charts/db/Chart.yaml --
apiVersion: v2
name: db
version: 1.0.0
`)
	equal(t, []string{
		`Dependencies are handled in Chart.yaml since apiVersion "v2". We recommend migrating dependencies to Chart.yaml.`,
		"cannot overwrite table with non table for web.name.a (map[b:c])",
		"returned non-bool value, tag=a, chart=db", "returned non-bool value, path=db.enabled, chart=db",
		`ImportValues missing table, error="exports" is not a table`,
	}, rendered(t, c, "name: {a: x}").Warnings)
}

func renderingTwiceGivesTheSame(t *testing.T) {
	t.Parallel()
	completed, err := read(t, family).Complete(values(t, "tags: {extras: true}\naudit: {enabled: false}\nlog: {level: x}"))
	check(t, err)
	first, firstErr := completed.Render(engineWith(), release())
	second, secondErr := completed.Render(engineWith(), release())
	check(t, firstErr)
	check(t, secondErr)
	equal(t, encoded(t, first), encoded(t, second))
}

func definitionsOfDisabledSubcharts(t *testing.T) {
	t.Parallel()
	c := read(t, head+"dependencies: [{name: db, condition: db.enabled}]\n-- charts/db/Chart.yaml --\napiVersion: v2\nname: db\nversion: 1.0.0\n"+
		"-- charts/db/values.yaml --\nenabled: true\n-- charts/db/crds/d.yaml --\n"+object("Definition", "d"))
	equal(t, []string{"web/charts/db/crds/d.yaml Definition/d"}, objects(rendered(t, c, "")))
	equal(t, []string{}, objects(rendered(t, c, "db: {enabled: false}")))
}
