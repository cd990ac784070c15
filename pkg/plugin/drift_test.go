package plugin

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/diff"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestRevisionsAreCompared(t *testing.T) {
	t.Parallel()
	t.Run("with the namespaces that objects were applied in", revisionsAreComparedInTheirNamespaces)
}

func revisionsAreComparedInTheirNamespaces(t *testing.T) {
	t.Parallel()
	before, after := release.New("shop", "web", 1), release.New("shop", "web", 2)
	before.Content.Manifest = `{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: web}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: b}}
`
	after.Content.Manifest = `{apiVersion: v1, kind: ConfigMap, metadata: {name: same}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: y}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: b, namespace: web}, rules: []}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: other}}
`
	// The inventory of the other one is empty, as after an uninstall.
	before.Inventory = []release.Entry{
		{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: "a"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole", Name: "b"},
	}
	global := clusterScoped(before, after)
	left, err := objectsOf(before, global)
	if err != nil {
		t.Fatal(err)
	}
	right, err := objectsOf(after, global)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, change := range diff.Between(left, right) {
		got = append(got, kinds.KeyOf(change.Ref).String()+" "+change.Action)
	}
	want := []string{"ConfigMap/web/a configured", "ClusterRole/b configured", "ConfigMap/other/a created"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
