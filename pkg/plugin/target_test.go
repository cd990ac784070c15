package plugin

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestReleaseName(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		argument, want string
		refused        bool
	}{
		"a name":                           {argument: "shop", want: "shop"},
		"as -o name prints it":             {argument: "release.sherpack.io/shop", want: "shop"},
		"as people shorten that":           {argument: "release/shop", want: "shop"},
		"a name that is the kind's":        {argument: "release", want: "release"},
		"of another kind":                  {argument: "deployment/shop", refused: true},
		"of the kind in plural":            {argument: "releases/shop", refused: true},
		"the kind alone":                   {argument: "release/", refused: true},
		"twice the kind":                   {argument: "release/release/shop", refused: true},
		"no kind":                          {argument: "/shop", refused: true},
		"nothing":                          {argument: "", refused: true},
		"a capital":                        {argument: "Shop", refused: true},
		"a path":                           {argument: "./shop", refused: true},
		"a flag that lost its dashes' way": {argument: "-shop", refused: true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got, err := releaseName(test.argument)
			if got != test.want || (err != nil) != test.refused {
				t.Errorf("%q is %q, error %v", test.argument, got, err)
			}
			if err != nil && exitCode(t.Context(), err) != exitInput {
				t.Errorf("the exit code is %d", exitCode(t.Context(), err))
			}
		})
	}
}

// revision is one of release a/shop, as lists have it.
func revision(number int, phase release.Phase) *release.Release {
	r := release.New("shop", "a", number)
	r.Status.Phase = phase
	return r
}

func TestShownNamesTheDeployedRevision(t *testing.T) {
	t.Parallel()
	failed := revision(3, release.Failed)
	deployed := revision(2, release.Deployed)
	if got := shown(failed, release.History{deployed, failed}).Status.DeployedRevision; got != 2 {
		t.Errorf("revision %d is said to be deployed", got)
	}
	if got := shown(failed, release.History{failed}).Status.DeployedRevision; got != 0 {
		t.Errorf("revision %d is said to be deployed, and none is", got)
	}
}

func TestScopesOfKindsThatAManifestDefines(t *testing.T) {
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

func TestCapabilitiesOfTemplate(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][3]string{
		"1.30": {"v1.30.0", "1", "30"}, "v1.31": {"v1.31.0", "1", "31"}, "v1.32.4": {"v1.32.4", "1", "32"}, "1.33.1+k3s1": {"v1.33.1", "1", "33"},
	} {
		options := TemplateOptions{KubeVersion: version, APIVersions: []string{"example.com/v1", "v1"}, IOStreams: genericiooptions.NewTestIOStreamsDiscard()}
		found, err := options.capabilities()
		if err != nil {
			t.Fatal(err)
		}
		got := [3]string{found.KubeVersion.Version, found.KubeVersion.Major, found.KubeVersion.Minor}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
		for _, served := range []string{"example.com/v1", "v1", "v1/Pod", "apps/v1", "batch/v1/Job"} {
			if !slices.Contains(found.APIVersions, served) {
				t.Errorf("%s: %s is missing", version, served)
			}
		}
		if !slices.IsSorted(found.APIVersions) || len(slices.Compact(slices.Clone(found.APIVersions))) != len(found.APIVersions) {
			t.Errorf("%s: API versions are not sorted, or stand twice", version)
		}
	}
	for _, version := range []string{"", "one", "v", "1"} {
		if _, err := (&TemplateOptions{KubeVersion: version}).capabilities(); exitCode(t.Context(), err) != exitInput {
			t.Errorf("%q: error %v", version, err)
		}
	}
}
