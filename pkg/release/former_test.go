package release_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestFormer(t *testing.T) {
	t.Parallel()
	t.Run("the last note of an object counts", theLastNoteOfAnObjectCounts)
	t.Run("what is not provisional is forgotten", whatIsNotProvisionalIsForgotten)
}

func theLastNoteOfAnObjectCounts(t *testing.T) {
	t.Parallel()
	note := func(name, owner string) release.Former {
		return release.Former{Kind: "ConfigMap", Name: name, Owner: owner}
	}
	all := []release.Former{note("a", "1"), note("b", "2"), note("a", "3"), note("c", "4"), note("b", "5")}
	want := []release.Former{note("a", "3"), note("c", "4"), note("b", "5")}
	if diff := cmp.Diff(want, release.LatestFormer(all)); diff != "" {
		t.Errorf("left are (-want +got):\n%s", diff)
	}
	one := &release.Release{}
	for _, former := range all {
		one.SetFormer(former)
	}
	if diff := cmp.Diff(want, one.Former); diff != "" {
		t.Errorf("one by one (-want +got):\n%s", diff)
	}
}

func whatIsNotProvisionalIsForgotten(t *testing.T) {
	t.Parallel()
	r := &release.Release{}
	// As many as an edited record may have.
	const many = 200_000
	for i := range many {
		name := fmt.Sprintf("c-%d", i)
		r.Former = append(r.Former, release.Former{Kind: "ConfigMap", Namespace: "web", Name: name})
		r.Inventory = append(r.Inventory, release.Entry{Kind: "ConfigMap", Namespace: "web", Name: name, Provisional: i == many-1})
	}
	r.KeepFormer()
	if len(r.Former) != 1 || r.Former[0].Name != "c-199999" {
		t.Errorf("%d are left", len(r.Former))
	}
}
