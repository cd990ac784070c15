package manifest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

type sigsyamlDecoder = json.Decoder

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// FuzzDecode checks that no input makes the decoder panic, that what it accepts can be encoded and read back with
// the same meaning, and that this is the meaning the API server's reader gives the text.
func FuzzDecode(f *testing.F) {
	f.Add("apiVersion: v1\nkind: A\nmetadata: {name: a}\ndata: {a: 2020-01-01, b: yes, c: 010}\n")
	f.Add("apiVersion: v1\nkind: A\nmetadata:\n  name: a\nd: |2-\n    a\n   b\ne: >+\n  x\n\n")
	f.Add("a: &a [1]\nb: *a\n---\n- x\n---\nkind: List\nitems: []\n")
	f.Add("apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  labels:\n  annotations: {a: , b: ~}\n")
	f.Add("apiVersion: v1\nkind: A\nmetadata: {name: a}\nx: &x {y: 1}\nz: {<<: *x}\n")
	f.Fuzz(func(t *testing.T, text string) {
		nodes, err := manifest.Decode("f", []byte(text), nil)
		if err != nil {
			return
		}
		encoded, err := manifest.Encode(nodes)
		if err != nil {
			t.Skip("the YAML library cannot write this back, and says so")
		}
		again, err := manifest.DecodeStream([]byte(encoded))
		if err != nil {
			t.Fatalf("what was written cannot be read back: %v\n%s", err, encoded)
		}
		if len(again) != len(nodes) {
			t.Fatalf("%d resources became %d:\n%s", len(nodes), len(again), encoded)
		}
		for i := range nodes {
			first, firstErr := manifest.NewObject(nodes[i])
			second, secondErr := manifest.NewObject(again[i])
			if firstErr != nil || secondErr != nil {
				continue
			}
			if diff := cmp.Diff(asJSON(t, first.Object), asJSON(t, second.Object)); diff != "" {
				t.Fatal(diff)
			}
		}
		compareWithReader(t, text, len(nodes))
	})
}

// compareWithReader compares a text that is one plain document with what sigs.k8s.io/yaml makes of the text itself.
func compareWithReader(t *testing.T, text string, resources int) {
	t.Helper()
	if resources != 1 || strings.Contains(text, "---") || strings.Contains(text, "...") ||
		strings.Contains(text, "sherpack.io/") || strings.Contains(text, "helm.sh/") || strings.Contains(text, "List") {
		return
	}
	nodes, _ := manifest.Decode("", []byte(text), nil)
	object, err := manifest.NewObject(nodes[0])
	if err != nil {
		return
	}
	raw, err := sigsyaml.YAMLToJSON([]byte(text))
	if err != nil {
		return
	}
	want, got := map[string]any{}, map[string]any{}
	if err := json.Unmarshal(raw, &want); err != nil {
		return
	}
	if err := json.Unmarshal([]byte(asJSON(t, object.Object)), &got); err != nil {
		t.Fatal(err)
	}
	asStrings(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("not what the API server reads:\n%s", diff)
	}
}

// asStrings makes of labels and annotations what the API server does when it decodes them: a null is an empty string, and one
// in place of all is nothing.
func asStrings(object map[string]any) {
	metadata, _ := object["metadata"].(map[string]any)
	for _, key := range []string{"labels", "annotations"} {
		values, isMap := metadata[key].(map[string]any)
		if metadata[key] == nil || isMap && len(values) == 0 && key == "annotations" {
			delete(metadata, key)
		}
		for name, value := range values {
			if value == nil {
				values[name] = ""
			}
		}
	}
}
