package manifest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

func decode(t *testing.T, text string) []*yaml.RNode {
	t.Helper()
	nodes, err := manifest.Decode("templates/a.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func TestDecode(t *testing.T) {
	t.Parallel()
	t.Run("every resource is found", everyResourceIsFound)
	t.Run("refusals name file and line", refusalsNameFileAndLine)
	t.Run("values are not in errors", valuesAreNotInErrors)
}

func everyResourceIsFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing":                            {"", nil},
		"only comments and separators":       {"---\n# nothing\n---\n\n---\n", nil},
		"one document without a separator":   {"apiVersion: v1\nkind: A\nmetadata: {name: a}\n", []string{"A/a"}},
		"two documents, one is a comment":    {"---\napiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n# no\n---\napiVersion: v1\nkind: B\nmetadata: {name: b}\n", []string{"A/a", "B/b"}},
		"a separator with a comment":         {"apiVersion: v1\nkind: A\nmetadata: {name: a}\n--- # next\napiVersion: v1\nkind: B\nmetadata: {name: b}\n", []string{"A/a", "B/b"}},
		"a PEM block is no separator":        {"apiVersion: v1\nkind: A\nmetadata: {name: a}\ndata:\n  pem: |\n    -----BEGIN CERTIFICATE-----\n    ---\n    -----END CERTIFICATE-----\n", []string{"A/a"}},
		"JSON":                               {`{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}`, []string{"A/a"}},
		"a List among other documents":       {"apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: B\n  metadata: {name: b}\n- apiVersion: v1\n  kind: C\n  metadata: {name: c}\n", []string{"A/a", "B/b", "C/c"}},
		"a typed List whose items omit kind": {"apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: b}\n", []string{"ConfigMap/b"}},
		"an empty List":                      {"apiVersion: v1\nkind: List\nitems: []\n", nil},
		"a List with nothing under items":    {"apiVersion: v1\nkind: List\nitems:\n---\napiVersion: v1\nkind: A\nmetadata: {name: a}\n", []string{"A/a"}},
		"a typed List with null for items":   {"apiVersion: v1\nkind: ConfigMapList\nmetadata: {}\nitems: null\n", nil},
		"a List in a List, with nothing":     {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n", nil},
		"an object whose kind is called so":  {"apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nitems:\n", []string{"AllowList/a"}},
		"a List in a List":                   {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - apiVersion: v1\n    kind: B\n    metadata: {name: b}\n", []string{"B/b"}},
		"generateName instead of a name":     {"apiVersion: v1\nkind: A\nmetadata: {generateName: a-}\n", []string{"A/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, node := range decode(t, test.text) {
				got = append(got, node.GetKind()+"/"+node.GetName())
				if manifest.File(node) != "templates/a.yaml" {
					t.Errorf("the file is lost: %q", manifest.File(node))
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func refusalsNameFileAndLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"broken YAML":             {"a: b\nc: [\n", []string{"templates/a.yaml:12: not valid YAML"}},
		"a scalar":                {"hello\n", []string{"templates/a.yaml:11: not a Kubernetes object"}},
		"a sequence":              {"- a\n", []string{"templates/a.yaml:11: not a Kubernetes object"}},
		"no kind and no name":     {"apiVersion: v1\n", []string{"templates/a.yaml:11: not a Kubernetes object: no kind, no metadata.name"}},
		"a key twice":             {"apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  name: b\n", []string{`templates/a.yaml:15: duplicate key "name"`}},
		"a key twice, as read":    {"apiVersion: v1\nkind: A\nmetadata: {name: a}\ndata:\n  1: a\n  1.0: b\n", []string{`templates/a.yaml:16: duplicate key "1.0": it is read as "1", like "1"; quote both`}},
		"a merged key, as read":   {"apiVersion: v1\nkind: A\nmetadata: {name: a}\nx: &x {1: a}\ny:\n  <<: *x\n  1.0: b\n", []string{`templates/a.yaml:14: duplicate key "1": it is read as "1", like "1.0"; quote both`}},
		"a key that is a list":    {"apiVersion: v1\nkind: A\nmetadata: {name: a}\n? [a]\n: b\n", []string{"templates/a.yaml:14: a key must be a string"}},
		"both of two documents":   {"kind: A\nmetadata: {name: a}\n---\nkind: B\n", []string{"templates/a.yaml:11: A/a: not a Kubernetes object: no apiVersion", "templates/a.yaml:14: B: not a Kubernetes object: no apiVersion, no metadata.name"}},
		"a mapping in a weight":   {"apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  annotations:\n    sherpack.io/hook-weight: {a: b}\n", []string{"templates/a.yaml:16: annotation sherpack.io/hook-weight: expected a string"}},
		"a sequence as metadata":  {"apiVersion: v1\nkind: A\nmetadata: [a]\n", []string{"templates/a.yaml:13: metadata must be a mapping"}},
		"an alias in its anchor":  {"apiVersion: v1\nkind: A\nmetadata: &m {name: *m}\n", []string{"templates/a.yaml:11: not valid YAML: an alias refers to its own anchor"}},
		"an alias bomb":           {bomb(), []string{"templates/a.yaml:11: the aliases of this document stand for more than"}},
		"a name that is a number": {"apiVersion: v1\nkind: A\nmetadata: {name: 12}\n", []string{"templates/a.yaml:13: A/12: metadata.name must be a string (quote it)"}},
		"a List with a bare item": {"apiVersion: v1\nkind: List\nitems:\n- hello\n", []string{"templates/a.yaml:14: an item of a list must be an object"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Decode("templates/a.yaml", []byte(test.text), func(line int) int { return line + 10 })
			if err == nil {
				t.Fatal("accepted")
			}
			var first *manifest.Error
			if !errors.As(err, &first) || first.File != "templates/a.yaml" {
				t.Errorf("no *manifest.Error with a file: %v", err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("got %d problems, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("got %q, want %q…", lines[i], want)
				}
			}
		})
	}
}

// bomb is a small text whose aliases stand for ten to the power of nine values.
func bomb() string {
	text := "apiVersion: v1\nkind: A\nmetadata: {name: a}\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
	for i := range 8 {
		text += fmt.Sprintf("x%d: &x%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*x%d, ", i), 10))
	}
	return text
}

func valuesAreNotInErrors(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"*hunter2":                 "t.yaml: not valid YAML: no such anchor; quote a value that begins with *",
		"!!int hunter2":            "t.yaml:1: not valid YAML: cannot decode !!str as a !!int",
		"!!float |\n    hunter2\n": "t.yaml:1: not valid YAML: cannot decode !!str as a !!float",
		"{? [hunter2] : 1}":        "t.yaml:5: a key must be a string",
		"hunter2: a":               "t.yaml:5: not valid YAML: mapping values are not allowed in this context",
		"\"hunter2":                "t.yaml:5: not valid YAML: found unexpected end of stream",
		"@hunter2":                 "t.yaml:5: not valid YAML: found character that cannot start any token",
		"!!binary hunter2*":        "t.yaml:1: not valid YAML: !!binary value contains invalid base64 data",
	} {
		nodes, err := manifest.Decode("t.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: "+value+"\n"), nil)
		if err == nil {
			_, err = manifest.NewObject(nodes[0])
		}
		if err == nil {
			t.Errorf("%s is accepted", value)
			continue
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %s", value, diff)
		}
	}
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
