package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestHandover(t *testing.T) {
	t.Parallel()
	t.Run("a release of Helm's is taken over, and recorded before that", releaseIsTakenOver)
	t.Run("an object of another release is refused before anything is written", objectOfAnotherIsRefused)
	t.Run("all refusals are told at once", allRefusalsAreToldAtOnce)
	t.Run("all that may not be read is told at once", allThatIsUnreadIsToldAtOnce)
	t.Run("a definition beside the manifest is skipped where a right is missing", definitionBesideIsSkipped)
	t.Run("an adoption that failed is completed from its record", failedAdoptionIsCompleted)
	t.Run("an adoption fails where Helm has gone on meanwhile", adoptionFailsWhereHelmHasGoneOn)
	t.Run("a release is given to Helm, and its record dropped after that", releaseIsGivenToHelm)
	t.Run("a preview writes nothing", previewOfHandoverWritesNothing)
}

// helms is what Helm has applied, and the object of a hook that it has left.
func helms() string {
	return plantest.Object("v1", "ConfigMap", "app") + plantest.Object("apps/v1", "Deployment", "web") + plantest.Object("v1", "Secret", "lost") +
		plantest.Hook("migrate", "pre-upgrade", "")
}

// helmsCluster is a cluster on which it is: all but a Secret, that somebody has deleted.
func helmsCluster() *cluster {
	cluster := newCluster()
	marked := map[string]any{
		"namespace": "web", "labels": map[string]any{"app.kubernetes.io/managed-by": "Helm"},
		"annotations": map[string]any{"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web"},
	}
	for _, of := range []struct{ version, kind, name string }{{"v1", "ConfigMap", "app"}, {"apps/v1", "Deployment", "web"}} {
		metadata := map[string]any{"name": of.name}
		for key, value := range marked {
			metadata[key] = value
		}
		put(cluster, map[string]any{"apiVersion": of.version, "kind": of.kind, "metadata": metadata})
	}
	put(cluster, map[string]any{"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "shop-migrate", "namespace": "web"}})
	return cluster
}

// adoption is the plan to take over what Helm has: from a record, nil for none.
func adoptionOf(t *testing.T, recorded *release.Release) *work {
	t.Helper()
	r := recorded
	if r == nil {
		r = release.New("shop", "web", 3)
		r.Spec.FromHelm = 3
	}
	request := plan.Request{Release: r, Nodes: plantest.Nodes(t, helms()), Scopes: plantest.Scopes()}
	planned, err := newWork(plan.Adopt(request, nil, []release.HelmRecord{{Revision: 2, Status: "superseded"}, {Revision: 3, Status: "deployed"}}))
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

func releaseIsTakenOver(t *testing.T) {
	t.Parallel()
	cluster := helmsCluster()
	kept, events, err := run(t, cluster, adoptionOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(cluster.log)
	if diff := cmp.Diff([]string{"hand ConfigMap/app to sherpack", "hand Deployment/web to sherpack", "hand Job/shop-migrate to sherpack"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"create pending-install", "helm 2 superseded aside=true", "helm 3 deployed aside=true", "status deployed"}, kept.writes); diff != "" {
		t.Error(diff)
	}
	for _, entry := range kept.last.Inventory {
		lost := entry.Name == "lost"
		if lost != (entry.UID == "") || lost != (entry.Origin == "") || entry.Provisional {
			t.Errorf("the inventory has %+v", entry)
		}
	}
	warned := slices.ContainsFunc(events, func(event lifecycle.Event) bool {
		return event.Type == lifecycle.Warning && strings.Contains(event.Message, "Secret/lost")
	})
	if !warned {
		t.Error("nothing is said of what is missing")
	}
}

func objectOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	cluster := helmsCluster()
	for _, object := range cluster.objects {
		if object.GetName() == "app" {
			annotate(object, "meta.helm.sh/release-name", "other")
		}
	}
	kept, _, err := run(t, cluster, adoptionOf(t, nil))
	var others *lifecycle.NotHelmsError
	if !errors.As(err, &others) || !strings.Contains(err.Error(), "Helm release web/other") || !strings.Contains(err.Error(), "Nothing was changed.") {
		t.Errorf("the error is %v", err)
	}
	if len(cluster.log)+len(kept.writes) > 0 {
		t.Errorf("written: %v %v", cluster.log, kept.writes)
	}
}

func allRefusalsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	cluster := helmsCluster()
	cluster.checkErr["app"], cluster.checkErr["web"] = errors.New("app is forbidden"), errors.New("web is forbidden")
	kept, _, err := run(t, cluster, adoptionOf(t, nil))
	if err == nil || !strings.Contains(err.Error(), "app is forbidden") || !strings.Contains(err.Error(), "web is forbidden") {
		t.Errorf("the error is %v", err)
	}
	if len(cluster.log)+len(kept.writes) > 0 {
		t.Errorf("written: %v %v", cluster.log, kept.writes)
	}
}

// lacking is the answer to a user who may not do something.
func lacking(verb, resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", fmt.Errorf("User \"u\" cannot %s resource %q", verb, resource))
}

func allThatIsUnreadIsToldAtOnce(t *testing.T) {
	t.Parallel()
	cluster := helmsCluster()
	cluster.findErr = map[string]error{"Secret": lacking("list", "secrets"), "Job": lacking("list", "jobs")}
	cluster.checkErr["web"] = errors.New("web is forbidden")
	kept, events, err := run(t, cluster, adoptionOf(t, nil))
	var refused *lifecycle.PreflightError
	if !errors.As(err, &refused) || len(refused.Problems) != 3 || !strings.Contains(err.Error(), `"secrets"`) || !strings.Contains(err.Error(), `"jobs"`) {
		t.Errorf("the error is %v", err)
	}
	if slices.ContainsFunc(events, func(event lifecycle.Event) bool { return strings.Contains(event.Message, "not found") }) {
		t.Error("what was not looked for is called missing")
	}
	if len(cluster.log)+len(kept.writes) > 0 {
		t.Errorf("written: %v %v", cluster.log, kept.writes)
	}
}

// Whoever may work in a namespace only can upgrade a release with Helm whose chart has definitions in crds/.
func definitionBesideIsSkipped(t *testing.T) {
	t.Parallel()
	definition := map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "things.example.com"}}
	for title, forbid := range map[string]func(*cluster){
		"to read it": func(c *cluster) {
			c.findErr = map[string]error{"CustomResourceDefinition": lacking("list", "customresourcedefinitions")}
		},
		"to change it": func(c *cluster) { c.checkErr["things.example.com"] = lacking("patch", "customresourcedefinitions") },
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			cluster := helmsCluster()
			put(cluster, definition)
			forbid(cluster)
			r := release.New("shop", "web", 3)
			r.Spec.FromHelm = 3
			request := plan.Request{Release: r, Nodes: plantest.Nodes(t, helms()), Scopes: plantest.Scopes()}
			beside := plantest.Nodes(t, plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com"))
			planned, err := newWork(plan.Adopt(request, beside, []release.HelmRecord{{Revision: 3, Status: "deployed"}}))
			if err != nil {
				t.Fatal(err)
			}
			kept, events, err := run(t, cluster, planned)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range kept.last.Inventory {
				if entry.Name == "things.example.com" {
					t.Errorf("the inventory has %+v", entry)
				}
			}
			slices.Sort(cluster.log)
			if diff := cmp.Diff([]string{"hand ConfigMap/app to sherpack", "hand Deployment/web to sherpack", "hand Job/shop-migrate to sherpack"}, cluster.log); diff != "" {
				t.Error(diff)
			}
			warned := slices.ContainsFunc(events, func(event lifecycle.Event) bool {
				return event.Type == lifecycle.Warning && strings.Contains(event.Message, "CustomResourceDefinition/things.example.com is not taken over")
			})
			if !warned {
				t.Error("nothing is said of what is skipped")
			}
		})
	}
}

func failedAdoptionIsCompleted(t *testing.T) {
	t.Parallel()
	cluster := helmsCluster()
	cluster.applyErr["web"] = errors.New("connection lost")
	kept, _, err := run(t, cluster, adoptionOf(t, nil))
	if err == nil || kept.last.Status.Phase != release.Failed || kept.last.Status.Operation != release.OperationAdopt {
		t.Fatalf("it is %s by %s: %v", kept.last.Status.Phase, kept.last.Status.Operation, err)
	}
	delete(cluster.applyErr, "web")
	again, _, err := run(t, cluster, adoptionOf(t, &kept.last))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"status pending-install", "helm 2 superseded aside=true", "helm 3 deployed aside=true", "status deployed"}, again.writes); diff != "" {
		t.Error(diff)
	}
	if again.last.Spec.Revision != 3 {
		t.Errorf("it is revision %d", again.last.Spec.Revision)
	}
}

func adoptionFailsWhereHelmHasGoneOn(t *testing.T) {
	t.Parallel()
	cluster, kept := helmsCluster(), &store{hiddenErr: errors.New("revision 4 is pending-upgrade")}
	result, err := lifecycle.Runner{Cluster: cluster, Store: kept, Now: time.Now}.Run(t.Context(), adoptionOf(t, nil).Plan)
	if !errors.Is(err, kept.hiddenErr) || result.Release.Status.Phase != release.Failed || result.Release.Status.Operation != release.OperationAdopt {
		t.Errorf("it is %s by %s: %v", result.Release.Status.Phase, result.Release.Status.Operation, err)
	}
	if len(cluster.log) != 3 {
		t.Errorf("handed over: %v", cluster.log)
	}
}

func releaseIsGivenToHelm(t *testing.T) {
	t.Parallel()
	cluster := helmsCluster()
	adopted, _, err := run(t, cluster, adoptionOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	request := plan.Request{Release: &adopted.last, Nodes: plantest.Nodes(t, helms()), Scopes: plantest.Scopes()}
	planned, err := newWork(plan.Give(request, []release.HelmRecord{{Revision: 3, Status: "deployed"}}, 3))
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	kept, _, err := run(t, cluster, planned)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(cluster.log)
	if diff := cmp.Diff([]string{"hand ConfigMap/app to helm", "hand Deployment/web to helm", "hand Job/shop-migrate to helm"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"status uninstalling", "helm 3 deployed aside=false"}, kept.writes); diff != "" || !kept.dropped {
		t.Errorf("dropped: %v: %s", kept.dropped, diff)
	}
	before := helmsCluster()
	for key, object := range before.objects {
		if diff := cmp.Diff(object.GetLabels(), cluster.objects[key].GetLabels()); diff != "" && len(object.GetLabels()) > 0 {
			t.Errorf("%s: %s", key, diff)
		}
		if diff := cmp.Diff(object.GetAnnotations(), cluster.objects[key].GetAnnotations()); diff != "" && len(object.GetAnnotations()) > 0 {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

func previewOfHandoverWritesNothing(t *testing.T) {
	t.Parallel()
	cluster, kept := helmsCluster(), &store{}
	planned := adoptionOf(t, nil)
	runner := lifecycle.Runner{Cluster: cluster, Store: kept, Now: time.Now}
	preview, err := runner.Preview(t.Context(), planned.Plan)
	if err != nil {
		t.Fatal(err)
	}
	effects := map[string]lifecycle.Result{}
	for _, handover := range planned.Steps[1].Handovers {
		effects[handover.Entry.Name] = preview.Effect(1, handover.Entry.Reference())
	}
	want := map[string]lifecycle.Result{
		"app": lifecycle.ResultAdopted, "web": lifecycle.ResultAdopted, "shop-migrate": lifecycle.ResultAdopted, "lost": lifecycle.ResultNotFound,
	}
	if diff := cmp.Diff(want, effects); diff != "" {
		t.Error(diff)
	}
	if len(cluster.log)+len(kept.writes) > 0 {
		t.Errorf("written: %v %v", cluster.log, kept.writes)
	}
}
