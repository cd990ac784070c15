package pack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	t.Run("values are laid over those of the pack", valuesAreLaidOverThoseOfThePack)
	t.Run("neither side is changed", mergeChangesNeitherSide)
}

func valuesAreLaidOverThoseOfThePack(t *testing.T) {
	t.Parallel()
	p, err := Open("testdata/mypack")
	check(t, err)
	base := func() map[string]any {
		return map[string]any{
			"replicas": int64(2),
			"image":    map[string]any{"repository": "shop/web", "tag": "2.10", "pullPolicy": "IfNotPresent"},
			"limits":   map[string]any{"memory": int64(1000000)},
			"debug":    true,
			"service":  map[string]any{"port": int64(8080)},
		}
	}
	for name, test := range map[string]struct {
		given map[string]any
		want  func(map[string]any)
	}{
		"defaults of the schema fill what is missing, tls stays away without its secret": {
			nil, func(map[string]any) {},
		},
		"given values are stronger": {
			map[string]any{"image": map[string]any{"tag": "3"}, "replicas": 5},
			func(v map[string]any) { v["image"].(map[string]any)["tag"] = "3"; v["replicas"] = int64(5) },
		},
		"null deletes a value and a default": {
			map[string]any{"limits": map[string]any{"memory": nil}, "debug": nil, "service": nil, "image": map[string]any{"pullPolicy": nil, "tag": nil}},
			func(v map[string]any) {
				v["limits"] = map[string]any{}
				delete(v, "debug")
				delete(v, "service")
				v["image"] = map[string]any{"repository": "shop/web"}
			},
		},
		"a default fills a mapping that is given in part": {
			map[string]any{"tls": map[string]any{"secret": "s"}},
			func(v map[string]any) { v["tls"] = map[string]any{"secret": "s", "port": int64(443)} },
		},
		"whole numbers that JSON made floats are whole again": {
			map[string]any{"replicas": 3.0},
			func(v map[string]any) { v["replicas"] = int64(3) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := base()
			test.want(want)
			got, err := p.Merge(test.given)
			check(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func mergeChangesNeitherSide(t *testing.T) {
	t.Parallel()
	p := build(t, map[string]string{"values.yaml": "a: {b: 1}\nl: [{x: 1}]\n"})
	given := map[string]any{"a": map[string]any{"c": nil, "d": map[string]any{"e": 1}}}
	merged, err := p.Merge(given)
	check(t, err)
	merged["a"].(map[string]any)["d"].(map[string]any)["e"] = "changed"
	merged["l"].([]any)[0].(map[string]any)["x"] = "changed"
	if diff := cmp.Diff(map[string]any{"a": map[string]any{"c": nil, "d": map[string]any{"e": 1}}}, given); diff != "" {
		t.Errorf("given: %s", diff)
	}
	if diff := cmp.Diff(map[string]any{"a": map[string]any{"b": int64(1)}, "l": []any{map[string]any{"x": int64(1)}}}, p.Values); diff != "" {
		t.Errorf("the pack's: %s", diff)
	}
}
