package kube_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: b}}"))
	found, err := b.Lookup(t.Context(), "v1", "ConfigMap", b.namespace, "one")
	b.must(err)
	if diff := cmp.Diff(map[string]any{"a": "b"}, found["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	list, err := b.Lookup(t.Context(), "v1", "ConfigMap", b.namespace, "")
	b.must(err)
	// The cluster may keep ConfigMaps of its own in every namespace.
	items, _ := list["items"].([]any)
	if !slices.ContainsFunc(items, func(item any) bool { return cmp.Equal(item, any(found)) }) {
		t.Errorf("the list lacks it: %v", list)
	}
	for _, absent := range [][2]string{{"v1", "Secret"}, {"nothing.example/v1", "Nothing"}} {
		got, err := b.Lookup(t.Context(), absent[0], absent[1], b.namespace, "one")
		if diff := cmp.Diff(map[string]any{}, got); err != nil || diff != "" {
			t.Errorf("%v: %v\n%s", absent, err, diff)
		}
	}
}
