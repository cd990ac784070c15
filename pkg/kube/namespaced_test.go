package kube_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestNamespaced(t *testing.T) {
	t.Parallel()
	t.Run("a kind is namespaced or not", aKindIsNamespacedOrNot)
	t.Run("a kind that comes later is found", aKindThatComesLaterIsFound)
}

func aKindIsNamespacedOrNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for text, want := range map[string]bool{"apps/v1/Deployment": true, "v1/Namespace": false, "v1/ConfigMap": true} {
		i := strings.LastIndex(text, "/")
		got, err := b.Namespaced(schema.FromAPIVersionAndKind(text[:i], text[i+1:]))
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, kind := range []schema.GroupVersionKind{
		{Group: "nothing.example", Version: "v1", Kind: "Nothing"},
		{Group: "apps", Version: "v1", Kind: "Nothing"},
		{Group: "apps", Version: "v7", Kind: "Deployment"},
	} {
		if _, err := b.Namespaced(kind); !meta.IsNoMatchError(err) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func aKindThatComesLaterIsFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	if _, err := b.Namespaced(kind); !meta.IsNoMatchError(err) {
		t.Fatalf("before: %v", err)
	}
	b.apply(definition)
	widget := b.object("metadata: {name: w}\nspec: {size: 3}")
	widget.SetGroupVersionKind(kind)
	b.apply(widget)
	if namespaced, err := b.Namespaced(kind); err != nil || !namespaced {
		t.Errorf("after: %v, %v", namespaced, err)
	}
}
