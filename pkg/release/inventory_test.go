package release_test

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestEntry(t *testing.T) {
	t.Parallel()
	t.Run("it names an object that can be asked for", entryNamesAnObject)
	t.Run("its reference is that of the object", referenceOfEntry)
}

func entryNamesAnObject(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		entry release.Entry
		want  string
	}{
		"a name of the cluster":        {release.Entry{Kind: "ClusterRole", Name: "system:shop"}, ""},
		"no kind":                      {release.Entry{Name: "a"}, "names no object"},
		"no name":                      {release.Entry{Kind: "ConfigMap"}, "names no object"},
		"the folder above":             {release.Entry{Kind: "ConfigMap", Namespace: "web", Name: ".."}, `has the name "..", which may not be '..'`},
		"a folder":                     {release.Entry{Kind: "ConfigMap", Namespace: "web", Name: "a/b"}, `has the name "a/b", which may not contain '/'`},
		"a namespace that is a folder": {release.Entry{Kind: "ConfigMap", Namespace: "../a%", Name: "a"}, `has the namespace "../a%", which may not contain '/', may not contain '%'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := test.entry.Check(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("the error is %q", got)
			}
		})
	}
}

func referenceOfEntry(t *testing.T) {
	t.Parallel()
	core := release.Entry{Version: "v1", Kind: "Secret", Namespace: "web", Name: "a", UID: "1"}.Reference()
	if got := core.APIVersion + " " + core.Kind + " " + core.Namespace + " " + core.Name + " " + string(core.UID); got != "v1 Secret web a 1" {
		t.Errorf("a reference without a group is %s", got)
	}
	grouped := release.Entry{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole", Name: "a:b"}.Reference()
	if got := grouped.APIVersion + " " + grouped.Namespace + "/" + grouped.Name; got != "rbac.authorization.k8s.io/v1 /a:b" {
		t.Errorf("a reference with a group is %s", got)
	}
}
