package release_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestValueOrigins(t *testing.T) {
	t.Parallel()
	t.Run("as recorded", func(t *testing.T) {
		t.Parallel()
		recorded := []pack.Origin{{Path: "a", From: pack.Source{Kind: pack.FromSet}}}
		got := release.Content{Merged: map[string]any{"a": 1, "b": 2}, Origins: recorded}.ValueOrigins()
		if diff := cmp.Diff(recorded, got); diff != "" {
			t.Errorf("origins (-want +got):\n%s", diff)
		}
	})
	t.Run("of a record without them", func(t *testing.T) {
		t.Parallel()
		content := release.Content{
			Values: map[string]any{"image": map[string]any{"tag": "2"}},
			Merged: map[string]any{"image": map[string]any{"tag": "2", "name": "shop"}},
		}
		want := []pack.Origin{
			{Path: "image.name", From: pack.Source{Kind: pack.FromDefaults}}, {Path: "image.tag", From: pack.Source{Kind: pack.FromUser}},
		}
		if diff := cmp.Diff(want, content.ValueOrigins()); diff != "" {
			t.Errorf("origins (-want +got):\n%s", diff)
		}
	})
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	revision := func(number, from int) *release.Release {
		r := release.New("shop", "web", number)
		r.Spec.FromRevision = from
		return r
	}
	for title, test := range map[string]struct {
		history release.History
		want    int
	}{
		"one of its own":                       {release.History{revision(1, 0)}, 1},
		"a rollback":                           {release.History{revision(1, 0), revision(2, 0), revision(3, 1)}, 1},
		"a rollback to a rollback":             {release.History{revision(1, 0), revision(3, 1), revision(5, 3)}, 1},
		"a rollback to one that is not kept":   {release.History{revision(3, 1), revision(5, 3)}, 1},
		"a record that was edited to be round": {release.History{revision(2, 3), revision(3, 2)}, 2},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if got := test.history.Origin(test.history.Newest()); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
