package kinds_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	want := []kinds.Key{
		{Kind: "Namespace", Name: "z"},
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "a"},
		{Kind: "ServiceAccount", Namespace: "x", Name: "a"},
		{Group: "rbac.authorization.k8s.io", Kind: "Role", Name: "a"},
		{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding", Name: "a"},
		{Kind: "ConfigMap", Name: "a"},
		{Kind: "ConfigMap", Name: "b"},
		{Kind: "Secret", Name: "a"},
		{Kind: "Service", Name: "a"},
		{Group: "apps", Kind: "Deployment", Name: "a"},
		{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration", Name: "a"},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, kinds.Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
