package pack

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	t.Run("files", loadOfFiles)
	t.Run("flags", loadOfFlags)
	t.Run("all that is wrong is told", allThatIsWrongIsTold)
	t.Run("files that cannot be read", loadOfUnreadableFiles)
}

type loadTest struct {
	sources ValueSources
	stdin   string
	want    map[string]any
}

func loadOfFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"a.yaml":   "image: {name: a, tag: '1'}\nlist: [1, 2]\nbig: 1000000\n",
		"b.yaml":   "image: {tag: '2'}\nlist: [3]\n",
		"null.yml": "image: null\n",
		"empty":    "# nothing\n",
		"c.json":   `{"image": {"name": "c"}}`,
	})
	in := func(name string) string { return filepath.Join(folder, name) }
	checkLoad(t, map[string]loadTest{
		"nothing": {want: map[string]any{}},
		"later files are stronger and lists are replaced": {
			sources: ValueSources{Files: []string{in("a.yaml"), in("b.yaml")}},
			want:    map[string]any{"image": map[string]any{"name": "a", "tag": "2"}, "list": []any{int64(3)}, "big": int64(1000000)},
		},
		"a key beside a merged mapping is stronger": {
			sources: ValueSources{Files: []string{"-"}},
			stdin:   "base: &base {a: 1, b: 1}\nover: {<<: *base, b: 2}",
			want: map[string]any{
				"base": map[string]any{"a": int64(1), "b": int64(1)}, "over": map[string]any{"a": int64(1), "b": int64(2)},
			},
		},
		"an empty file changes nothing": {
			sources: ValueSources{Files: []string{in("b.yaml"), in("empty")}},
			want:    map[string]any{"image": map[string]any{"tag": "2"}, "list": []any{int64(3)}},
		},
		"a null is kept, to delete the pack's own": {
			sources: ValueSources{Files: []string{in("b.yaml"), in("null.yml")}, Set: []string{"list=null"}},
			want:    map[string]any{"image": nil, "list": nil},
		},
		"JSON is YAML": {
			sources: ValueSources{Files: []string{in("c.json")}},
			want:    map[string]any{"image": map[string]any{"name": "c"}},
		},
		"standard input takes its turn": {
			sources: ValueSources{Files: []string{in("a.yaml"), "-", in("b.yaml")}},
			stdin:   "image: {name: s, tag: s}\nlist: []\nbig: 1",
			want:    map[string]any{"image": map[string]any{"name": "s", "tag": "2"}, "list": []any{int64(3)}, "big": int64(1)},
		},
	})
}

func checkLoad(t *testing.T, tests map[string]loadTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.sources.Load(strings.NewReader(test.stdin))
			check(t, err)
			if diff := cmp.Diff(test.want, got.Values); diff != "" {
				t.Error(diff)
			}
			together := map[string]any{}
			for _, layer := range got.Layers {
				together = Overlay(together, layer.Values)
			}
			if diff := cmp.Diff(test.want, together); diff != "" {
				t.Errorf("the layers together (-want +got):\n%s", diff)
			}
		})
	}
}

func loadOfFlags(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{"text": "two\nlines\n"})
	checkLoad(t, map[string]loadTest{
		"--set has Helm's syntax and goes over files": {
			sources: ValueSources{Files: []string{"-"}, Set: []string{`image.tag=3,list[1]=x`, `a\.b={1,true,z},n=1.5`}},
			stdin:   "image: {tag: '2'}\nlist: [3]\n",
			want: map[string]any{
				"image": map[string]any{"tag": int64(3)}, "list": []any{int64(3), "x"},
				"a.b": []any{int64(1), true, "z"}, "n": "1.5",
			},
		},
		"the flags are stronger in the order of their kind": {
			sources: ValueSources{
				SetJSON: []string{`a={"x": 1e2}`, `b=1`, `c=1`, `d=1`}, Set: []string{"b=2,c=2,d=2"}, SetString: []string{"c=3,d=3"},
				SetFile: []string{"d=" + filepath.Join(folder, "text")},
			},
			want: map[string]any{"a": map[string]any{"x": int64(100)}, "b": int64(2), "c": "3", "d": "two\nlines\n"},
		},
		"--set-json takes a whole object": {
			sources: ValueSources{SetJSON: []string{"a.b=1", ` {"a": {"c": 2.5}}`}},
			want:    map[string]any{"a": map[string]any{"b": int64(1), "c": 2.5}},
		},
	})
}

func allThatIsWrongIsTold(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{"list.yaml": "\n- a\n", "twice.yaml": "a: 1\nb: 2\na: 3\n", "merged.yaml": "<<: {a: 1}\nb: 2\nb: 3\n"})
	_, err := ValueSources{
		Files:   []string{folder + "/list.yaml", folder + "/twice.yaml", folder + "/merged.yaml", "-"},
		Set:     []string{"a", "ok=1", "b[0=1"},
		SetJSON: []string{"a=}", "{"},
	}.Load(strings.NewReader("a: [\n"))
	want := []string{
		folder + "/list.yaml:2: values must be a mapping of keys to values, this is a list",
		folder + `/twice.yaml:3: duplicate key "a"`,
		folder + `/merged.yaml:3: duplicate key "b"`,
		"standard input:1: did not find expected node content",
		"--set-json a=…: invalid character '}' looking for beginning of value",
		"--set-json {…}: unexpected end of JSON input",
		`--set a: key "a" has no value`,
		"--set b[0=…: a [ is not closed",
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

func loadOfUnreadableFiles(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "x.yaml")
	for name, sources := range map[string]ValueSources{
		missing:            {Files: []string{missing}},
		t.TempDir():        {Files: []string{filepath.Dir(missing)}},
		"standard input":   {Files: []string{"-", "-"}},
		missing + " again": {SetFile: []string{"a=" + missing}},
	} {
		_, err := sources.Load(strings.NewReader(""))
		var failed *FileError
		if !errors.As(err, &failed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := (ValueSources{Files: []string{"-"}}).Load(nil); err == nil {
		t.Error("no standard input is no error")
	}
}

func FuzzValues(f *testing.F) {
	f.Add("a: {b: [1, 2.5, null, 1e400]}\nc: &x [*x]\n", "a.b[1]=x,d={1,2}", "properties: {a: {$ref: '#'}}\n")
	f.Add("- a\n", "a=null", "type: object\ndefault: 1\n")
	f.Add("a: 2020-01-01\nyes: no\n", "{", "allOf: [{$ref: '#/$defs/a'}]\n$defs: {a: {properties: {x: {default: {}}}}}\n")
	f.Fuzz(func(t *testing.T, file, set, schema string) {
		p, err := New("p", asFiles(map[string]string{
			MetadataFile: minimal, ValuesFile: file, "values.schema.yaml": schema,
		}))
		onlyKnownErrors(t, err)
		given, err := ValueSources{Files: []string{"-"}, Set: []string{set}, SetJSON: []string{set}}.Load(strings.NewReader(file))
		onlyKnownErrors(t, err)
		if p == nil || err != nil {
			return
		}
		merged, err := p.Merge(given.Values)
		onlyKnownErrors(t, err)
		if err == nil {
			noNulls(t, merged)
		}
	})
}

func noNulls(t *testing.T, values map[string]any) {
	t.Helper()
	for key, value := range values {
		if value == nil {
			t.Errorf("%s is null", key)
		}
		if inner, ok := value.(map[string]any); ok {
			noNulls(t, inner)
		}
	}
}
