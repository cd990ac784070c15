package kube_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

// An object that was written in a version that is no longer served is there all the same.
func TestAnObjectOutlivesTheVersionItWasWrittenIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	b.must(err)
	second := runtime.DeepCopyJSON(versions[0].(map[string]any))
	second["name"], second["storage"] = "v2", false
	versions = append(versions, second)
	b.must(unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"))
	b.apply(definition)
	widget := b.object("metadata: {name: w}")
	widget.SetGroupVersionKind(kind)
	ref := b.apply(widget)[0].Ref
	versions[0].(map[string]any)["served"] = false
	b.must(unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"))
	b.apply(definition)
	found, err := b.Find(t.Context(), []corev1.ObjectReference{ref})
	if err != nil || found[0] == nil {
		t.Fatalf("it is not found: %v", err)
	}
	b.must(b.Delete(t.Context(), []kube.Deletion{{Ref: ref, Propagation: metav1.DeletePropagationForeground}}, nil))
	if found, err = b.Find(t.Context(), []corev1.ObjectReference{ref}); err != nil || found[0] != nil {
		t.Errorf("it is still there: %v", err)
	}
}
