package pack

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mistake is a schema, values that do not fit, and what is said about them.
type mistake struct {
	schema  string
	sources ValueSources
	stdin   string
	want    string
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

// What is wrong with a value can be told without showing it.
func TestValuesAreNotInErrors(t *testing.T) {
	t.Parallel()
	for title, test := range mistakes() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{MetadataFile: minimal}
			if test.schema != "" {
				files["values.schema.yaml"] = fmt.Sprintf("properties: {password: %s}\n", test.schema)
			}
			p, err := assemble("p", asFiles(files))
			if err != nil {
				t.Fatal(err)
			}
			given, err := test.sources.Load(strings.NewReader(test.stdin))
			if err == nil {
				_, err = p.Merge(given)
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

func set(value string) ValueSources { return ValueSources{Set: []string{"password=" + value}} }

func TestAPackWithTooManyKeysIsRefused(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(minimal)
	for i := range 20_000 {
		fmt.Fprintf(&text, "k%d: 1\n", i)
	}
	_, err := assemble("p", asFiles(map[string]string{MetadataFile: text.String()}))
	if diff := cmp.Diff([]string{"p/Pack.yaml:1: a mapping has more than 10000 keys"}, lines(t, err)); diff != "" {
		t.Error(diff)
	}
}
