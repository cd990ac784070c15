package pack

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type loadTest struct {
	sources ValueSources
	stdin   string
	want    map[string]any
}

func checkLoad(t *testing.T, tests map[string]loadTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.sources.Load(strings.NewReader(test.stdin))
			check(t, err)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadOfFiles(t *testing.T) {
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

func TestLoadOfFlags(t *testing.T) {
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

func TestLoadTellsAllThatIsWrong(t *testing.T) {
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

func TestLoadOfFilesThatCannotBeRead(t *testing.T) {
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

func TestMerge(t *testing.T) {
	t.Parallel()
	p, err := Open("testdata/mypack")
	check(t, err)
	base := func() map[string]any {
		return map[string]any{
			"replicas": int64(2),
			"image":    map[string]any{"repository": "shop/web", "tag": "2.10", "pullPolicy": "IfNotPresent"},
			"limits":   map[string]any{"memory": int64(1000000)},
			"debug":    true,
			"service":  map[string]any{"port": int64(8080)},
		}
	}
	for name, test := range map[string]struct {
		given map[string]any
		want  func(map[string]any)
	}{
		"defaults of the schema fill what is missing, tls stays away without its secret": {
			nil, func(map[string]any) {},
		},
		"given values are stronger": {
			map[string]any{"image": map[string]any{"tag": "3"}, "replicas": 5},
			func(v map[string]any) { v["image"].(map[string]any)["tag"] = "3"; v["replicas"] = int64(5) },
		},
		"null deletes a value and a default": {
			map[string]any{"limits": map[string]any{"memory": nil}, "debug": nil, "service": nil, "image": map[string]any{"pullPolicy": nil, "tag": nil}},
			func(v map[string]any) {
				v["limits"] = map[string]any{}
				delete(v, "debug")
				delete(v, "service")
				v["image"] = map[string]any{"repository": "shop/web"}
			},
		},
		"a default fills a mapping that is given in part": {
			map[string]any{"tls": map[string]any{"secret": "s"}},
			func(v map[string]any) { v["tls"] = map[string]any{"secret": "s", "port": int64(443)} },
		},
		"whole numbers that JSON made floats are whole again": {
			map[string]any{"replicas": 3.0},
			func(v map[string]any) { v["replicas"] = int64(3) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := base()
			test.want(want)
			got, err := p.Merge(test.given)
			check(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMergeChangesNothing(t *testing.T) {
	t.Parallel()
	p := build(t, map[string]string{"values.yaml": "a: {b: 1}\nl: [{x: 1}]\n"})
	given := map[string]any{"a": map[string]any{"c": nil, "d": map[string]any{"e": 1}}}
	merged, err := p.Merge(given)
	check(t, err)
	merged["a"].(map[string]any)["d"].(map[string]any)["e"] = "changed"
	merged["l"].([]any)[0].(map[string]any)["x"] = "changed"
	if diff := cmp.Diff(map[string]any{"a": map[string]any{"c": nil, "d": map[string]any{"e": 1}}}, given); diff != "" {
		t.Errorf("given: %s", diff)
	}
	if diff := cmp.Diff(map[string]any{"a": map[string]any{"b": int64(1)}, "l": []any{map[string]any{"x": int64(1)}}}, p.Values); diff != "" {
		t.Errorf("the pack's: %s", diff)
	}
}

func TestViolationsAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	p, err := Open("testdata/mypack")
	check(t, err)
	p.Values["debug"] = "yes"
	_, err = p.Merge(map[string]any{
		"replicas": 0, "imgae": "x", "service": map[string]any{"port": "http"}, "tls": map[string]any{},
		"image": map[string]any{"repository": nil, "repo": "x", "pullPolicy": "Never"},
	})
	want := []string{
		"testdata/mypack/values.yaml:7: debug: is string, must be boolean",
		"image.pullPolicy: value must be one of 'Always', 'IfNotPresent'",
		"image.repo: unknown key; did you mean repository?",
		"image.repository: is required",
		"imgae: unknown key; did you mean image?",
		"replicas: must be at least 1",
		"service.port: is string, must be integer",
		"tls.secret: is required",
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		given map[string]any
		want  any
	}{
		"a schema in YAML with another file of the pack": {
			map[string]string{"values.schema.yaml": "properties: {a: {$ref: 'schemas/a.json'}}", "schemas/a.json": `{"type": "string", "default": "x"}`},
			nil,
			map[string]any{"a": "x"},
		},
		"defaults through allOf and a default that is a mapping": {
			map[string]string{"values.schema.yaml": "allOf: [{properties: {a: {default: {}, properties: {b: {default: [1.0]}}}}}]"},
			nil,
			map[string]any{"a": map[string]any{"b": []any{int64(1)}}},
		},
		"a schema that refers to itself": {
			map[string]string{"values.schema.yaml": "properties: {child: {$ref: '#'}, x: {default: 1}}"},
			nil,
			map[string]any{"x": int64(1), "child": map[string]any{"x": int64(1)}},
		},
		"a schema that is false": {
			map[string]string{"values.schema.yaml": "properties: {a: false}"},
			map[string]any{"a": 1},
			[]string{"a: false schema"},
		},
		"a choice": {
			map[string]string{"values.schema.yaml": "properties: {a: {anyOf: [{type: string}, {type: object, required: [b]}]}}"},
			map[string]any{"a": map[string]any{}},
			[]string{"a: matches none of the allowed forms: is object, must be string; or a.b: is required"},
		},
		"items of lists and keys with dots": {
			map[string]string{"values.schema.yaml": "additionalProperties: {items: {type: string}}"},
			map[string]any{"a.b": []any{"x", 1}},
			[]string{`["a.b"][1]: is number, must be string`},
		},
		"a value that does not match is not shown": {
			map[string]string{"values.schema.yaml": "$schema: http://json-schema.org/draft-07/schema#\nproperties: {a: {pattern: ^x}, b: {format: email}}"},
			map[string]any{"a": "secret", "b": "secret"},
			[]string{"a: does not match the pattern ^x", "b: is no valid email"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got any
			got, err := build(t, test.files).Merge(test.given)
			if err != nil {
				got = lines(t, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASchemaOfMoreDefaultsThanFit(t *testing.T) {
	t.Parallel()
	_, err := build(t, map[string]string{"values.schema.yaml": doubling(30)}).Merge(nil)
	want := []string{"p/values.schema.yaml: the schema describes defaults for more than 100000 keys"}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

// doubling is a small schema that describes 2^depth defaults.
func doubling(depth int) string {
	var text strings.Builder
	text.WriteString("$ref: '#/$defs/d0'\n$defs:\n")
	for i := range depth {
		next := "{$ref: '#/$defs/d" + string(rune('0'+i+1)) + "'}"
		text.WriteString("  d" + string(rune('0'+i)) + ": {properties: {a: " + next + ", b: " + next + "}}\n")
	}
	text.WriteString("  d" + string(rune('0'+depth)) + ": {default: 1}\n")
	return text.String()
}

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"repository", "tag", "pullPolicy", "replicas"}
	for word, want := range map[string]string{
		"repo": "repository", "repositroy": "repository", "tga": "tag", "Tag": "tag", "pullpolicy": "pullPolicy",
		"replica": "replicas", "zzz": "", "": "", "x": "",
	} {
		if got := Nearest(word, keys); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestYAMLThatWouldUseUpTheMachineIsRefused(t *testing.T) {
	t.Parallel()
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		item := "*a" + string(rune('0'+i))
		laughs.WriteString("a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat(item+", ", 9) + item + "]\n")
	}
	for name, text := range map[string]string{
		"aliases of aliases":         laughs.String(),
		"an alias of itself":         "a: &a [*a]\n",
		"lists inside of each other": "a: " + strings.Repeat("[", 100_000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{"values.yaml", "values.schema.yaml", "Pack.yaml"} {
				_, err := assemble("p", hostile(file, text))
				var invalid *InvalidError
				if !errors.As(err, &invalid) {
					t.Errorf("%s: got %v", file, err)
				}
			}
		})
	}
}

func hostile(file, text string) []File {
	files := map[string]string{"Pack.yaml": minimal}
	files[file] = text
	return asFiles(files)
}
