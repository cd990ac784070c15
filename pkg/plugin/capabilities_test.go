package plugin

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

func TestCapabilities(t *testing.T) {
	t.Parallel()
	t.Run("those that template assumes", capabilitiesOfTemplate)
	t.Run("kinds are unknown to charts", kindsThatTemplatesOfChartsKnow)
	t.Run("scopes of kinds that a manifest defines", scopesOfKindsThatAManifestDefines)
}

func capabilitiesOfTemplate(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][3]string{
		"1.30": {"v1.30", "1", "30"}, "v1.31": {"v1.31", "1", "31"}, "v1.32.4": {"v1.32.4", "1", "32"}, "1.33.1+k3s1": {"v1.33.1+k3s1", "1", "33"},
	} {
		found, err := (&assumedFlags{KubeVersion: version, APIVersions: []string{"example.com/v1", "v1"}}).Capabilities()
		if err != nil {
			t.Fatal(err)
		}
		got := [3]string{found.KubeVersion.Version, found.KubeVersion.Major, found.KubeVersion.Minor}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
		for _, served := range []string{"example.com/v1", "v1", "v1/Pod", "apps/v1", "batch/v1/Job", "apiextensions.k8s.io/v1", "coordination.k8s.io/v1/Lease"} {
			if !slices.Contains(found.APIVersions, served) {
				t.Errorf("%s: %s is missing", version, served)
			}
		}
		if !slices.IsSorted(found.APIVersions) || len(slices.Compact(slices.Clone(found.APIVersions))) != len(found.APIVersions) {
			t.Errorf("%s: API versions are not sorted, or appear twice", version)
		}
	}
	for _, version := range []string{"", "one", "v", "1"} {
		if _, err := (&assumedFlags{KubeVersion: version}).Capabilities(); exitCode(t.Context(), err) != exitInput {
			t.Errorf("%q: error %v", version, err)
		}
	}
}

func scopesOfKindsThatAManifestDefines(t *testing.T) {
	t.Parallel()
	nodes, err := manifest.Decode("crds.yaml", []byte(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Widget}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: zones.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Zone}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: nothing}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
spec: {group: example.com, scope: Namespaced, names: {kind: Other}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Scopes{{Group: "example.com", Kind: "Widget"}: true, {Group: "example.com", Kind: "Zone"}: false, schema.GroupKind{}: false}
	if diff := cmp.Diff(want, definedScopes(nodes)); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

func kindsThatTemplatesOfChartsKnow(t *testing.T) {
	t.Parallel()
	assumed := &assumedFlags{APIVersions: []string{"example.com/v1/Widget", "v1/Secret"}}
	got := assumed.withoutKinds([]string{"apps/v1", "apps/v1/Deployment", "example.com/v1/Widget", "v1", "v1/Pod", "v1/Secret"})
	if diff := cmp.Diff([]string{"apps/v1", "example.com/v1/Widget", "v1", "v1/Secret"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
