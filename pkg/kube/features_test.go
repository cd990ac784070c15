package kube_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

func TestFeatures(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	version, err := b.Version(t.Context())
	b.must(err)
	if !kube.Supports(version) {
		t.Errorf("the server's version %s is not supported", version)
	}
	want := kube.Features{FieldValidation: ptr.To(true), AggregatedDiscovery: ptr.To(true), StreamingLists: ptr.To(true)}
	if diff := cmp.Diff(want, b.Features(t.Context(), b.namespace, version)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
