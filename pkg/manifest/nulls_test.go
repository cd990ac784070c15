package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

func TestLabelsAndAnnotationsWithoutAValue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		metadata string
		want     map[string]any
	}{
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
