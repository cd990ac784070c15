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

func TestOpenReadsAFolder(t *testing.T) {
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

func TestValuesKeepWhatYAMLMeansToTheAPIServer(t *testing.T) {
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

const minimal = "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: a, version: 1.0.0}\n"

func TestPackYAMLProblems(t *testing.T) {
	t.Parallel()
	for name, test := range packYAMLTests() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := assemble("p", []File{{Path: "Pack.yaml", Data: []byte(test.text)}})
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type packYAMLTest struct {
	text string
	want []string
}

func packYAMLTests() map[string]packYAMLTest {
	return map[string]packYAMLTest{
		"an unknown key names its line and the nearest": {
			"apiVersion: sherpack/v1\nkind: application\nmetadata:\n  name: a\n  verison: 1.0.0\n",
			[]string{
				`p/Pack.yaml:3: metadata.version: is "", must be a semantic version such as 1.2.0`,
				"p/Pack.yaml:5: metadata.verison: unknown key; did you mean version?",
			},
		},
		"an unknown key without a near one": {
			minimal + "zzz: 1\n",
			[]string{"p/Pack.yaml:4: zzz: unknown key"},
		},
		"an unknown key in a list": {
			"apiVersion: sherpack/v1\nkind: application\nmetadata:\n  name: a\n  version: 1.0.0\n  maintainers:\n    - name: x\n      mail: y\n",
			[]string{"p/Pack.yaml:8: metadata.maintainers[0].mail: unknown key; did you mean email?"},
		},
		"a key in the wrong place": {
			minimal + "engine: {strct: true}\n",
			[]string{"p/Pack.yaml:4: engine.strct: unknown key; did you mean strict?"},
		},
		"several problems at once": {
			"apiVersion: v2\nkind: app\nmetadata:\n  name: -x\n  version: '1'\n  kubeVersion: new\n",
			[]string{
				`p/Pack.yaml:1: apiVersion: is "v2", must be sherpack/v1`,
				`p/Pack.yaml:2: kind: is "app", must be application or library`,
				`p/Pack.yaml:4: metadata.name: is "-x", must be 1 to 63 letters, digits, dashes, dots or underscores, a letter or digit first and last`,
				`p/Pack.yaml:5: metadata.version: is "1", must be a semantic version such as 1.2.0`,
				`p/Pack.yaml:6: metadata.kubeVersion: is "new", must be a version constraint such as >=1.30: improper constraint: "new"`,
			},
		},
		"a key twice": {
			minimal + "kind: library\n",
			[]string{`p/Pack.yaml:4: duplicate key "kind"`},
		},
		"a value of the wrong kind": {
			minimal + "engine: {strict: maybe}\n",
			[]string{"p/Pack.yaml:4: is a string, must be true or false"},
		},
		"bad syntax": {
			"apiVersion: sherpack/v1\nkind: [\n",
			[]string{"p/Pack.yaml:2: did not find expected node content"},
		},
		"two documents": {
			minimal + "---\nkind: library\n",
			[]string{"p/Pack.yaml:4: has more than one YAML document"},
		},
		"not a mapping": {
			"- a\n",
			[]string{"p/Pack.yaml:1: is a list, must be a mapping"},
		},
	}
}

func TestStrictIsTheDefault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		minimal:                               true,
		minimal + "engine:\n":                 true,
		minimal + "engine: {}\n":              true,
		minimal + "engine: {strict: false}\n": false,
		"\xEF\xBB\xBF" + minimal + "engine: {strict: no}\n": false,
	} {
		if p := build(t, map[string]string{"Pack.yaml": text}); p.Engine.Strict != want {
			t.Errorf("%q: strict is %v", text, p.Engine.Strict)
		}
	}
}

func TestFilesWithProblems(t *testing.T) {
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
			_, err := assemble("p", asFiles(map[string]string{"Pack.yaml": minimal}, test.files))
			if diff := cmp.Diff(test.want, lines(t, err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSupportsKube(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		constraint, version string
		ok                  bool
	}{
		{"", "whatever", true},
		{">=1.30", "v1.36.3", true},
		{">=1.30", "1.36.3", true},
		{">=1.36.3", "v1.36.3-gke.1", true},
		{">=1.36.3", "v1.36.3+k3s1", true},
		{">=1.30-0", "v1.36.3-eks-1234", true},
		{">=1.30 <1.33 || >=1.35", "v1.34.0", false},
		{"1.30.x", "v1.31.0", false},
		{">=1.30", "next", false},
	} {
		p := Pack{Metadata: Metadata{Name: "a", KubeVersion: test.constraint}}
		if err := p.SupportsKube(test.version); (err == nil) != test.ok {
			t.Errorf("%q on %q: %v", test.constraint, test.version, err)
		}
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"Pack.yaml": minimal, "templates/a.yaml": "a", "templates/.a.yaml.swp": "x", "templates/._a.yaml": "x",
		".git/config": "secret", "sub/.git/config": "secret", "conf/.hidden": "h",
	})
	link(t, "../templates/a.yaml", filepath.Join(folder, "conf", "link.yaml"))
	p, err := Open(folder + "/")
	check(t, err)
	if diff := cmp.Diff([]string{"templates/a.yaml"}, paths(p.Templates)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"conf/.hidden", "conf/link.yaml"}, paths(p.Files)); diff != "" {
		t.Error(diff)
	}
	if got := p.where("x"); got != folder+"/x" {
		t.Errorf("where: %s", got)
	}
}

func TestFoldersThatAreRefused(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "secret")
	write(t, filepath.Dir(outside), map[string]string{"secret": "s"})
	for name, test := range map[string]struct {
		prepare func(t *testing.T, folder string)
		want    string
	}{
		"a link that leads out":    {func(t *testing.T, f string) { link(t, outside, filepath.Join(f, "x")) }, "x: path escapes from parent"},
		"a link up":                {func(t *testing.T, f string) { link(t, "../x", filepath.Join(f, "x")) }, "x: path escapes from parent"},
		"a link to a folder":       {func(t *testing.T, f string) { link(t, ".", filepath.Join(f, "x")) }, "links to folders are not followed"},
		"a link to nothing":        {func(t *testing.T, f string) { link(t, "nothing", filepath.Join(f, "x")) }, "no such file"},
		"a pipe":                   {pipe, "x: not a regular file"},
		"a file that is too large": {func(t *testing.T, f string) { truncate(t, filepath.Join(f, "x"), maxFile+1) }, "x: larger than 5 MiB"},
		"files that are too large": {func(t *testing.T, f string) { large(t, f) }, "the pack is larger than 100 MiB"},
		"no Pack.yaml":             {func(t *testing.T, f string) { remove(t, filepath.Join(f, "Pack.yaml")) }, "no Pack.yaml"},
		"no folder":                {func(t *testing.T, f string) { remove(t, f) }, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			write(t, folder, map[string]string{"Pack.yaml": minimal})
			test.prepare(t, folder)
			_, err := Open(folder)
			var failed *FileError
			if !errors.As(err, &failed) || failed.Path != folder || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func large(t *testing.T, folder string) {
	t.Helper()
	for i := range maxTotal/maxFile + 1 {
		truncate(t, filepath.Join(folder, "x"+string(rune('a'+i))), maxFile)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	check(t, os.Symlink(to, at))
}

func remove(t *testing.T, name string) {
	t.Helper()
	check(t, os.RemoveAll(name))
}

func truncate(t *testing.T, name string, size int64) {
	t.Helper()
	write(t, filepath.Dir(name), map[string]string{filepath.Base(name): ""})
	check(t, os.Truncate(name, size))
}

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
	p, err := assemble("p", asFiles(all))
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
func lines(t *testing.T, err error) []string {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got %v", err)
	}
	return strings.Split(invalid.Error(), "\n")
}
