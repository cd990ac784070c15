package pack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	t.Run("they are told all at once", violationsAreToldAllAtOnce)
	t.Run("those of a file of values have its lines", violationsOfAFileHaveItsLines)
	t.Run("those of values.yaml have its lines", violationsOfTheDefaultsHaveTheirLines)
	t.Run("they name what has given the value, and the schema", violationsNameSourceAndSchema)
	t.Run("those of a value that all packs see do, too", violationsOfGlobalsNameSource)
	t.Run("many are found in time", manyViolationsAreFound)
	t.Run("values are not in errors", valuesAreNotInErrors)
}

func violationsAreToldAllAtOnce(t *testing.T) {
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

const strictSchema = `{"additionalProperties": false, "required": ["must"], "properties": {"must": {}, "replicas": {"type": "integer"},
	"image": {"additionalProperties": false, "required": ["tag"], "properties": {"tag": {"type": "string"}}}}}`

func violationsOfAFileHaveItsLines(t *testing.T) {
	t.Parallel()
	p, err := New("p", asFiles(map[string]string{
		MetadataFile: minimal, "values.schema.json": strictSchema, ValuesFile: "# Defaults.\n\nreplicas: many\n",
		"ci/a-values.yaml": "image:\n  tga: 1\nimgae: 2\n", "ci/b-values.yaml": "must: {}\nreplicas: 1\n", "ci/c-values.yaml": "- a\n",
	}))
	check(t, err)
	_, err = mergeFile(p, "ci/a-values.yaml")
	want := []string{
		"p/ci/a-values.yaml:1: image.tag: is required",
		"p/ci/a-values.yaml:2: image.tga: unknown key; did you mean tag?",
		"p/ci/a-values.yaml:3: imgae: unknown key; did you mean image?",
		"must: is required",
		"p/values.yaml:3: replicas: is string, must be integer",
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
	got, err := mergeFile(p, "ci/b-values.yaml")
	check(t, err)
	if diff := cmp.Diff(map[string]any{"must": map[string]any{}, "replicas": int64(1)}, got); diff != "" {
		t.Error(diff)
	}
	_, err = mergeFile(p, "ci/c-values.yaml")
	if diff := cmp.Diff([]string{"p/ci/c-values.yaml:1: values must be a mapping of keys to values, this is a list"}, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

// mergeFile is Merge with the values in a file of the pack.
func mergeFile(p *Pack, name string) (map[string]any, error) {
	file, err := p.ValuesIn(name)
	if err != nil {
		return nil, err
	}
	return merge(p, file.Values, []Layer{p.Defaults(), file})
}

// merge is Merge with what all values come from.
func merge(p *Pack, given map[string]any, layers []Layer) (map[string]any, error) {
	merged, err := p.Lay(given)
	if err != nil {
		return nil, err
	}
	return merged, p.Validate(merged, Place{Opened: p.Path, Source: SourceIn(layers)})
}

func violationsOfTheDefaultsHaveTheirLines(t *testing.T) {
	t.Parallel()
	p, err := New("p", asFiles(map[string]string{
		MetadataFile: minimal, "values.schema.json": strictSchema, ValuesFile: "must: 1\nimgae: 2\n",
	}))
	check(t, err)
	_, err = p.Merge(map[string]any{"replcas": 1})
	want := []string{
		"p/values.yaml:2: imgae: unknown key; did you mean image?",
		"replcas: unknown key; did you mean replicas?",
	}
	if diff := cmp.Diff(want, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}

func violationsNameSourceAndSchema(t *testing.T) {
	t.Parallel()
	p, err := New("./p", asFiles(map[string]string{
		MetadataFile: minimal, "values.schema.json": strictSchema, ValuesFile: "must: 1\nreplicas: 1\n",
	}))
	check(t, err)
	file := filepath.Join(t.TempDir(), "prod.yaml")
	check(t, os.WriteFile(file, []byte("# Production.\nimage: {}\nreplicas: many\n"), 0o600))
	for title, test := range map[string]struct {
		sources ValueSources
		// kept are values of revision 3, which --set gave.
		kept map[string]any
		want string
	}{
		"a key on the command line": {
			sources: ValueSources{Set: []string{"replcas=1"}},
			want:    "values do not match ./p/values.schema.json: --set replcas: unknown key; did you mean replicas?",
		},
		"the strongest of several": {
			sources: ValueSources{Files: []string{file}, SetString: []string{"replicas=x"}, Set: []string{"image.tag=v1"}},
			want:    "values do not match ./p/values.schema.json: --set-string replicas: is string, must be integer",
		},
		"a key that is missing on the command line": {
			sources: ValueSources{SetJSON: []string{"image={}"}},
			want:    "values do not match ./p/values.schema.json: image.tag: is required",
		},
		"a file, and the mapping in it that misses a key": {
			sources: ValueSources{Files: []string{file}},
			want:    "values do not match ./p/values.schema.json:\n  " + file + ":2: image.tag: is required\n  " + file + ":3: replicas: is string, must be integer",
		},
		"what is kept of an earlier revision": {
			kept: map[string]any{"replicas": "x"},
			want: "values do not match ./p/values.schema.json: kept from revision 3 (--set): replicas: is string, must be integer",
		},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			given, err := test.sources.Load(nil)
			check(t, err)
			layers := []Layer{p.Defaults(), Kept(test.kept, []Origin{{Path: "replicas", From: Source{Kind: FromSet}}}, 3)}
			_, err = merge(p, Overlay(test.kept, given.Values), append(layers, given.Layers...))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

// The flag does not name the dependency whose schema refuses the value.
func violationsOfGlobalsNameSource(t *testing.T) {
	t.Parallel()
	p, err := New("p", asFiles(map[string]string{
		MetadataFile: minimal, "values.schema.json": `{"properties": {"global": {"properties": {"size": {"type": "integer"}}}}}`,
	}))
	check(t, err)
	for flag, want := range map[string]string{
		"global.size=x":        "--set global.size: is string, must be integer",
		"shop.global.size=x":   "--set shop.global.size: is string, must be integer",
		"shop.db.global.a=x":   "shop.db.global.size: is string, must be integer",
		"global.size=a,b=1":    "--set global.size: is string, must be integer",
		`db\.global.size=x`:    "shop.db.global.size: is string, must be integer",
		"shop.db.global.size=": "--set shop.db.global.size: is string, must be integer",
	} {
		given, err := ValueSources{Set: []string{flag}}.Load(nil)
		check(t, err)
		at := Place{Opened: "top", Folder: "packs/shop/packs/db", Path: []string{"shop", "db"}, Source: SourceIn(given.Layers)}
		err = p.Validate(map[string]any{"global": map[string]any{"size": "x"}}, at)
		if want = "values do not match top/packs/shop/packs/db/values.schema.json: " + want; err == nil || err.Error() != want {
			t.Errorf("%s: got %v\nwant %s", flag, err, want)
		}
	}
}

// It took minutes when every problem looked through the whole file for its line.
func manyViolationsAreFound(t *testing.T) {
	t.Parallel()
	var values strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&values, "k%d: 1\n", i)
	}
	p, err := New("p", []File{
		{Path: MetadataFile, Data: []byte("apiVersion: sherpack/v1\nkind: application\nmetadata: {name: a, version: 1.0.0}\n")},
		{Path: ValuesFile, Data: []byte(values.String())},
		{Path: "values.schema.json", Data: []byte(`{"additionalProperties": {"type": "string"}}`)},
	})
	check(t, err)
	var invalid *InvalidError
	if _, err := p.Merge(nil); !errors.As(err, &invalid) || len(invalid.Problems) != 60_000 {
		t.Fatalf("got %.200v", err)
	}
}

// mistake is a schema, values that do not fit, and what is said about them.
type mistake struct {
	schema  string
	sources ValueSources
	stdin   string
	want    string
}

// What is wrong with a value can be told without showing it.
func valuesAreNotInErrors(t *testing.T) {
	t.Parallel()
	for title, test := range mistakes() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{MetadataFile: minimal}
			if test.schema != "" {
				files["values.schema.yaml"] = fmt.Sprintf("properties: {password: %s}\n", test.schema)
			}
			p, err := New("p", asFiles(files))
			if err != nil {
				t.Fatal(err)
			}
			given, err := test.sources.Load(strings.NewReader(test.stdin))
			if err == nil {
				_, err = p.Merge(given.Values)
			}
			var got []string
			if err != nil {
				got = lines(t, err)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
			if hidden := []string{"hunter2", "20002"}; slices.ContainsFunc(got, func(line string) bool {
				return strings.Contains(line, hidden[0]) || strings.Contains(line, hidden[1])
			}) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func mistakes() map[string]mistake {
	return map[string]mistake{
		"a comma in --set": {
			sources: ValueSources{Set: []string{"password=a,hunter2"}},
			want:    `--set password=…: key "…" has no value; write a comma that belongs to a value as \,`,
		},
		"a bracket in --set-string": {
			sources: ValueSources{SetString: []string{"password=a,b[hunter2]=c"}},
			want:    `--set-string password=…: error parsing index: strconv.Atoi: parsing "…": invalid syntax`,
		},
		"an alias in a file": {
			sources: ValueSources{Files: []string{"-"}}, stdin: "password: *hunter2\n",
			want: "standard input: no such anchor; quote a value that begins with *",
		},
		"a tag in a file": {
			sources: ValueSources{Files: []string{"-"}}, stdin: "password: !!int hunter2\n",
			want: "standard input: cannot decode !!str as a !!int",
		},
		"a null key": {
			sources: ValueSources{Files: []string{"-"}}, stdin: "a: 1\nnull: hunter2\n",
			want: "standard input:2: a key must be a string",
		},
		"a list as a key": {
			sources: ValueSources{Files: []string{"-"}}, stdin: "a: 1\n? [hunter2]\n: 1\n",
			want: "standard input:2: a key must be a string",
		},
		"control characters": {
			sources: ValueSources{Files: []string{"-"}}, stdin: "a: 1\nb: hunter2\x1b[2J\n",
			want: "standard input:2: control characters are not allowed",
		},
		"a pattern":            {schema: "{pattern: '^x'}", sources: set("hunter2"), want: "password: does not match the pattern ^x"},
		"a format":             {schema: "{format: ipv4}", sources: set("hunter2"), want: ""},
		"a list of words":      {schema: "{enum: [a, b]}", sources: set("hunter2"), want: "password: value must be one of 'a', 'b'"},
		"one word":             {schema: "{const: a}", sources: set("hunter2"), want: "password: value must be 'a'"},
		"another type":         {schema: "{type: integer}", sources: set("hunter2"), want: "password: is string, must be integer"},
		"an encoding":          {schema: "{contentEncoding: base64}", sources: set("hunter2"), want: ""},
		"a number too small":   {schema: "{minimum: 1000000}", sources: set("20002"), want: "password: must be at least 1000000"},
		"a number too large":   {schema: "{maximum: 1}", sources: set("20002"), want: "password: must be at most 1"},
		"the same, excluded":   {schema: "{exclusiveMaximum: 1}", sources: set("20002"), want: "password: must be less than 1"},
		"below what is not in": {schema: "{exclusiveMinimum: 30000}", sources: set("20002"), want: "password: must be more than 30000"},
		"a number between":     {schema: "{multipleOf: 7}", sources: set("20002"), want: "password: must be a multiple of 7"},
		"none of several":      {schema: "{anyOf: [{const: a}, {maximum: 2, type: number}]}", sources: set("20002"), want: "password: matches none of the allowed forms: value must be 'a'; or must be at most 2"},
	}
}

func set(value string) ValueSources { return ValueSources{Set: []string{"password=" + value}} }
