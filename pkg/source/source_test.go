package source

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("a pack", openAPack)
	t.Run("a chart", openAChart)
	t.Run("a folder with both is a pack", openAFolderWithBoth)
	t.Run("what cannot be opened", whatCannotBeOpened)
	t.Run("a chart's ignore file", aChartsIgnoreFile)
	t.Run("links of a chart", linksOfAChart)
}

// folder writes an archive in text form into a folder.
func folder(t *testing.T, text string) string {
	t.Helper()
	root := t.TempDir()
	for _, file := range txtar.Parse([]byte(text)).Files {
		name := filepath.Join(root, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// objects are what a source is rendered to with values.
func objects(t *testing.T, opened Source, values render.Values) []string {
	t.Helper()
	completed, err := opened.Complete(values)
	if err != nil {
		t.Fatal(err)
	}
	result, err := completed.Render(render.Engine{}, render.Release{Name: "shop", Namespace: "prod", Revision: 1, IsInstall: true})
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, node := range result.Nodes {
		found = append(found, manifest.File(node)+" "+node.GetKind()+"/"+node.GetName())
	}
	return found
}

const (
	packHead  = "-- Pack.yaml --\napiVersion: sherpack/v1\nkind: application\nmetadata: {name: web, version: 1.0.0}\n"
	chartHead = "-- Chart.yaml --\napiVersion: v2\nname: web\nversion: 1.0.0\n"
	rest      = `-- values.yaml --
name: default
-- crds/b.yaml --
{apiVersion: v1, kind: Definition, metadata: {name: b}}
-- templates/a.yaml --
{apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Values.name }}"}}
-- ci/a-values.yaml --
name: file
`
)

// opened checks what both kinds of a source make of the same files.
func opened(t *testing.T, text, prefix string, isChart bool) {
	t.Helper()
	got, err := Open(folder(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if got.IsChart() != isChart || got.Pack().Metadata.Name != "web" {
		t.Errorf("a chart: %v, %v", got.IsChart(), got.Pack().Metadata)
	}
	for name, values := range map[string]render.Values{
		"default": {}, "given": {Given: map[string]any{"name": "given"}}, "old": {Defaults: map[string]any{"name": "old"}}, "file": {File: "ci/a-values.yaml"},
	} {
		want := []string{prefix + "crds/b.yaml Definition/b", prefix + "templates/a.yaml ConfigMap/" + name}
		if diff := cmp.Diff(want, objects(t, got, values)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if origins := pack.Explain(got.Defaults(), map[string]any{"name": "default"}); len(origins) != 1 || origins[0].From.String() != "values.yaml:1" {
		t.Errorf("defaults: %v", origins)
	}
}

func openAPack(t *testing.T) {
	t.Parallel()
	opened(t, packHead+rest, "", false)
}

func openAChart(t *testing.T) {
	t.Parallel()
	opened(t, chartHead+rest, "web/", true)
}

func openAFolderWithBoth(t *testing.T) {
	t.Parallel()
	opened(t, packHead+chartHead+rest, "", false)
}

func whatCannotBeOpened(t *testing.T) {
	t.Parallel()
	if got, err := Open(filepath.Join(t.TempDir(), "none")); err == nil || got != nil {
		t.Errorf("a folder that does not exist: %v, %v", got, err)
	}
	for _, text := range []string{"-- Chart.yaml --\nname: web\n", "-- Pack.yaml --\nname: web\n"} {
		got, err := Open(folder(t, text))
		var invalid *pack.InvalidError
		if !errors.As(err, &invalid) || got != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func aChartsIgnoreFile(t *testing.T) {
	t.Parallel()
	got, err := Open(folder(t, chartHead+`-- .helmignore --
# Not these.
*.bak
/docs/
-- a.bak --
-- templates/a.yaml.bak --
-- templates/.swp --
-- docs/a.md --
-- sub/docs/a.md --
-- .sherpackignore --
sub
-- ._a --
`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range got.Pack().All {
		names = append(names, file.Path)
	}
	want := []string{".helmignore", ".sherpackignore", "Chart.yaml", "sub/docs/a.md"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func linksOfAChart(t *testing.T) {
	t.Parallel()
	root := folder(t, chartHead+rest)
	if err := os.Symlink("values.yaml", filepath.Join(root, "linked.yaml")); err != nil {
		t.Skip(err)
	}
	got, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := got.Pack().Text("linked.yaml"); string(text) != "name: default\n" {
		t.Errorf("a link inside of the chart: %q", text)
	}
	if err := os.Symlink("/etc/hosts", filepath.Join(root, "templates", "hosts.yaml")); err != nil {
		t.Fatal(err)
	}
	if got, err := Open(root); err == nil {
		t.Errorf("a link that leads out: %v", got)
	}
}
