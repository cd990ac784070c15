package hook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
)

func TestNeeds(t *testing.T) {
	t.Parallel()
	t.Run("needs are read", needsAreRead)
	t.Run("a need means a resource as kubectl does", aNeedMeansAResourceAsKubectlDoes)
}

func needsAreRead(t *testing.T) {
	t.Parallel()
	db := hook.Need{Kind: "secret", Name: "db"}
	for name, test := range map[string]struct {
		annotation string
		want       []hook.Need
		nothing    bool
	}{
		"not given":              {annotation: "a: b"},
		"none":                   {annotation: "sherpack.io/hook-needs: ' none '", nothing: true},
		"one":                    {"sherpack.io/hook-needs: secret/db", []hook.Need{db}, false},
		"several, one twice":     {"sherpack.io/hook-needs: 'secret/db , Deployments.apps/a,secret/db'", []hook.Need{db, {"Deployments", "apps", "a"}}, false},
		"a name with all it may": {"sherpack.io/hook-needs: clusterrole/system:a.b-c", []hook.Need{{"clusterrole", "", "system:a.b-c"}}, false},
		"what is called none":    {"sherpack.io/hook-needs: secret/none", []hook.Need{{"secret", "", "none"}}, false},
		"Helm has no such key":   {annotation: "helm.sh/hook-needs: none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := hook.Parse(resource(t, "Job", "a", "sherpack.io/hook: pre-install", test.annotation))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, h.Needs); diff != "" || h.NeedsNothing != test.nothing {
				t.Errorf("nothing: %v, %s", h.NeedsNothing, diff)
			}
		})
	}
}

func aNeedMeansAResourceAsKubectlDoes(t *testing.T) {
	t.Parallel()
	configMap, policy := schema.GroupKind{Kind: "ConfigMap"}, schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}
	for name, test := range map[string]struct {
		need hook.Need
		kind schema.GroupKind
		want bool
	}{
		"singular":              {hook.Need{Kind: "configmap", Name: "a"}, configMap, true},
		"plural, in upper case": {hook.Need{Kind: "ConfigMaps", Name: "a"}, configMap, true},
		"a plural in -ies":      {hook.Need{Kind: "networkpolicies", Name: "a"}, policy, true},
		"with its group":        {hook.Need{Kind: "networkpolicy", Group: "networking.k8s.io", Name: "a"}, policy, true},
		"of another group":      {hook.Need{Kind: "networkpolicy", Group: "example.com", Name: "a"}, policy, false},
		"of another kind":       {hook.Need{Kind: "secret", Name: "a"}, configMap, false},
		"of another name":       {hook.Need{Kind: "configmap", Name: "b"}, configMap, false},
		"a name in upper case":  {hook.Need{Kind: "configmap", Name: "A"}, configMap, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.need.Means(test.kind, "a"); got != test.want {
				t.Errorf("%s means %s/a: %v", test.need, test.kind, got)
			}
		})
	}
}

func FuzzNeeds(f *testing.F) {
	f.Add("secret/db,deployment.apps/web")
	f.Add("none")
	f.Add("none,/,a.b.c/d")
	f.Fuzz(func(t *testing.T, text string) {
		node := resource(t, "Job", "a", "sherpack.io/hook: test")
		annotations := node.GetAnnotations()
		annotations[hook.NeedsAnnotation] = text
		if err := node.SetAnnotations(annotations); err != nil {
			t.Skip("not a value that YAML can hold")
		}
		h, err := hook.Parse(node)
		if err != nil {
			return
		}
		if h.NeedsNothing == (len(h.Needs) > 0) {
			t.Fatalf("accepted, but says nothing: %q", text)
		}
		for _, need := range h.Needs {
			node := resource(t, "Job", "a", "sherpack.io/hook: test")
			annotations[hook.NeedsAnnotation] = need.String()
			if err := node.SetAnnotations(annotations); err != nil {
				t.Fatal(err)
			}
			again, err := hook.Parse(node)
			if diff := cmp.Diff([]hook.Need{need}, again.Needs); diff != "" || err != nil {
				t.Fatalf("%q: %v\n%s", need, err, diff)
			}
		}
	})
}
