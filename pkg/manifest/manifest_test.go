package manifest_test

import (
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

func TestDecodeFindsEveryResource(t *testing.T) {
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

// bomb is a small text whose aliases stand for ten to the power of nine values.
func bomb() string {
	text := "apiVersion: v1\nkind: A\nmetadata: {name: a}\nx0: &x0 [a, a, a, a, a, a, a, a, a, a]\n"
	for i := range 8 {
		text += fmt.Sprintf("x%d: &x%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*x%d, ", i), 10))
	}
	return text
}

func TestAnnotationsComeThroughAliasesAndMerges(t *testing.T) {
	t.Parallel()
	nodes := decode(t, "apiVersion: v1\nkind: A\nx-common: &common {sherpack.io/hook-weight: 5}\nmetadata:\n  name: a\n  annotations:\n    <<: *common\n    b: c\n")
	if got := nodes[0].GetAnnotations()["sherpack.io/hook-weight"]; got != "5" {
		t.Errorf("got %q", got)
	}
}

func TestDecodeRefusesWithFileAndLine(t *testing.T) {
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
		"an alias in its anchor":  {"apiVersion: v1\nkind: A\nmetadata: &m {name: *m}\n", []string{"templates/a.yaml:11: not valid YAML: an alias stands inside its own anchor"}},
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

func TestAnObjectMeansWhatTheAPIServerReads(t *testing.T) {
	t.Parallel()
	text := `apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  annotations:
    sherpack.io/hook-weight: -5
    sherpack.io/hook: null
    helm.sh/hook-weight: 010
data:
  date: 2020-01-01
  yes: yes
  quoted: "yes"
  octal: 010
  big: 12345678901234567
  float: 1.50
  base: &b {x: 1}
  merged: {<<: *b, y: 2}
  block: |2
      indented

    last
  folded: >-
    one
    two
`
	object, err := manifest.NewObject(decode(t, text)[0])
	if err != nil {
		t.Fatal(err)
	}
	// The annotations are ours, so they are strings; all else is as sigs.k8s.io/yaml reads it, the API server's reader.
	want := map[string]any{}
	strict := strings.NewReplacer("weight: -5", `weight: "-5"`, "hook: null", `hook: ""`, "weight: 010", `weight: "010"`).Replace(text)
	if err := sigsyaml.Unmarshal([]byte(strict), &want, func(d *sigsyamlDecoder) *sigsyamlDecoder { d.UseNumber(); return d }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asJSON(t, want), asJSON(t, object.Object)); diff != "" {
		t.Error(diff)
	}
}

func TestEncodeIsReadBack(t *testing.T) {
	t.Parallel()
	text := "# about a\napiVersion: v1\nkind: A\nmetadata:\n  name: a\n  annotations:\n    sherpack.io/hook-weight: -5 # early\n---\napiVersion: v1\nkind: B\nmetadata:\n  name: b\n"
	nodes := decode(t, text)
	encoded, err := manifest.Encode(nodes)
	if err != nil {
		t.Fatal(err)
	}
	want := "---\n# Source: templates/a.yaml\n# about a\napiVersion: v1\nkind: A\nmetadata:\n  name: a\n  annotations:\n    sherpack.io/hook-weight: \"-5\" # early\n" +
		"---\n# Source: templates/a.yaml\napiVersion: v1\nkind: B\nmetadata:\n  name: b\n"
	if diff := cmp.Diff(want, encoded); diff != "" {
		t.Fatal(diff)
	}
	again, err := manifest.DecodeStream([]byte(encoded))
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range again {
		if manifest.File(node) != "templates/a.yaml" {
			t.Errorf("the file is lost: %q", manifest.File(node))
		}
	}
	second, err := manifest.Encode(again)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encoded, second); diff != "" {
		t.Error(diff)
	}
}
