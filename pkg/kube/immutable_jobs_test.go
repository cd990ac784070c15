package kube_test

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
)

// A Job whose template has no metadata any more loses the labels that the server gave it: what cannot be changed is the
// template.
func TestAJobThatLosesTheMetadataOfItsPodsIsImmutable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(b.object(strings.Replace(jobWith(""), "template: {", "template: {metadata: {annotations: {a: b}}, ", 1)))
	err := b.Apply(t.Context(), []*unstructured.Unstructured{b.object(jobWith(""))}, kube.ApplyOptions{}, nil)
	var immutable *refusal.ImmutableError
	if !errors.As(err, &immutable) || !strings.HasSuffix(err.Error(), "immutable: spec.template: field is immutable") {
		t.Errorf("the error is %v", err)
	}
}
