package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestAdopt(t *testing.T) {
	t.Parallel()
	t.Run("objects get our marks in place of Helm's", objectsGetOurMarks)
	t.Run("what is beside the manifest keeps its manager, there and back", besideKeepsItsManager)
	t.Run("it goes by the inventory that was recorded", adoptGoesByTheRecord)
	t.Run("what cannot be stored here is refused", adoptRefusesWhatCannotBeStored)
}

// marks writes down what a handover changes: what is removed has a minus.
func marks(handover plan.Handover) map[string]string {
	changed := map[string]string{}
	for _, values := range []map[string]*string{handover.Labels, handover.Annotations} {
		for key, value := range values {
			changed[key] = ptr.Deref(value, "-")
		}
	}
	return changed
}

func objectsGetOurMarks(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("migrate", "pre-upgrade, test", "")
	definition := plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com")
	request := plan.Request{Release: release.New("shop", "web", 3), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}
	planned, err := plan.Adopt(request, plantest.Nodes(t, definition), []release.HelmRecord{{Revision: 3}})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{
		"app.kubernetes.io/managed-by": "sherpack", "sherpack.io/release": "shop", "sherpack.io/release-name": "shop", "sherpack.io/release-namespace": "web",
		"meta.helm.sh/release-name": "-", "meta.helm.sh/release-namespace": "-",
	}
	hook := map[string]string{"sherpack.io/phase": "pre-upgrade"}
	for key, value := range own {
		hook[key] = value
	}
	want := map[string]map[string]string{"app": own, "shop-migrate": hook, "things.example.com": own}
	got := map[string]map[string]string{}
	for _, handover := range planned.Steps[1].Handovers {
		got[handover.Entry.Name] = marks(handover)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if records := planned.Steps[0].Records; len(records) != 1 || !records[0].Aside {
		t.Errorf("the records are %+v", records)
	}
	if len(planned.Release.Inventory) != 3 || planned.Course().Done != release.Deployed {
		t.Errorf("the inventory is %+v", planned.Release.Inventory)
	}
}

// The chart may say in crds/ who manages a definition, and the record of Helm's manifest does not have it.
func besideKeepsItsManager(t *testing.T) {
	t.Parallel()
	definition := plantest.Nodes(t, plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com"))
	inManifest := plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "others.example.com")
	r := release.New("shop", "web", 3)
	r.Spec.FromHelm = 3
	request := plan.Request{Release: r, Nodes: plantest.Nodes(t, inManifest), Scopes: plantest.Scopes()}
	adopted, err := plan.Adopt(request, definition, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Release = adopted.Release
	for i := range request.Release.Inventory {
		request.Release.Inventory[i].UID = "1"
	}
	given, err := plan.Give(request, nil, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, handover := range append(adopted.Steps[1].Handovers, given.Steps[0].Handovers...) {
		_, changed := handover.Labels[plan.LabelManagedBy]
		if beside := handover.Entry.Name == "things.example.com"; changed == beside || handover.Beside != beside {
			t.Errorf("%s: %+v", handover.Entry.Name, handover)
		}
	}
	if len(adopted.Steps[1].Handovers) != 2 || len(given.Steps[0].Handovers) != 2 {
		t.Errorf("there are %d and %d", len(adopted.Steps[1].Handovers), len(given.Steps[0].Handovers))
	}
}

func adoptGoesByTheRecord(t *testing.T) {
	t.Parallel()
	r := release.New("shop", "web", 3)
	r.ResourceVersion, r.Status.ToHelm = "1", 4
	r.Inventory = []release.Entry{{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: "beside", UID: "1"}}
	request := plan.Request{Release: r, Nodes: plantest.Nodes(t, plantest.Object("v1", "ConfigMap", "app")), Scopes: plantest.Scopes()}
	planned, err := plan.Adopt(request, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if handovers := planned.Steps[1].Handovers; len(handovers) != 1 || handovers[0].Entry.UID != "1" || *handovers[0].Labels[plan.LabelRelease] != "shop" {
		t.Errorf("handed over: %+v", handovers)
	}
	if planned.Release.Status.ToHelm != 0 || r.Status.ToHelm != 4 {
		t.Error("it is still on its way to Helm, or the record was written into")
	}
}

func adoptRefusesWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	text := plantest.Object("example.com/v1", "Gone", "app") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n"
	request := plan.Request{Release: release.New("shop", "web", 3), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}
	_, err := plan.Adopt(request, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no kind Gone") || !strings.Contains(err.Error(), "generateName") {
		t.Errorf("the error is %v", err)
	}
}

func TestGive(t *testing.T) {
	t.Parallel()
	t.Run("objects get Helm's marks in place of ours", objectsGetHelmsMarks)
}

func objectsGetHelmsMarks(t *testing.T) {
	t.Parallel()
	text := "---\n# Source: shop/crds/thing.yaml\n" + plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com") +
		"# Source: shop/templates/all.yaml\n" + plantest.Object("v1", "ConfigMap", "app") +
		"# Source: shop/templates/all.yaml\napiVersion: batch/v1\nkind: Job\nmetadata: {name: job, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {helm.sh/hook: test}}\n"
	nodes, err := manifest.DecodeStream([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	request := plan.Request{Release: release.New("shop", "web", 3), Nodes: nodes, Scopes: plantest.Scopes()}
	adopted, err := plan.Adopt(request, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Release = adopted.Release
	request.Release.Inventory = append(request.Release.Inventory, release.Entry{Version: "v1", Kind: "Secret", Namespace: "web", Name: "kept"})
	for i := range request.Release.Inventory {
		request.Release.Inventory[i].UID = "1"
	}
	request.Release.Inventory = append(request.Release.Inventory, release.Entry{Version: "v1", Kind: "Secret", Namespace: "web", Name: "missing"})
	planned, err := plan.Give(request, []release.HelmRecord{{Revision: 4, Status: "deployed"}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	with := func(more map[string]string) map[string]string {
		all := map[string]string{
			"app.kubernetes.io/managed-by": "-", "sherpack.io/release": "-", "sherpack.io/release-name": "-", "sherpack.io/release-namespace": "-",
			"sherpack.io/phase": "-", "sherpack.io/run": "-", "sherpack.io/hash": "-",
		}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	want := map[string]map[string]string{
		"things.example.com": with(nil), "kept": with(nil),
		"job": with(map[string]string{"app.kubernetes.io/managed-by": "Helm"}),
		"app": with(map[string]string{"app.kubernetes.io/managed-by": "Helm", "meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web"}),
	}
	got := map[string]map[string]string{}
	for _, handover := range planned.Steps[0].Handovers {
		got[handover.Entry.Name] = marks(handover)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if planned.Release.Status.ToHelm != 4 || planned.Course().Done != release.Uninstalled {
		t.Errorf("the status is %+v", planned.Release.Status)
	}
}
