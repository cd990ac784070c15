package pack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

func TestDropped(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		earlier, given, merged string
		want                   []string
	}{
		"none were given":              {given: "a: 1", merged: "a: 1"},
		"all others":                   {earlier: "{b: {d: 2, c: 1}, a: 3}", given: "x: 1", merged: "{x: 1, a: 0}", want: []string{"a", "b.c", "b.d"}},
		"the same path again":          {earlier: "a: {b: 1, c: 1}", given: "a: {b: 2}", merged: "a: {b: 2}", want: []string{"a.c"}},
		"what is above it":             {earlier: "a: {b: 1}", given: "a: none", merged: "a: none"},
		"what is below it":             {earlier: "a: none", given: "a: {b: 1}", merged: "a: {b: 1}"},
		"deleted now":                  {earlier: "a: {b: 1}", given: "a: null", merged: "{}"},
		"what is the default by now":   {earlier: "{a: 1, b: [x, 1.5], c: {}}", given: "x: 1", merged: "{x: 1, a: 1, b: [x, 1.5], c: {}}"},
		"a list":                       {earlier: "a: [1, 2]", given: "x: 1", merged: "{x: 1, a: [1]}", want: []string{"a"}},
		"a deletion":                   {earlier: "a: null", given: "x: 1", merged: "{x: 1, a: 1}", want: []string{"a"}},
		"a deletion of what is not":    {earlier: "a: null", given: "x: 1", merged: "x: 1"},
		"a key with a dot":             {earlier: "a: {b.c/d: 1}", given: "x: 1", merged: "x: 1", want: []string{`a.b\.c/d`}},
		"a value below what is a text": {earlier: "a: {b: 1}", given: "x: 1", merged: "{x: 1, a: text}", want: []string{"a.b"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got := Dropped(readValues(t, test.earlier), readValues(t, test.given), readValues(t, test.merged))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// readValues reads values as a record does.
func readValues(t *testing.T, text string) map[string]any {
	t.Helper()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(encoded, &values); err != nil {
		t.Fatal(err)
	}
	return values
}
