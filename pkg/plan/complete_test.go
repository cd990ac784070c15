package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestCompleteInventory(t *testing.T) {
	t.Parallel()
	t.Run("earlier inventories and the manifest complete it", earlierInventoriesAndManifestCompleteIt)
}

func earlierInventoriesAndManifestCompleteIt(t *testing.T) {
	t.Parallel()
	entry := func(name, uid string) release.Entry {
		return release.Entry{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: name, UID: "", Hash: uid}
	}
	r := release.New("shop", "web", 3)
	r.Inventory = []release.Entry{entry("a", "3")}
	text := plantest.Object("v1", "ConfigMap", "b") + plantest.Object("v1", "ConfigMap", "d") + plantest.Hook("clean", "post-delete", "") + plantest.Object("example.com/v1", "Unknown", "x")
	request := plan.Request{Release: r, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}
	if err := plan.CompleteInventory(request, []release.Entry{entry("a", "2"), entry("b", "2")}, []release.Entry{entry("b", "1"), entry("c", "1")}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range r.Inventory {
		got = append(got, fmt.Sprintf("%s/%s/%s %s", entry.Kind, entry.Namespace, entry.Name, entry.Hash))
	}
	want := []string{"ConfigMap/web/a 3", "ConfigMap/web/b 2", "ConfigMap/web/c 1", "ConfigMap/web/d ", "Job/web/shop-clean "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the inventory (-want +got):\n%s", diff)
	}
}
