package kube_test

import (
	"slices"
	"strings"
	"testing"
)

func TestCapabilities(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got, err := b.Capabilities(t.Context())
	b.must(err)
	if !strings.HasPrefix(got.Version, "v"+got.Major+"."+got.Minor+".") {
		t.Errorf("version %q does not begin with %s.%s", got.Version, got.Major, got.Minor)
	}
	for _, want := range []string{"v1", "v1/Pod", "apps/v1", "apps/v1/Deployment", "batch/v1/Job"} {
		if _, found := slices.BinarySearch(got.APIVersions, want); !found {
			t.Errorf("%s is missing", want)
		}
	}
}
