package reads_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/reads"
)

func TestUnread(t *testing.T) {
	t.Parallel()
	t.Run("chains of keys", chainsOfKeys)
	t.Run("with, range and variables", withRangeAndVariables)
	t.Run("functions", functionsThatRead)
	t.Run("templates that are included", templatesThatAreIncluded)
	t.Run("texts that are rendered", textsThatAreRendered)
	t.Run("what is not understood reads everything", whatIsNotUnderstoodReadsEverything)
	t.Run("the schema", theSchemaReads)
	t.Run("the pack's own values", thePacksOwnValues)
	t.Run("messages", messages)
	t.Run("where they were given", whereTheyWereGiven)
}

// row is a template with keys that are given to it, as --set takes them, and those of them that it does not read.
type row struct {
	template    string
	given, want string
}

func checkRows(t *testing.T, rows map[string]row) {
	t.Helper()
	for title, test := range rows {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			p := packOf(map[string]string{"templates/a.yaml": test.template})
			if diff := cmp.Diff(strings.Fields(test.want), unreadKeys(t, p, p.Values, test.given)); diff != "" {
				t.Errorf("unread (-want +got):\n%s", diff)
			}
		})
	}
}

func packOf(templates map[string]string) *pack.Pack {
	p := &pack.Pack{Metadata: pack.Metadata{Name: "shop"}, Values: map[string]any{}}
	for name, text := range templates {
		p.Templates = append(p.Templates, pack.File{Path: name, Data: []byte(text)})
	}
	return p
}

func unreadKeys(t *testing.T, p *pack.Pack, merged map[string]any, given string) []string {
	t.Helper()
	keys := []string{}
	for _, unread := range unreadOf(t, p, merged, pack.ValueSources{Set: strings.Fields(strings.ReplaceAll(given, " ", "=1 ") + "=1")}) {
		keys = append(keys, strings.TrimPrefix(unread.File, "--set "))
	}
	return keys
}

func unreadOf(t *testing.T, p *pack.Pack, merged map[string]any, sources pack.ValueSources) []reads.Unread {
	t.Helper()
	given, err := sources.Load(strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	return reads.Of(pack.Alone(p, merged)).Unread(given.Layers)
}

func chainsOfKeys(t *testing.T) {
	t.Parallel()
	checkRows(t, map[string]row{
		"Helm's spelling":              {"{{ .Values.image.tag }}", "image.tag image.tga imag", "image.tga imag"},
		"the function values":          {"{{ values.image.tag }}", "image.tag image.tga imag", "image.tga imag"},
		"from the top":                 {"{{ range tuple 1 }}{{ $.Values.a.b }}{{ end }}", "a.b a.c", "a.c"},
		"in parentheses":               {"{{ (.Values.a).b }}{{ (values.c | default dict).d }}", "a.b a.c c.d c.e", "a.c c.e"},
		"what is below a printed one":  {"{{ .Values.a }}", "a.b.c b", "b"},
		"a mapping on the way to one":  {"{{ .Values.a.b }}", "a.b a", ""},
		"a branch that is not taken":   {"{{ if false }}{{ .Values.a }}{{ else }}{{ values.b }}{{ end }}", "a b c", "c"},
		"a condition":                  {"{{ if .Values.a }}{{ .Values.a.b }}{{ end }}", "a.b a.c", "a.c"},
		"a condition alone":            {"{{ if .Values.a }}a{{ end }}", "a.b", ""},
		"a definition nobody includes": {`{{ define "x" }}{{ .Values.a }}{{ .context.Values.b }}{{ end }}`, "a b c", "c"},
		"a comment reads nothing":      {"{{/* .Values.a */}}{{ .Values.b }}", "a b", "a"},
		"a pack that reads nothing":    {"kind: List", "a", "a"},
		"others than values":           {"{{ .Release.Name }}{{ .Capabilities.KubeVersion.Version }}", "Name name", "Name name"},
		"keys of another meaning":      {"{{ .Values.a }}", "global.x x-any.b a", ""},
		"only a key at the top is global": {
			"{{ .Values.a.b }}", "a.global", "a.global",
		},
	})
}

func withRangeAndVariables(t *testing.T) {
	t.Parallel()
	checkRows(t, map[string]row{
		"with":                      {"{{ with .Values.a }}{{ .b }}{{ else }}{{ .Values.c }}{{ end }}", "a.b a.x c b", "a.x b"},
		"with and a variable":       {"{{ with $x := .Values.a }}{{ $x.b }}{{ end }}", "a.b a.x", "a.x"},
		"with inside of with":       {"{{ with .Values.a }}{{ with .b }}{{ .c }}{{ end }}{{ end }}", "a.b.c a.b.x a.x", "a.b.x a.x"},
		"items of a list":           {"{{ range .Values.l }}{{ .a }}{{ end }}", "l[0].a l[1].x", "l[1].x"},
		"items that are printed":    {"{{ range .Values.l }}{{ . }}{{ end }}", "l[0].a", ""},
		"values of a mapping":       {"{{ range $k, $v := .Values.m }}{{ $v.a }}{{ end }}", "m.any.a m.any.x", "m.any.x"},
		"a key beside all of them":  {"{{ .Values.m.one.a }}{{ range .Values.m }}{{ .b }}{{ end }}", "m.one.a m.one.b m.one.c m.two.a", "m.one.c m.two.a"},
		"a variable":                {"{{ $x := .Values.a }}{{ $x.b }}", "a.b a.x", "a.x"},
		"a variable of the whole":   {"{{ $v := .Values }}{{ $v.a }}", "a b", "b"},
		"a variable of the context": {"{{ $top := . }}{{ range tuple 1 }}{{ $top.Values.a }}{{ end }}", "a b", "b"},
		"one that is changed":       {"{{ $x := .Values.a }}{{ if 1 }}{{ $x = .Values.b }}{{ end }}{{ $x.c }}", "a.c b.c b.x", "b.x"},
		"one that is changed later": {"{{ $x := dict }}{{ range tuple 1 2 }}{{ $x.c }}{{ $x = $.Values.b }}{{ end }}", "b.c b.x", "b.x"},
		"a loop that only counts":   {"{{ range .Values.l }}x{{ end }}", "l[0].a", ""},
	})
}

func functionsThatRead(t *testing.T) {
	t.Parallel()
	checkRows(t, map[string]row{
		"index":                 {`{{ index .Values "a-b" "c" }}`, "a-b.c a-b.x", "a-b.x"},
		"index of a list":       {`{{ (index .Values.l 0).a }}`, "l[0].a l[0].x", "l[0].x"},
		"index with a variable": {`{{ $k := "a" }}{{ (index .Values $k).b }}`, "any.b any.x", "any.x"},
		"get":                   {`{{ get .Values "a" }}{{ (.Values.c | get "d") }}`, "a b", "b"},
		"hasKey":                {`{{ if hasKey .Values "a" }}{{ end }}`, "a b", "b"},
		"dig":                   {`{{ dig "a" "b" "none" .Values }}{{ values | dig "c" .Values.d }}`, "a.b c d a.x x", "a.x x"},
		"pluck":                 {`{{ (first (pluck "a" .Values.one .Values.two)).b }}`, "one.a.b two.a.b two.a.c", "two.a.c"},
		"default":               {`{{ (default .Values.a .Values.b).c }}`, "a.c b.c b.x", "b.x"},
		"or and coalesce":       {`{{ (or .Values.a .Values.b).c }}{{ (coalesce .Values.d).e }}`, "a.c d.e d.x", "d.x"},
		"ternary":               {`{{ (ternary .Values.a .Values.b .Values.on).c }}`, "a.c b.c on a.x", "a.x"},
		"toYaml reads all":      {`{{ toYaml .Values.a | nindent 2 }}`, "a.b.c b", "b"},
		"lower case":            {`{{ toyaml values.a }}{{ haskey values "b" }}`, "a.x b c", "c"},
		"dict and list":         {`{{ $d := dict "k" .Values.a }}{{ $d.k.b }}{{ with list .Values.c }}{{ (index . 0).d }}{{ end }}`, "a.b a.x c.d c.x", "a.x c.x"},
		"merge":                 {`{{ (merge (dict) .Values.a .Values.b).c }}`, "a.c b.c b.x", "b.x"},
		"merge into values":     {`{{ $_ := mergeOverwrite .Values.a .Values.b }}{{ .Values.a.c }}`, "a.c b.any a.x", "a.x"},
		"set of values":         {`{{ $_ := set .Values "a" .Values.b }}{{ .Values.a.c }}`, "b.any a.c a.x", "a.x"},
		"a variable that is set": {
			`{{ $d := dict }}{{ $_ := set $d "k" .Values.a }}{{ $d.k.b }}`, "a.any b", "b",
		},
		"empty and not look only at whether": {`{{ if not (empty .Values.a) }}{{ .Values.a.b }}{{ end }}`, "a.b a.x", "a.x"},
		"a method":                           {`{{ .Files.Get .Values.file }}`, "file other", "other"},
		"a function that nobody knows":       {`{{ wonder .Values.a }}`, "a.b c", "c"},
	})
}

func templatesThatAreIncluded(t *testing.T) {
	t.Parallel()
	checkRows(t, map[string]row{
		"with the context":  {`{{ define "x" }}{{ .Values.a }}{{ end }}{{ include "x" . }}`, "a b", "b"},
		"with a value":      {`{{ define "x" }}{{ .repository }}{{ end }}{{ include "x" .Values.image }}`, "image.repository image.tag", "image.tag"},
		"with all values":   {`{{ define "x" }}{{ .a }}{{ end }}{{ include "x" .Values }}`, "a b", "b"},
		"with a dictionary": {`{{ define "x" }}{{ .v.b }}{{ .top.Values.c }}{{ end }}{{ include "x" (dict "v" .Values.a "top" $) }}`, "a.b a.x c d", "a.x d"},
		"as a template":     {`{{ define "x" }}{{ .b }}{{ end }}{{ template "x" .Values.a }}`, "a.b a.x", "a.x"},
		"as a block":        {`{{ block "x" .Values.a }}{{ .b }}{{ end }}`, "a.b a.x", "a.x"},
		"by a name that is made": {
			`{{ define "x-y" }}{{ .b }}{{ end }}{{ include (print "x-" "y") .Values.a }}`, "a.b a.x", "a.x",
		},
		"itself":           {`{{ define "x" }}{{ with .next }}{{ include "x" . }}{{ end }}{{ .v }}{{ end }}{{ include "x" .Values }}`, "v next.next.v next.x", "next.x"},
		"itself, wrapped":  {`{{ define "x" }}{{ include "x" (dict "a" . "b" .) }}{{ end }}{{ include "x" . }}{{ .Values.c }}`, "d", ""},
		"twice, otherwise": {`{{ define "x" }}{{ .b }}{{ end }}{{ include "x" .Values.a }}{{ include "x" .Values.c }}`, "a.b c.b c.x", "c.x"},
		"and printed whole": {
			`{{ define "x" }}{{ toYaml . }}{{ end }}{{ include "x" .Values.a }}`, "a.any b", "b",
		},
	})
}

func textsThatAreRendered(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		templates, values string
		files             string
		given, want       string
	}{
		"a value":           {templates: "{{ tpl .Values.text . }}", values: "text: 'hello {{ .Values.name }}'", given: "name nam", want: "nam"},
		"a value in a list": {templates: "{{ tpl (toYaml .Values.l) $ }}", values: "l: [{a: '{{ values.b.c }}'}]", given: "b.c b.x l", want: "b.x"},
		"a value nobody renders": {
			templates: "{{ .Values.text }}", values: "text: 'hello {{ .Values.name }}'", given: "name", want: "name",
		},
		"a value that is no template": {templates: "{{ tpl .Values.text . }}", values: "text: '{{ nothing'", given: "name", want: "name"},
		"a text in the template":      {templates: `{{ tpl "{{ .Values.a }}" . }}`, values: "{}", given: "a b", want: "b"},
		"a part of a text":            {templates: `{{ tpl (printf "{{ .Values.%s }}" "a") . }}`, values: "{}", given: "a b", want: ""},
		"a file":                      {templates: `{{ tpl (.Files.Get "conf/a") . }}`, values: "{}", files: "{{ .Values.a }}", given: "a b", want: "b"},
		"what else it is given":       {templates: `{{ tpl .Values.text (dict "c" .Values.ctx "top" $) }}`, values: "text: '{{ .c.any }}'", given: "ctx.any a", want: "a"},
		"all that it is given":        {templates: `{{ tpl .Values.text . }}`, values: "text: '{{ toYaml . }}'", given: "a", want: ""},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			p := packOf(map[string]string{"templates/a.yaml": test.templates})
			p.Files = []pack.File{{Path: "conf/a", Data: []byte(test.files)}}
			if err := yaml.Unmarshal([]byte(test.values), &p.Values); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Fields(test.want), unreadKeys(t, p, p.Values, test.given)); diff != "" {
				t.Errorf("unread (-want +got):\n%s", diff)
			}
		})
	}
}

func whatIsNotUnderstoodReadsEverything(t *testing.T) {
	t.Parallel()
	checkRows(t, map[string]row{
		"all values at once":         {"{{ toYaml .Values }}", "a b.c", ""},
		"all of the context":         {"{{ toJson . }}", "a", ""},
		"a dictionary that has it":   {`{{ toJson (dict "top" $) }}`, "a", ""},
		"all values, as a list":      {"{{ range $k, $v := .Values }}{{ $v }}{{ end }}", "a.b", ""},
		"a template that is no such": {"{{ if }}", "a", ""},
		"too many wrappings":         {"{{ $x := .Values.a }}" + strings.Repeat(`{{ $x = dict "a" $x "b" $x }}`, 100) + "{{ .Values.c }}", "a.any c", ""},
		"blocks without end":         {strings.Repeat("{{ if 1 }}", 5000) + strings.Repeat("{{ end }}", 5000), "a", ""},
	})
}

func theSchemaReads(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct{ schema, given, want string }{
		"properties":                   {"properties: {a: {properties: {b: {}}}}", "a.b a.c d", "a.c d"},
		"what it refers to":            {"properties: {a: {$ref: '#/$defs/x'}}\n$defs: {x: {properties: {b: {}}}}", "a.b a.c", "a.c"},
		"what must hold, too":          {"allOf: [{properties: {a: {}}}]", "a b", "b"},
		"patterns":                     {"properties: {a: {patternProperties: {'^x': {}}}}", "a.any b", "b"},
		"others with a schema":         {"properties: {a: {properties: {b: {}}, additionalProperties: {type: string}}}", "a.any b", "b"},
		"others that are not":          {"properties: {a: {properties: {b: {}}, additionalProperties: false}}", "a.any", "a.any"},
		"choices":                      {"properties: {a: {oneOf: [{properties: {b: {}}}, {properties: {c: {}}}]}}", "a.any", ""},
		"itself":                       {"properties: {a: {properties: {a: {$ref: '#'}}}}", "a.a.any b", "b"},
		"items":                        {"properties: {a: {items: {properties: {b: {}}}}}", "a[0].any", ""},
		"a mapping of any kind":        {"properties: {a: {type: object}}", "a.any", ""},
		"a choice for all":             {"anyOf: [{required: [a]}, {required: [b]}]", "any", ""},
		"others at the top by a word":  {"additionalProperties: true", "any", ""},
		"nothing of the keys is known": {"type: object", "any", "any"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for name, text := range map[string]string{
				"Pack.yaml":          "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: shop, version: 1.0.0}\n",
				"values.schema.yaml": test.schema,
			} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p, err := pack.Open(folder)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Fields(test.want), unreadKeys(t, p, nil, test.given)); diff != "" {
				t.Errorf("unread (-want +got):\n%s", diff)
			}
		})
	}
}

// A default is a declared value, whether or not a template reads it.
func thePacksOwnValues(t *testing.T) {
	t.Parallel()
	p := packOf(map[string]string{"templates/a.yaml": "{{ .Values.image.tag }}"})
	p.Values = map[string]any{"image": map[string]any{"pull": "Always"}, "labels": map[string]any{}, "hosts": []any{map[string]any{"name": "a"}}}
	want := []string{"image.x", "hosts[0].nme"}
	if diff := cmp.Diff(want, unreadKeys(t, p, p.Values, "image.pull image.tag image.x labels.any hosts[0].name hosts[0].nme")); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
}
