package chart

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestChart(t *testing.T) {
	t.Parallel()
	t.Run("it is told of as a pack", aChartIsToldOfAsAPack)
	t.Run("a library is one", aLibraryIsALibrary)
	t.Run("a deprecated one warns", aDeprecatedChartWarns)
	t.Run("versions of the format", versionsOfTheFormat)
	t.Run("what Helm refuses is refused", whatHelmRefuses)
	t.Run("dependencies that are missing are named", missingDependenciesAreNamed)
	t.Run("its defaults are layers", itsDefaultsAreLayers)
	t.Run("subcharts with the same template are in a fixed order", subchartsAreInAFixedOrder)
}

const (
	// head is the Chart.yaml of most charts here.
	head = "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\n"
	// configMap begins a template; what follows is in its data.
	configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  x: "
)

// files are those of an archive in text form.
func files(text string) []pack.File {
	var found []pack.File
	for _, file := range txtar.Parse([]byte(text)).Files {
		found = append(found, pack.File{Path: file.Name, Data: file.Data})
	}
	slices.SortFunc(found, func(a, b pack.File) int { return cmp.Compare(a.Path, b.Path) })
	return found
}

// tgz is the archive of a chart.
func tgz(t *testing.T, name string, files []pack.File) []byte {
	t.Helper()
	var text bytes.Buffer
	zipped := gzip.NewWriter(&text)
	writer := tar.NewWriter(zipped)
	for _, file := range files {
		check(t, writer.WriteHeader(&tar.Header{Name: name + "/" + file.Path, Size: int64(len(file.Data)), Mode: 0o644}))
		_, err := writer.Write(file.Data)
		check(t, err)
	}
	check(t, writer.Close())
	check(t, zipped.Close())
	return text.Bytes()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// contains checks that a text has all of these in it.
func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}

// read makes a chart of an archive in text form.
func read(t *testing.T, text string) *Chart {
	t.Helper()
	c, err := New("web", files(text))
	check(t, err)
	return c
}

// values reads values as -f does.
func values(t *testing.T, text string) render.Values {
	t.Helper()
	given, err := (&Chart{pack: &pack.Pack{All: []pack.File{{Path: "given.yaml", Data: []byte(text)}}}}).read("given.yaml")
	check(t, err)
	return render.Values{Given: pack.Copy(given)}
}

// release is the one that charts are rendered for.
func release() render.Release {
	return render.Release{Name: "shop", Namespace: "prod", Revision: 1, IsInstall: true}
}

// engineWith renders for a cluster that serves these.
func engineWith(apis ...string) render.Engine {
	return render.Engine{Capabilities: render.Capabilities{
		KubeVersion: render.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}, APIVersions: apis,
	}}
}

// rendered completes a chart with values and renders it.
func rendered(t *testing.T, c *Chart, given string) *render.Result {
	t.Helper()
	completed, err := c.Complete(values(t, given))
	check(t, err)
	result, err := completed.Render(engineWith("v1", "apps/v1"), release())
	check(t, err)
	return result
}

// failing completes a chart and returns why it is not rendered.
func failing(t *testing.T, text string) error {
	t.Helper()
	completed, err := read(t, text).Complete(render.Values{})
	if err != nil {
		return err
	}
	_, err = completed.Render(engineWith("v1"), release())
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

// encoded is what a chart is rendered to.
func encoded(t *testing.T, result *render.Result) string {
	t.Helper()
	text, err := manifest.Encode(result.Nodes)
	check(t, err)
	return text
}

// objects are the names of what a chart is rendered to, with their files.
func objects(result *render.Result) []string {
	names := []string{}
	for _, node := range result.Nodes {
		names = append(names, manifest.File(node)+" "+node.GetKind()+"/"+node.GetName())
	}
	return names
}

func aChartIsToldOfAsAPack(t *testing.T) {
	t.Parallel()
	p := read(t, `
-- Chart.yaml --
apiVersion: v1
name: web
version: 1.2.3
appVersion: "4"
description: A web
kubeVersion: ">=1.20"
home: https://example.com
icon: https://example.com/icon.png
sources: [https://example.com/src]
keywords: [a]
maintainers: [{name: Ada, email: ada@example.com, url: https://example.com/ada}]
annotations: {a: b}
-- values.yaml --
replicas: 3
-- crds/a.yaml --
-- crds/README.md --
-- templates/a.yaml --
-- charts/db/Chart.yaml --
apiVersion: v2
name: db
version: 1.0.0
-- charts/db/templates/b.yaml --
-- charts/db/crds/b.yaml --
-- conf/app.ini --
`).Pack()
	equal(t, pack.Metadata{
		Name: "web", Version: "1.2.3", AppVersion: "4", Description: "A web", KubeVersion: ">=1.20",
		Links:    pack.Links{Home: "https://example.com", Icon: "https://example.com/icon.png", Sources: []string{"https://example.com/src"}},
		Keywords: []string{"a"}, Annotations: map[string]string{"a": "b"},
		Maintainers: []pack.Maintainer{{Name: "Ada", Email: "ada@example.com", URL: "https://example.com/ada"}},
	}, p.Metadata)
	equal(t, pack.Application, p.Kind)
	equal(t, map[string]any{"replicas": int64(3)}, p.Values)
	equal(t, []string{"web/charts/db/templates/b.yaml", "web/templates/a.yaml"}, paths(p.Templates))
	equal(t, []string{"web/charts/db/crds/b.yaml", "web/crds/a.yaml"}, paths(p.CRDs))
	equal(t, []string{"charts/db/Chart.yaml", "conf/app.ini", "crds/README.md"}, paths(p.Files))
	if p.SupportsKube("v1.19.0") == nil || p.SupportsKube("v1.30.0") != nil {
		t.Error("kubeVersion is not read")
	}
}

func paths(files []pack.File) []string {
	var found []string
	for _, file := range files {
		found = append(found, file.Path)
	}
	return found
}

func aLibraryIsALibrary(t *testing.T) {
	t.Parallel()
	equal(t, pack.Library, read(t, head+"type: library\n").Pack().Kind)
}

func aDeprecatedChartWarns(t *testing.T) {
	t.Parallel()
	equal(t, []string{"chart web is deprecated"}, rendered(t, read(t, head+"deprecated: true\n"), "").Warnings)
}

func versionsOfTheFormat(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "apiVersion: v1": "", "apiVersion: v2": "",
		"apiVersion: v3":              "web: apiVersion v3 in Chart.yaml is not supported; charts of v1 and v2 are",
		"apiVersion: sherpack/v1":     "web: apiVersion sherpack/v1 in Chart.yaml is not supported; charts of v1 and v2 are",
		"apiVersion: [v2":             "web: reading Chart.yaml: ",
		"apiVersion: v2\ntype: sweet": "web: validation: chart.metadata.type must be application or library",
	} {
		_, err := New("web", files("-- Chart.yaml --\nname: web\nversion: 1.0.0\n"+given+"\n"))
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", given, err)
		}
	}
}

func whatHelmRefuses(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct{ files, says string }{
		"no version":             {"-- Chart.yaml --\napiVersion: v2\nname: web\n", "chart.metadata.version is required"},
		"a name that is a path":  {"-- Chart.yaml --\napiVersion: v2\nname: a/b\nversion: 1.0.0\n", `chart.metadata.name "a/b" is invalid`},
		"values that are a list": {head + "-- values.yaml --\n[a]\n", "cannot load values.yaml"},
		"a subchart without one": {head + "-- charts/db/values.yaml --\na: 1\n", "error unpacking subchart db in web: Chart.yaml file is missing"},
		"no archive":             {head + "-- charts/db.tgz --\nnothing\n", "error unpacking subchart db.tgz in web"},
		"a null dependency":      {head + "dependencies: [null]\n", "dependencies must not contain empty or null nodes"},
	} {
		_, err := New("web", files(test.files))
		var invalid *pack.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", title, err)
		}
	}
}

func missingDependenciesAreNamed(t *testing.T) {
	t.Parallel()
	chart := head + `dependencies:
- {name: db, version: 1.x.x, repository: "https://example.com"}
- {name: cache, condition: cache.enabled}
- {name: there}
-- charts/there/Chart.yaml --
apiVersion: v2
name: there
version: 1.0.0
`
	archived, err := New("./web-1.0.0.tgz", files(chart))
	check(t, err)
	below, err := archived.As("shop/", []string{"front"})
	check(t, err)
	for want, c := range map[string]*Chart{
		"web/Chart.yaml: dependencies: not in charts/: db 1.x.x, cache; run helm dependency build web":                                                                  read(t, chart),
		"./web-1.0.0.tgz/Chart.yaml: dependencies: not in charts/: db 1.x.x, cache; unpack the archive, and run helm dependency build on the folder":                    archived,
		"shop/packs/front/Chart.yaml: dependencies: not in charts/: db 1.x.x, cache; run helm dependency build on the folder of the chart before it is put into packs/": below,
	} {
		if _, err := c.Complete(values(t, "cache: {enabled: false}")); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func itsDefaultsAreLayers(t *testing.T) {
	t.Parallel()
	c := read(t, head+`-- values.yaml --
name: web
db:
  size: 2
-- charts/db/Chart.yaml --
apiVersion: v2
name: db
version: 1.0.0
-- charts/db/values.yaml --
size: 1
disk: ssd
-- charts/db/charts/log/Chart.yaml --
apiVersion: v2
name: log
version: 1.0.0
-- charts/db/charts/log/values.yaml --
# The level.
level: info
`)
	var got []string
	for _, origin := range pack.Explain(c.Defaults(), map[string]any{
		"name": "web", "db": map[string]any{"size": 2.0, "disk": "ssd", "log": map[string]any{"level": "info"}},
	}) {
		got = append(got, origin.Path+" "+origin.From.String())
	}
	slices.Sort(got)
	equal(t, []string{
		"db.disk charts/db/values.yaml:2", "db.log.level charts/db/charts/log/values.yaml:2", "db.size values.yaml:3", "name values.yaml:1",
	}, got)
}

func subchartsAreInAFixedOrder(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(head + "-- templates/a.yaml --\n" + configMap + `{{ include "shared" . }}` + "\n")
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		text.WriteString("-- charts/" + name + "/Chart.yaml --\napiVersion: v2\nname: " + name + "\nversion: 1.0.0\n")
		text.WriteString("-- charts/" + name + "/templates/_helpers.tpl --\n" + `{{ define "shared" }}of ` + name + "{{ end }}\n")
	}
	c := read(t, text.String())
	first := encoded(t, rendered(t, c, ""))
	for range 10 {
		equal(t, first, encoded(t, rendered(t, c, "")))
	}
}
