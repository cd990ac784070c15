package manifest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

func TestNewObject(t *testing.T) {
	t.Parallel()
	t.Run("an object means what the API server reads", anObjectMeansWhatTheAPIServerReads)
	t.Run("labels and annotations may have no value", labelsAndAnnotationsMayHaveNoValue)
}

type sigsyamlDecoder = json.Decoder

func anObjectMeansWhatTheAPIServerReads(t *testing.T) {
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

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func labelsAndAnnotationsMayHaveNoValue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		metadata string
		want     map[string]any
	}{
		"a namespace that a template left empty": {"  namespace:\n", map[string]any{"name": "a"}},
		"labels that a template left empty":      {"  labels:\n", map[string]any{"name": "a"}},
		"annotations that a template left empty": {"  annotations:\n", map[string]any{"name": "a"}},
		"a label without a value":                {"  labels: {x: , k: z}\n", map[string]any{"name": "a", "labels": map[string]any{"x": "", "k": "z"}}},
		"an annotation without a value":          {"  annotations: {x: null}\n", map[string]any{"name": "a", "annotations": map[string]any{"x": ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes, err := manifest.Decode("templates/a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"+test.metadata), nil)
			if err != nil {
				t.Fatal(err)
			}
			object, err := manifest.NewObject(nodes[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, object.Object["metadata"]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
