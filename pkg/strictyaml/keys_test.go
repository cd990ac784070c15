package strictyaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

func TestCheckKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mapping string
		want    []strictyaml.Problem
	}{
		"nothing wrong":               {"a: 1\n1: b\n2.5: c\nyes: d\n\"\": e\n'null': f\n", nil},
		"no mapping":                  {"- a\n- a\n", nil},
		"a mapping inside":            {"a: {b: 1, b: 2}\n? [{a: 1}]\n: c\n", []strictyaml.Problem{{2, "a key must be a string"}, {1, `duplicate key "b"`}}},
		"more keys than there may be": {"a: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, f: 7}\na: 1\n", []strictyaml.Problem{{2, `duplicate key "a"`}, {1, "a mapping has more than 6 keys"}}},
		"several merges":              {"<<: {a: 1}\n<<: {b: 1}\n", nil},
		"a name that is quoted":       {"\"yes\": 1\n\"true\": 2\n'1': 3\n'1.0': 4\n", nil},
		"the same word twice":         {"a: 1\nb: 2\n\"a\": 3\na: 4\n", []strictyaml.Problem{{3, `duplicate key "a"`}, {4, `duplicate key "a"`}}},
		"one number in two forms":     {"1: a\n1.0: b\n", []strictyaml.Problem{{2, `duplicate key "1.0": it is read as "1", like "1"; quote both`}}},
		"one number in two bases":     {"0x10: a\n16: b\n", []strictyaml.Problem{{2, `duplicate key "16": it is read as "16", like "0x10"; quote both`}}},
		"a word and a number":         {"\"1\": a\n0x1: b\n", []strictyaml.Problem{{2, `duplicate key "0x1": it is read as "1", like "1"; quote both`}}},
		"a tag":                       {"1: a\n!!int \"0x1\": b\n", []strictyaml.Problem{{2, `duplicate key "0x1": it is read as "1", like "1"; quote both`}}},
		"yes and on":                  {"yes: a\nOn: b\n", []strictyaml.Problem{{2, `duplicate key "On": it is read as "true", like "yes"; quote both`}}},
		"nothing as a key":            {"~: a\nnull: b\n", []strictyaml.Problem{{1, "a key must be a string"}, {2, "a key must be a string"}}},
		"a list and a mapping":        {"[a]: b\n{c: d}: e\n", []strictyaml.Problem{{1, "a key must be a string"}, {2, "a key must be a string"}}},
		"an alias of another's key":   {"&a b: 1\n*a : 2\n", []strictyaml.Problem{{2, `duplicate key "b"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, strictyaml.CheckKeys(parsed(t, test.mapping), 6)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// BenchmarkCheckKeys shows that names which cannot be anything else cost no reading, and what those that can do cost.
func BenchmarkCheckKeys(b *testing.B) {
	for name, key := range map[string]string{"words": "a", "numbers": "1"} {
		b.Run(name, func(b *testing.B) {
			var text strings.Builder
			for i := range 1000 {
				text.WriteString(key + strings.Repeat("0", i%100) + strings.Repeat("1", i/100) + ": x\n")
			}
			mapping := parsed(b, text.String())
			for b.Loop() {
				strictyaml.CheckKeys(mapping, 0)
			}
		})
	}
}

func parsed(tb testing.TB, text string) *yaml.Node {
	tb.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		tb.Fatal(err)
	}
	return document.Content[0]
}
