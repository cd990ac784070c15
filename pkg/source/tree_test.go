package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// Each file of testdata is a pack, the values that it is given as given.yaml, and what it is rendered to as want.yaml, or what is
// wrong with it as want.error.
func TestTree(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			checkTree(t, archive)
		})
	}
}

func checkTree(t *testing.T, archive *txtar.Archive) {
	t.Helper()
	files, special := split(archive)
	var given map[string]any
	if err := yaml.Unmarshal([]byte(special["given.yaml"]), &given); err != nil {
		t.Fatal(err)
	}
	got, err := rendered(t, files, pack.Copy(given))
	if err != nil {
		if diff := cmp.Diff(special["want.error"], err.Error()+"\n"); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		return
	}
	if diff := cmp.Diff(special["want.yaml"], got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// split tells the files of a pack from what is given and wanted.
func split(archive *txtar.Archive) (files, special map[string]string) {
	files, special = map[string]string{}, map[string]string{}
	for _, file := range archive.Files {
		if file.Name == "given.yaml" || strings.HasPrefix(file.Name, "want.") {
			special[file.Name] = string(file.Data)
			continue
		}
		files[file.Name] = string(file.Data)
	}
	return files, special
}

func open(t *testing.T, files map[string]string) (source.Source, error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		full := filepath.Join(folder, "shop", name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := source.Open(filepath.Join(folder, "shop"))
	return opened, withoutFolder(err, folder)
}

// withoutFolder calls files in errors by their names in the folder.
func withoutFolder(err error, folder string) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), folder+"/", ""))
}

// rendered is the manifest of a pack, with its notes and warnings as comments.
func rendered(t *testing.T, files map[string]string, given map[string]any) (string, error) {
	t.Helper()
	opened, err := open(t, files)
	if err != nil {
		return "", err
	}
	folder := filepath.Dir(opened.Pack().Path)
	user := pack.Layer{Values: given, Source: func([]string) pack.Source { return pack.Source{Kind: pack.FromUser} }}
	values := render.Values{Given: given, Layers: append(opened.Defaults(), user)}
	if _, inFile := files["ci/a-values.yaml"]; inFile {
		values.File = "ci/a-values.yaml"
	}
	completed, err := opened.Complete(values)
	if err != nil {
		return "", withoutFolder(err, folder)
	}
	result, err := completed.Render(render.Engine{}, render.Release{Name: "app", Namespace: "default", Revision: 1, IsInstall: true})
	if err != nil {
		return "", withoutFolder(err, folder)
	}
	text, err := manifest.Encode(result.Nodes)
	if err != nil {
		t.Fatal(err)
	}
	if result.Notes != "" {
		text += "# Notes: " + result.Notes
	}
	for _, warning := range result.Warnings {
		text += "# Warning: " + warning + "\n"
	}
	return text, nil
}
