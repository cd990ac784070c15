package lifecycle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestChanges(t *testing.T) {
	t.Parallel()
	t.Run("an upgrade says what it did to each object, and counts the others", upgradeSaysWhatItDid)
	t.Run("what the API server found nothing to write of is unchanged", nothingToWriteIsUnchanged)
	t.Run("what is deleted and created is recreated", deletedAndCreatedIsRecreated)
	t.Run("what was deleted and could not be created is deleted", deletedAndNotCreated)
	t.Run("a resumption adds to what was done before it", resumptionAddsToWhatWasDone)
	t.Run("an undo of an installation adds to what that did", undoAddsToWhatWasDone)
	t.Run("an uninstallation begins anew, and its repetition adds to it", uninstallationBeginsAnew)
	t.Run("an uninstallation that has not begun leaves them", uninstallNotBegunLeavesChanges)
	t.Run("what is adopted and given back is told", adoptedAndGivenBack)
	t.Run("what changes hands is told", whatChangesHandsIsTold)
	t.Run("a test leaves them", testLeavesChanges)
}

// changesOf are the changes on record as short texts.
func changesOf(r *release.Release) []string {
	var all []string
	for _, change := range r.Status.Changes {
		text := fmt.Sprintf("%d %s", change.Count, change.Result)
		for _, objects := range change.Objects {
			text += " " + objects.Kind + "/" + strings.Join(objects.Names, ",")
		}
		all = append(all, text)
	}
	return all
}

func checkChanges(t *testing.T, r *release.Release, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, changesOf(r)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func upgradeSaysWhatItDid(t *testing.T) {
	t.Parallel()
	s := newStory()
	same := plantest.Object("v1", "Secret", "same")
	s.must(t, s.plan(t, release.OperationInstall, same+settings("one")+plantest.Object("v1", "ConfigMap", "old")+plantest.Hook("gone", "post-install", ""), plan.Options{}))
	checkChanges(t, s.newest(), "3 created ConfigMap/app,old Secret/same")
	s.must(t, s.plan(t, release.OperationUpgrade, same+settings("two")+plantest.Object("apps/v1", "Deployment", "web")+plantest.Hook("a", "pre-upgrade", ""), plan.Options{}))
	checkChanges(t, s.newest(), "1 created Deployment/web", "1 configured ConfigMap/app", "2 pruned ConfigMap/old Job/shop-gone", "1 unchanged")
	s.must(t, s.plan(t, release.OperationRollback, "1", plan.Options{}))
	checkChanges(t, s.newest(), "1 created ConfigMap/old", "1 configured ConfigMap/app", "2 pruned Deployment/web Job/shop-a", "1 unchanged")
}

func nothingToWriteIsUnchanged(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	// The API server writes nothing where nothing would be other than it is.
	cluster.admit = func(applied, _ *unstructured.Unstructured) {
		version, _, _ := unstructured.NestedString(applied.Object, "data", "v")
		applied.SetResourceVersion("written for " + version)
	}
	text := settings("one")
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	// Nothing is on record of the first, so that all is sent again.
	again := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, again); err != nil {
		t.Fatal(err)
	}
	checkChanges(t, again.Release, "1 unchanged")
	other := mustPlan(t, settings("two"), plan.Options{})
	if _, _, err := run(t, cluster, other); err != nil {
		t.Fatal(err)
	}
	checkChanges(t, other.Release, "1 configured ConfigMap/app")
}

func deletedAndCreatedIsRecreated(t *testing.T) {
	t.Parallel()
	cluster, text := newCluster(), plantest.Object("apps/v1", "Deployment", "a")
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	cluster.frozen = []string{"a"}
	again := mustPlan(t, text, plan.Options{RecreateImmutable: true})
	if _, _, err := run(t, cluster, again); err != nil {
		t.Fatal(err)
	}
	checkChanges(t, again.Release, "1 recreated Deployment/a")
}

func deletedAndNotCreated(t *testing.T) {
	t.Parallel()
	cluster, text := newCluster(), plantest.Object("apps/v1", "Deployment", "a")
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	cluster.frozen = []string{"a"}
	refused := errors.New("refused")
	cluster.meanwhile = func() {
		if len(cluster.objects) == 0 {
			cluster.applyErr["a"] = refused
		}
	}
	again := mustPlan(t, text, plan.Options{RecreateImmutable: true})
	if _, _, err := run(t, cluster, again); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	checkChanges(t, again.Release, "1 deleted Deployment/a")
}

func resumptionAddsToWhatWasDone(t *testing.T) {
	t.Parallel()
	for _, how := range []string{ctrlC, sigkill} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, settings("one")+plantest.Object("v1", "Secret", "same"), plan.Options{}))
			text := settings("two") + reader("a") + plantest.Object("v1", "Secret", "same") + plantest.Object("apps/v1", "Deployment", "web")
			s.cutShort(t, how, "shop-a", s.plan(t, release.OperationUpgrade, text, plan.Options{}))
			checkChanges(t, s.newest(), "1 configured ConfigMap/app")
			first := s.newest().Clone()
			s.must(t, s.resumption(t))
			checkChanges(t, s.newest(), "1 created Deployment/web", "1 configured ConfigMap/app", "1 unchanged")
			checkChanges(t, first, "1 configured ConfigMap/app")
		})
	}
}

func undoAddsToWhatWasDone(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.waitErr = errors.New("never ready")
	first := mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{Wait: true})
	if _, _, err := run(t, cluster, first); err == nil {
		t.Fatal("it has not failed")
	}
	undo, err := undoOf(first, plan.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, cluster, undo); err != nil {
		t.Fatal(err)
	}
	checkChanges(t, undo.Release, "1 created ConfigMap/app", "1 deleted ConfigMap/app")
}

func uninstallationBeginsAnew(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.plan(t, release.OperationInstall, settings("one")+plantest.Object("v1", "Secret", "held"), plan.Options{}))
	refused := errors.New("refused")
	s.cluster.deleteErr = map[string]error{"held": refused}
	if _, err := s.run(t.Context(), s.plan(t, release.OperationUninstall, "", plan.Options{})); !errors.Is(err, refused) {
		t.Fatal(err)
	}
	checkChanges(t, s.newest(), "1 deleted ConfigMap/app")
	s.cluster.deleteErr = nil
	s.must(t, s.plan(t, release.OperationUninstall, "", plan.Options{KeepHistory: true}))
	checkChanges(t, s.newest(), "2 deleted ConfigMap/app Secret/held")
}

func uninstallNotBegunLeavesChanges(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.plan(t, release.OperationInstall, settings("one")+plantest.Hook("a", "pre-delete", ""), plan.Options{}))
	s.cluster.outcomes["shop-a"] = exit3
	if _, err := s.run(t.Context(), s.plan(t, release.OperationUninstall, "", plan.Options{})); err == nil {
		t.Fatal("it has not failed")
	}
	checkChanges(t, s.newest(), "1 created ConfigMap/app")
}

func adoptedAndGivenBack(t *testing.T) {
	t.Parallel()
	s := newStory()
	putTheirs(s.cluster)
	s.cluster.outcomes["shop-a"] = exit3
	failed := s.plan(t, release.OperationInstall, theirs()+plantest.Hook("a", "post-install", ""), plan.Options{TakeOwnership: true})
	if _, err := s.run(t.Context(), failed); err == nil {
		t.Fatal("it has not failed")
	}
	checkChanges(t, s.newest(), "1 adopted ConfigMap/theirs")
	s.must(t, s.plan(t, release.OperationUninstall, "", plan.Options{}))
	checkChanges(t, s.newest(), "1 deleted Job/shop-a", "1 given back ConfigMap/theirs")
}

func whatChangesHandsIsTold(t *testing.T) {
	t.Parallel()
	cluster := helmsCluster()
	adopted := adoptionOf(t, nil)
	cluster.applyErr["web"] = errors.New("refused")
	if _, _, err := run(t, cluster, adopted); err == nil {
		t.Fatal("it has not failed")
	}
	checkChanges(t, adopted.Release, "1 adopted ConfigMap/app")
	delete(cluster.applyErr, "web")
	again := adoptionOf(t, adopted.Release)
	if _, _, err := run(t, cluster, again); err != nil {
		t.Fatal(err)
	}
	checkChanges(t, again.Release, "3 adopted ConfigMap/app Deployment/web Job/shop-migrate")
	request := plan.Request{Release: again.Release, Nodes: plantest.Nodes(t, helms()), Scopes: plantest.Scopes()}
	given, err := newWork(plan.Give(request, []release.HelmRecord{{Revision: 3, Status: "deployed"}}, 3))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, cluster, given); err != nil {
		t.Fatal(err)
	}
	checkChanges(t, given.Release, "3 handed over ConfigMap/app Deployment/web Job/shop-migrate")
}

func testLeavesChanges(t *testing.T) {
	t.Parallel()
	s := newStory()
	s.must(t, s.plan(t, release.OperationInstall, settings("one")+plantest.Hook("a", "test", ""), plan.Options{}))
	s.must(t, s.plan(t, release.OperationTest, "", plan.Options{}))
	checkChanges(t, s.newest(), "1 created ConfigMap/app")
}
