package pack

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const minimal = "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: a, version: 1.0.0}\n"

func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		full := filepath.Join(folder, name)
		check(t, os.MkdirAll(filepath.Dir(full), 0o755))
		check(t, os.WriteFile(full, []byte(text), 0o600))
	}
}

func asFiles(sets ...map[string]string) []File {
	var files []File
	for _, set := range sets {
		for name, text := range set {
			files = append(files, File{Path: name, Data: []byte(text)})
		}
	}
	return files
}

// build makes a pack of these files, with a minimal Pack.yaml where there is none.
func build(t *testing.T, files map[string]string) *Pack {
	t.Helper()
	all := map[string]string{"Pack.yaml": minimal}
	maps.Copy(all, files)
	p, err := New("p", asFiles(all))
	check(t, err)
	return p
}

func paths(files []File) []string {
	var found []string
	for _, file := range files {
		found = append(found, file.Path)
	}
	return slices.Clone(found)
}

// lines are the problems of an InvalidError.
// lines are the problems of an *InvalidError, without what it says of the schema.
func lines(t *testing.T, err error) []string {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v", err)
	}
	var found []string
	for _, problem := range invalid.Problems {
		found = append(found, problem.String())
	}
	return found
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("a folder is read", openReadsAFolder)
	t.Run("values keep what YAML means to the API server", valuesKeepWhatYAMLMeansToTheAPIServer)
	t.Run("files with problems are refused", filesWithProblemsAreRefused)
	t.Run("names of templates can be printed", namesOfTemplatesCanBePrinted)
}

func openReadsAFolder(t *testing.T) {
	t.Parallel()
	p, err := Open("testdata/mypack")
	check(t, err)
	want := Metadata{
		Name: "shop", Version: "1.4.0", Description: "A shop with a database", AppVersion: "2.10", KubeVersion: ">=1.30",
		Links:       Links{Home: "https://shop.example.com", Sources: []string{"https://git.example.com/shop"}},
		Keywords:    []string{"shop", "web"},
		Maintainers: []Maintainer{{Name: "Ada", Email: "ada@example.com"}},
		Annotations: map[string]string{"team": "storefront"},
	}
	if diff := cmp.Diff(want, p.Metadata); diff != "" {
		t.Errorf("metadata: %s", diff)
	}
	if p.Kind != Application || p.Engine.Strict {
		t.Errorf("kind %q, engine %+v", p.Kind, p.Engine)
	}
	for name, list := range map[string][]File{
		"templates/NOTES.txt templates/_labels.tpl templates/service.yaml": p.Templates,
		"crds/shop.yaml":                   p.CRDs,
		"conf/app.ini templates/README.md": p.Files,
	} {
		if diff := cmp.Diff(strings.Fields(name), paths(list)); diff != "" {
			t.Error(diff)
		}
	}
	if len(p.All) != 9 {
		t.Errorf("all files: %v", paths(p.All))
	}
}

func valuesKeepWhatYAMLMeansToTheAPIServer(t *testing.T) {
	t.Parallel()
	p, err := Open("testdata/mypack")
	check(t, err)
	want := map[string]any{
		"replicas": int64(2),
		"image":    map[string]any{"repository": "shop/web", "tag": "2.10"},
		"limits":   map[string]any{"memory": int64(1000000)},
		"debug":    true,
	}
	if diff := cmp.Diff(want, p.Values); diff != "" {
		t.Error(diff)
	}
}

func filesWithProblemsAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"values that are a list":     {map[string]string{"values.yaml": "- a"}, []string{"p/values.yaml:1: values must be a mapping of keys to values, this is a list"}},
		"a value twice":              {map[string]string{"values.yaml": "a: 1\nb: 2\na: 3\n"}, []string{`p/values.yaml:3: duplicate key "a"`}},
		"a value twice, as read":     {map[string]string{"values.yaml": "a:\n  1: a\n  1.0: b\n"}, []string{`p/values.yaml:3: duplicate key "1.0": it is read as "1", like "1"; quote both`}},
		"values with bad syntax":     {map[string]string{"values.yaml": "a: 1\n b: 2\n"}, []string{"p/values.yaml:2: mapping values are not allowed in this context"}},
		"two schemas":                {map[string]string{"values.schema.json": "{}", "values.schema.yaml": "{}"}, []string{"p/values.schema.yaml: a pack has one schema; remove this file or values.schema.json"}},
		"a schema with a wrong type": {map[string]string{"values.schema.yaml": "type: object\nproperties:\n  a:\n    type: strng\n"}, []string{"p/values.schema.yaml:4: properties.a.type: matches none of the allowed forms: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'; or is string, must be array"}},
		"a schema that is not YAML":  {map[string]string{"values.schema.json": "{"}, []string{"p/values.schema.json:1: did not find expected node content"}},
		"a schema that is elsewhere": {map[string]string{"values.schema.json": `{"$ref": "https://example.com/s.json"}`}, []string{`p/values.schema.json: failing loading "https://example.com/s.json": schemas are not fetched from elsewhere; put the file into the pack and refer to its path`}},
		"a schema on the disk":       {map[string]string{"values.schema.json": `{"$ref": "file:///etc/hosts"}`}, []string{`p/values.schema.json: failing loading "file:///etc/hosts": schemas are not fetched from elsewhere; put the file into the pack and refer to its path`}},
		"a schema that is not there": {map[string]string{"values.schema.json": `{"$ref": "../other.json"}`}, []string{`p/values.schema.json: failing loading "other.json": the pack has no file other.json`}},
		"problems in several files":  {map[string]string{"values.yaml": "a", "values.schema.json": "["}, []string{"p/values.yaml:1: values must be a mapping of keys to values, this is a string", "p/values.schema.json:1: did not find expected node content"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New("p", asFiles(map[string]string{"Pack.yaml": minimal}, test.files))
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func namesOfTemplatesCanBePrinted(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"templates/a\nfoo: bar.yaml", "templates/a\u2028.yaml", "templates/\x1b[31m.yaml", "crds/\xff.yaml"} {
		_, err := New("p", []File{
			{Path: MetadataFile, Data: []byte("apiVersion: sherpack/v1\nkind: application\nmetadata: {name: a, version: 1.0.0}\n")},
			{Path: name},
		})
		var refused *FileError
		if !errors.As(err, &refused) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
