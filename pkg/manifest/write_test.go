package manifest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func TestAppendText(t *testing.T) {
	t.Parallel()
	simple := head + "a: b\nc:\n  d: 1\n  e: \"f\\t\"\n  'g h': 'it''s'\ni:\n- j\n- k: l\n  m: {}\n- - []\n  - |-\n    n\n\n      o\n- |\n  p\nq: |\n  r\ns: null\n"
	for _, node := range decodeHere(t, simple) {
		if w := (&writer{}); !w.mapping(node.YNode(), 0) {
			t.Errorf("left to the library after %q", string(w.out))
		}
		compareWithLibrary(t, node)
	}
	for _, tree := range trees() {
		for _, node := range decodeHere(t, head+"x: "+tree+"\n") {
			compareWithLibrary(t, node)
		}
	}
}

// compareWithLibrary compares the text that is written here with that of the YAML library.
func compareWithLibrary(t *testing.T, node *yaml.RNode) {
	t.Helper()
	var w writer
	if len(node.YNode().Content) == 0 || !w.mapping(node.YNode(), 0) {
		return
	}
	want, err := node.String()
	if err != nil {
		t.Fatalf("the library refuses to write this: %v\n%s", err, string(w.out))
	}
	if diff := cmp.Diff(want, string(w.out)); diff != "" {
		t.Fatal(diff)
	}
}

func BenchmarkEncode(b *testing.B) {
	nodes := []*yaml.RNode{definition(b)}
	for b.Loop() {
		if _, err := Encode(nodes); err != nil {
			b.Fatal(err)
		}
	}
}
