package lifecycle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestApply(t *testing.T) {
	t.Parallel()
	t.Run("only what has changed is applied", onlyWhatHasChangedIsApplied)
	t.Run("an immutable object is recreated where allowed", immutableObjectIsRecreatedWhereAllowed)
	t.Run("what somebody made meanwhile is not recreated", objectOfOthersIsNotRecreated)
	t.Run("a recreation that is cut off stays on the inventory", aRecreationThatIsCutOffStaysOnTheInventory)
	t.Run("a hook of this run may become a regular object", aHookOfThisRunMayBecomeARegularObject)
	t.Run("a hook that became a regular object is recreated by the inventory", hookThatBecameRegularIsRecreated)
	t.Run("annotations of a live object do not have it recreated", liveAnnotationsDoNotDecide)
	t.Run("a rollback leaves CRDs as they are", rollbackLeavesCRDs)
}

func onlyWhatHasChangedIsApplied(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Object("v1", "ConfigMap", "same") + plantest.Object("v1", "ConfigMap", "drifted") + plantest.Object("v1", "ConfigMap", "gone") + plantest.Object("v1", "ConfigMap", "old")
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	for found, object := range cluster.objects {
		switch found.Name {
		case "drifted":
			object.SetUID("another")
		case "gone":
			delete(cluster.objects, found)
		}
	}
	cluster.log = nil
	previous := release.New("shop", "web", 1)
	previous.Status.Phase = release.Deployed
	second := upgrade(t, strings.Replace(text, plantest.Object("v1", "ConfigMap", "old"), plantest.Object("v1", "ConfigMap", "new"), 1), first.Release.Inventory, release.History{previous})
	kept, _, err := run(t, cluster, second)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"apply ConfigMap/drifted", "apply ConfigMap/gone", "apply ConfigMap/new", "delete ConfigMap/old Background"}
	if diff := cmp.Diff(want, cluster.log); diff != "" {
		t.Error(diff)
	}
	wantWrites := []string{"create pending-upgrade", "inventory", "inventory", "status deployed", "supersede 1"}
	if diff := cmp.Diff(wantWrites, kept.writes); diff != "" {
		t.Error(diff)
	}
}

func immutableObjectIsRecreatedWhereAllowed(t *testing.T) {
	t.Parallel()
	recreate := strings.NewReplacer("{name: ", "{annotations: {sherpack.io/on-immutable: recreate}, name: ")
	for name, test := range map[string]struct {
		text  string
		all   bool
		again bool
	}{
		"not by itself":                              {plantest.Object("apps/v1", "Deployment", "a"), false, false},
		"by its annotation":                          {recreate.Replace(plantest.Object("apps/v1", "Deployment", "a")), false, true},
		"by the user":                                {plantest.Object("apps/v1", "Deployment", "a"), true, true},
		"not a volume, by the user":                  {plantest.Object("v1", "PersistentVolumeClaim", "a"), true, false},
		"a volume, by its annotation":                {recreate.Replace(plantest.Object("v1", "PersistentVolumeClaim", "a")), false, true},
		"not a Namespace, by the user":               {plantest.Object("v1", "Namespace", "a"), true, false},
		"not a definition of a kind, by the user":    {plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a"), true, false},
		"a Namespace, by its annotation":             {recreate.Replace(plantest.Object("v1", "Namespace", "a")), false, true},
		"a definition of a kind, by its annotation":  {recreate.Replace(plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "a")), false, true},
		"nothing else by the annotation of another":  {plantest.Object("v1", "ConfigMap", "b") + plantest.Object("apps/v1", "Deployment", "a"), false, false},
		"nothing where a volume is in the way, too":  {plantest.Object("v1", "PersistentVolumeClaim", "b") + plantest.Object("apps/v1", "Deployment", "a"), true, false},
		"everything of one wave, not only the first": {plantest.Object("apps/v1", "Deployment", "b") + plantest.Object("apps/v1", "Deployment", "a"), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			first := mustPlan(t, test.text, plan.Options{})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			// Somebody has changed it, so that it is applied again.
			for _, object := range cluster.objects {
				cluster.frozen = append(cluster.frozen, object.GetName())
			}
			cluster.log = nil
			second := mustPlan(t, test.text, plan.Options{RecreateImmutable: test.all})
			_, _, err := run(t, cluster, second)
			var immutable *refusal.ImmutableError
			if test.again == errors.As(err, &immutable) || test.again != (err == nil) {
				t.Errorf("got %v", err)
			}
			if deleted := strings.Contains(fmt.Sprint(cluster.log), "delete "); deleted != test.again {
				t.Errorf("log: %v", cluster.log)
			}
			for _, entry := range second.Release.Inventory {
				if entry.UID == "" && test.again {
					t.Errorf("not on the inventory: %+v", entry)
				}
			}
		})
	}
}

// What somebody makes between the refresh and the apply is not the release's to delete, whatever the user allows.
func objectOfOthersIsNotRecreated(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.frozen = []string{"a"}
	cluster.meanwhile = func() {
		put(cluster, map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "a", "namespace": "web"}})
	}
	_, _, err := run(t, cluster, mustPlan(t, plantest.Object("apps/v1", "Deployment", "a"), plan.Options{RecreateImmutable: true}))
	var immutable *refusal.ImmutableError
	if !errors.As(err, &immutable) {
		t.Errorf("the error is %v", err)
	}
	if deleted := strings.Contains(fmt.Sprint(cluster.log), "delete "); deleted {
		t.Errorf("log: %v", cluster.log)
	}
}

// What is recreated stays on the inventory when nobody knows whether it was created.
func aRecreationThatIsCutOffStaysOnTheInventory(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Object("apps/v1", "Deployment", "a")
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	cluster.frozen, cluster.lost = []string{"a"}, []string{"a"}
	second := mustPlan(t, text, plan.Options{RecreateImmutable: true})
	kept, _, err := run(t, cluster, second)
	if err == nil || len(kept.last.Inventory) != 1 {
		t.Errorf("%v, inventory %+v", err, kept.last.Inventory)
	}
}

// A hook of the revision that is left and a regular object of the one that is restored may be the same Job.
func aHookOfThisRunMayBecomeARegularObject(t *testing.T) {
	t.Parallel()
	old := plantest.Revision(t, 1, release.Superseded, plantest.Object("batch/v1", "Job", "shop-x"))
	left := plantest.Revision(t, 2, release.Deployed, plantest.Hook("x", "pre-rollback", ""))
	planned, err := newWork(plan.New(plantest.Rollback(t, old, left)))
	if err != nil {
		t.Fatal(err)
	}
	cluster := newCluster()
	cluster.during("shop-x", func() { cluster.frozen = []string{"shop-x"} })
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"apply Job/shop-x", "delete Job/shop-x Foreground", "apply Job/shop-x"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// A hook that has become a regular resource was made as a hook, also where nothing on it says so any more.
func hookThatBecameRegularIsRecreated(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, plantest.Hook("a", "post-install", ""), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	for _, object := range cluster.objects {
		annotate(object, plan.AnnotationPhase, "")
	}
	cluster.log, cluster.frozen = nil, []string{"shop-a"}
	second := upgrade(t, plantest.Object("batch/v1", "Job", "shop-a"), first.Release.Inventory, nil)
	cluster.applyErr["shop-a"] = errors.New("not now")
	if _, _, err := run(t, cluster, second); err == nil {
		t.Fatal("no error")
	}
	delete(cluster.applyErr, "shop-a")
	third := upgrade(t, plantest.Object("batch/v1", "Job", "shop-a"), second.Release.Inventory, nil)
	if _, _, err := run(t, cluster, third); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"delete Job/shop-a Foreground", "apply Job/shop-a"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// Whoever may change an object can change its annotations, and must not decide with that what is deleted.
func liveAnnotationsDoNotDecide(t *testing.T) {
	t.Parallel()
	job := plantest.Object("batch/v1", "Job", "job")
	for name, annotations := range map[string]map[string]string{
		"that of a hook":               {plan.AnnotationPhase: "pre-upgrade"},
		"that it may be recreated":     {"sherpack.io/on-immutable": "recreate"},
		"both, and that it is no more": {plan.AnnotationPhase: "pre-upgrade", "sherpack.io/on-immutable": "recreate", plan.AnnotationHash: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			first := mustPlan(t, job, plan.Options{})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			for _, object := range cluster.objects {
				for key, value := range annotations {
					annotate(object, key, value)
				}
			}
			first.Release.Content.Manifest = job
			cluster.log, cluster.frozen = nil, []string{"job"}
			changed := strings.Replace(job, "{name: job}", "{name: job, labels: {a: b}}", 1)
			failing := upgrade(t, changed, first.Release.Inventory, nil)
			failing.Release.Content.Manifest = changed
			if _, _, err := run(t, cluster, failing); err == nil {
				t.Error("the upgrade has changed what cannot be changed")
			}
			undo, err := undoOf(failing, plantest.Rollback(t, first.Release, failing.Release))
			if err != nil {
				t.Fatal(err)
			}
			if undo != nil {
				_, _, _ = run(t, cluster, undo)
			}
			if len(cluster.log) > 0 {
				t.Errorf("it did %v", cluster.log)
			}
		})
	}
}

// A rollback leaves definitions of kinds that are there, and brings back those that are not.
func rollbackLeavesCRDs(t *testing.T) {
	t.Parallel()
	crd := func(name string) string {
		return plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
	}
	old := plantest.Revision(t, 1, release.Superseded, crd("there")+crd("gone"))
	newest := plantest.Revision(t, 2, release.Deployed, crd("there")+crd("new"))
	for name, test := range map[string]struct {
		options plan.Options
		want    []string
	}{
		"by itself":          {plan.Options{}, []string{"apply CustomResourceDefinition/gone", "wait CustomResourceDefinition/gone sherpack.io/release=shop"}},
		"with --delete-crds": {plan.Options{DeleteCRDs: true}, []string{"apply CustomResourceDefinition/gone", "apply CustomResourceDefinition/there", "wait CustomResourceDefinition/gone sherpack.io/release=shop", "wait CustomResourceDefinition/there sherpack.io/release=shop", "delete CustomResourceDefinition/new Background"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			for _, name := range []string{"there", "new"} {
				put(cluster, map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{
					"name": name, "annotations": marks("shop"), "labels": map[string]any{plan.LabelManagedBy: "sherpack"},
				}})
			}
			request := plantest.Rollback(t, old, newest)
			request.Options = test.options
			planned, err := newWork(plan.New(request))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := run(t, cluster, planned); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}
