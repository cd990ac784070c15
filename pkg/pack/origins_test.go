package pack

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	t.Run("the strongest source wins over the others", theStrongestSourceWins)
	t.Run("values that are kept", valuesThatAreKept)
	t.Run("what a record keeps", whatARecordKeeps)
}

// explained writes origins as lines: path = value from source, beats source = value.
func explained(layers []Layer, merged map[string]any) []string {
	var lines []string
	values := Paths(merged)
	for _, origin := range Explain(layers, merged) {
		line := fmt.Sprintf("%s = %v from %s", origin.Path, values[origin.Path], origin.From)
		for _, beaten := range origin.Beats {
			line += fmt.Sprintf(", beats %s = %v", beaten.Source, beaten.Value)
		}
		lines = append(lines, line)
	}
	return lines
}

// strength is what is given beside the values of a pack, and which of all wins.
type strength struct {
	sources ValueSources
	stdin   string
	want    []string
}

// strengths are about a pack in a folder, beside which are the files that are given.
func strengths(folder string) map[string]strength {
	in := func(name string) string { return filepath.Join(folder, name) }
	return map[string]strength{
		"none": {want: []string{
			"base.m = 1 from values.yaml:10", "hosts = [a b] from values.yaml:5", "image.repository = shop from values.yaml:3", "image.tag = 1 from values.yaml:4",
			"old.a = 1 from values.yaml:8", "over.m = 1 from values.yaml:11", "port = 80 from schema default",
		}},
		"a file": {sources: ValueSources{Files: []string{in("prod.yaml")}}, want: []string{
			"hosts = [c] from -f FOLDER/prod.yaml:3, beats values.yaml:5 = [a b]",
			"image.tag = 2 from -f FOLDER/prod.yaml:2, beats values.yaml:4 = 1",
			`new\.key = map[] from -f FOLDER/prod.yaml:4`,
		}},
		"all kinds": {
			sources: ValueSources{
				Files: []string{in("prod.yaml"), "-"}, SetJSON: []string{`image={"tag":"3"}`}, Set: []string{"image.tag=4", "image.tag=5"},
				SetString: []string{"port=8"}, SetFile: []string{"old.b=" + in("text")},
			},
			stdin: "hosts: null\nimage: {tag: s}",
			want: []string{
				"hosts = <nil> from standard input:1, beats -f FOLDER/prod.yaml:3 = [c], beats values.yaml:5 = [a b]",
				"image.tag = 5 from --set, beats --set = 4, beats --set-json = 3, beats standard input:2 = s, beats -f FOLDER/prod.yaml:2 = 2, beats values.yaml:4 = 1",
				`new\.key = map[] from -f FOLDER/prod.yaml:4`,
				"old.b = two\nlines\n from --set-file", "port = 8 from --set-string",
			},
		},
		"an item of a list": {sources: ValueSources{Set: []string{"hosts[1]=x", "hosts[0]=y"}}, want: []string{
			"hosts = [y x] from --set, beats --set = [<nil> x], beats values.yaml:5 = [a b]",
		}},
		"a mapping instead of a value": {sources: ValueSources{Set: []string{"image.tag.a=1"}}, want: []string{
			"image.tag.a = 1 from --set, beats values.yaml:4 = 1",
		}},
		"a value instead of a mapping": {sources: ValueSources{Set: []string{"image=x"}}, want: []string{
			"image = x from --set, beats values.yaml:2 = map[repository:shop tag:1]",
		}},
		"null for a default of the schema is nothing to tell": {sources: ValueSources{Set: []string{"nothing=null"}}, want: nil},
	}
}

func theStrongestSourceWins(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, map[string]string{
		"pack/Pack.yaml":          minimal,
		"pack/values.yaml":        "# the defaults\nimage:\n  repository: shop\n  tag: '1'\nhosts:\n  - a\n  - b\nold: {a: 1}\nbase: &base\n  m: 1\nover:\n  <<: *base\n",
		"pack/values.schema.yaml": "properties: {port: {default: 80}}",
		"prod.yaml":               "image:\n  tag: '2'\nhosts: [c]\nnew.key: {}\n",
		"text":                    "two\nlines\n",
	})
	p, err := Open(folder + "/pack")
	check(t, err)
	for title, test := range strengths(folder) {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			given, err := test.sources.Load(strings.NewReader(test.stdin))
			check(t, err)
			merged, err := p.Merge(given.Values)
			check(t, err)
			defaults, err := p.Merge(nil)
			check(t, err)
			var own []string
			if title != "none" {
				// Only what differs.
				own = explained([]Layer{p.Defaults()}, defaults)
			}
			var got []string
			for _, line := range explained(append([]Layer{p.Defaults()}, given.Layers...), merged) {
				if !strings.Contains(strings.Join(own, "\n"), line) {
					got = append(got, strings.ReplaceAll(line, folder, "FOLDER"))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("origins (-want +got):\n%s", diff)
			}
		})
	}
}

func valuesThatAreKept(t *testing.T) {
	t.Parallel()
	values := map[string]any{"file": 1, "older": 2, "unknown": 3}
	layer := Kept(values, []Origin{
		{Path: "file", From: Source{Kind: FromFile, File: "prod.yaml", Line: 7}},
		{Path: "older", From: Source{Kind: FromSet, Revision: 2}},
	}, 4)
	want := []string{
		"file = 1 from kept from revision 4 (-f prod.yaml:7)", "older = 2 from kept from revision 2 (--set)", "unknown = 3 from user values of revision 4",
	}
	if diff := cmp.Diff(want, explained([]Layer{layer}, values)); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}

func whatARecordKeeps(t *testing.T) {
	t.Parallel()
	origins := []Origin{{Path: "a", Beats: []Beaten{{Value: "short"}, {Value: strings.Repeat("x", maxBeaten)}}}}
	want := []Origin{{Path: "a", Beats: []Beaten{{Value: "short"}, {Cut: true}}}}
	if diff := cmp.Diff(want, Short(origins)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if origins[0].Beats[1].Value == nil {
		t.Error("what was to be shortened has changed itself")
	}
	if kept := Short(make([]Origin, maxOrigins+1)); kept != nil {
		t.Errorf("%d origins are kept", len(kept))
	}
}

func TestSetPath(t *testing.T) {
	t.Parallel()
	for _, path := range [][]string{{"a"}, {"image", "tag"}, {"example.com/a", "b"}, {"a=b", "c,d"}, {"a[0]"}, {`back\slash`}, {"x-y", "z z"}} {
		got, err := ParseSetPath(SetPath(path))
		if diff := cmp.Diff(path, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", SetPath(path), err, diff)
		}
	}
	for text, want := range map[string]string{
		"hosts[0].name": "hosts", "a.b.": "", "": "", "a,b": "", "a[": "", "a[x]": "",
	} {
		got, err := ParseSetPath(text)
		if (err != nil) != (want == "") || strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}
