package lifecycle_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestLedger(t *testing.T) {
	t.Parallel()
	t.Run("changed labels and annotations are noticed", changedLabelsAndAnnotationsAreNoticed)
	t.Run("what a controller keeps up to date is no change", controllersMayUpdate)
	t.Run("entries without metadata are read", entriesWithoutMetadataAreRead)
	t.Run("an edited object is applied though its manifest is the same", editedObjectIsApplied)
	t.Run("a policy to keep counts until the object is applied without", policyToKeepCountsUntilApplied)
	t.Run("a hook of two phases stays on the inventory", aHookOfTwoPhasesStaysOnTheInventory)
	t.Run("what is being deleted is not shown", whatIsBeingDeletedIsNotShown)
	t.Run("an uninstallation that does not wait keeps the inventory", uninstallWithoutWaitKeepsInventory)
}

// What somebody changes about labels and annotations does not raise the generation of an object. It is noticed all the same
// where that is not what the answer to the last apply carried.
func changedLabelsAndAnnotationsAreNoticed(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {l: one}, annotations: {a: one}}\n"
	// A webhook sets a label, has its way with another, adds one and takes an annotation away.
	webhook := func(applied, before *unstructured.Unstructured) {
		label(applied, "l", "two")
		label(applied, "injected", "yes")
		annotate(applied, "a", "")
		if before != nil {
			// What somebody else has set stays.
			annotate(applied, "others", before.GetAnnotations()["others"])
		}
	}
	for name, test := range map[string]struct {
		admit   func(applied, before *unstructured.Unstructured)
		happens func(*unstructured.Unstructured)
		again   bool
	}{
		"nothing has changed":                 {nil, func(*unstructured.Unstructured) {}, false},
		"a label is gone":                     {nil, func(o *unstructured.Unstructured) { label(o, "l", "") }, true},
		"a label has another value":           {nil, func(o *unstructured.Unstructured) { label(o, "l", "two") }, true},
		"an annotation is gone":               {nil, func(o *unstructured.Unstructured) { annotate(o, "a", "") }, true},
		"an annotation has another value":     {nil, func(o *unstructured.Unstructured) { annotate(o, "a", "two") }, true},
		"an annotation is a label now":        {nil, func(o *unstructured.Unstructured) { annotate(o, "a", ""); label(o, "a", "one") }, true},
		"a mark is gone":                      {nil, func(o *unstructured.Unstructured) { label(o, plan.LabelRelease, "") }, true},
		"a label has come":                    {nil, func(o *unstructured.Unstructured) { label(o, "others", "x") }, false},
		"a webhook has changed it":            {webhook, func(*unstructured.Unstructured) {}, false},
		"what a webhook added is gone":        {webhook, func(o *unstructured.Unstructured) { label(o, "injected", "") }, true},
		"what a webhook took away is there":   {webhook, func(o *unstructured.Unstructured) { annotate(o, "a", "one") }, true},
		"what a webhook changed is as it was": {webhook, func(o *unstructured.Unstructured) { label(o, "l", "one") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			cluster.admit = test.admit
			inventory := applyAgain(t, cluster, text, nil, true)
			for _, object := range cluster.objects {
				test.happens(object)
			}
			inventory = applyAgain(t, cluster, text, inventory, test.again)
			// What it is now, it was applied as.
			applyAgain(t, cluster, text, inventory, false)
		})
	}
}

// applyAgain installs or upgrades, and checks whether that applies the one object there is. It returns the inventory as the
// next command reads it.
func applyAgain(t *testing.T, cluster *cluster, text string, inventory []release.Entry, want bool) []release.Entry {
	t.Helper()
	cluster.log = nil
	planned := upgrade(t, text, inventory, nil)
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(cluster.log, "apply Deployment/web") != want {
		t.Errorf("it did %v", cluster.log)
	}
	stored, err := json.Marshal(planned.Release.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	var read []release.Entry
	if err := json.Unmarshal(stored, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// What a controller keeps up to date on an object, such as the revision of a Deployment, is its own, although the answers to
// later applies carry it, too.
func controllersMayUpdate(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
	cluster := newCluster()
	cluster.admit = func(applied, before *unstructured.Unstructured) {
		if before != nil {
			annotate(applied, "revision", before.GetAnnotations()["revision"])
		}
	}
	set := func(value string) {
		for _, object := range cluster.objects {
			annotate(object, "revision", value)
		}
	}
	inventory := applyAgain(t, cluster, text, nil, true)
	set("1")
	changed := text + "spec: {replicas: 2}\n"
	inventory = applyAgain(t, cluster, changed, inventory, true)
	set("2")
	applyAgain(t, cluster, changed, inventory, false)
}

// A record of an older version of this program does not say what was carried. Only that the marks are there is known.
func entriesWithoutMetadataAreRead(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {l: one}}\n"
	for name, test := range map[string]struct {
		happens func(*unstructured.Unstructured)
		again   bool
	}{
		"nothing has changed": {func(*unstructured.Unstructured) {}, false},
		"a label is gone":     {func(o *unstructured.Unstructured) { label(o, "l", "") }, false},
		"a mark is gone":      {func(o *unstructured.Unstructured) { annotate(o, plan.AnnotationRelease, "") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			inventory := applyAgain(t, cluster, text, nil, true)
			for i := range inventory {
				inventory[i].Metadata = nil
			}
			for _, object := range cluster.objects {
				test.happens(object)
			}
			applyAgain(t, cluster, text, inventory, test.again)
		})
	}
}

// What somebody has edited is what the manifest says after an upgrade, although that has not changed.
func editedObjectIsApplied(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {paused: false}\n"
	cluster := newCluster()
	inventory := applyAgain(t, cluster, text, nil, true)
	for _, object := range cluster.objects {
		object.Object["spec"] = map[string]any{"paused": true}
		object.SetGeneration(2)
	}
	applyAgain(t, cluster, text, inventory, true)
	for _, object := range cluster.objects {
		if paused, _, err := unstructured.NestedBool(object.Object, "spec", "paused"); err != nil || paused {
			t.Errorf("it is still what was edited: %v", object.Object["spec"])
		}
	}
}

// A revision that does not ask any more for an object to be kept counts once it has succeeded, not when it fails.
func policyToKeepCountsUntilApplied(t *testing.T) {
	t.Parallel()
	kept := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data, annotations: {sherpack.io/resource-policy: keep}}\n---\n"
	cluster := newCluster()
	first := mustPlan(t, kept, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	text := plantest.Object("v1", "ConfigMap", "data") + plantest.Hook("a", "pre-upgrade", "")
	cluster.outcomes["shop-a"] = exit3
	second := upgrade(t, text, first.Release.Inventory, nil)
	if _, _, err := run(t, cluster, second); err == nil {
		t.Fatal("no error")
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, removal(t, text, second.Release, plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(cluster.log, func(line string) bool { return strings.Contains(line, "ConfigMap/data") }) {
		t.Errorf("it did %v", cluster.log)
	}
	// Once it was applied without, it goes.
	delete(cluster.outcomes, "shop-a")
	third := upgrade(t, text, second.Release.Inventory, nil)
	if _, _, err := run(t, cluster, third); err != nil || third.Release.Inventory[0].Keep {
		t.Errorf("%v, %+v", err, third.Release.Inventory[0])
	}
}

// A hook that is deleted after one phase and made again at another stays on the inventory, so that it can be removed.
func aHookOfTwoPhasesStaysOnTheInventory(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	runs := 0
	cluster.outcomes["shop-a"] = func(ctx context.Context) (kube.HookOutcome, error) {
		runs++
		if runs == 1 {
			return kube.HookOutcome{Succeeded: true}, nil
		}
		return exit3(ctx)
	}
	kept, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "pre-install,post-install", policy("hook-succeeded")), plan.Options{}))
	if err == nil || runs != 2 {
		t.Fatalf("%d runs, %v", runs, err)
	}
	if len(kept.last.Inventory) != 1 || kept.last.Inventory[0].UID == "" {
		t.Errorf("inventory: %+v", kept.last.Inventory)
	}
}

// What is on its way out is not what the release has any more.
func whatIsBeingDeletedIsNotShown(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Object("v1", "ConfigMap", "a") + plantest.Object("v1", "ConfigMap", "b")
	first := mustPlan(t, strings.Replace(text, "{name: b}", "{name: b, annotations: {sherpack.io/resource-policy: keep}}", 1), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	planned := removal(t, text, first.Release, plan.Options{KeepHistory: true})
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, resource := range planned.Release.Shown(0).Status.Resources {
		got = append(got, resource.Name)
	}
	if diff := cmp.Diff([]string{"b"}, got); diff != "" {
		t.Errorf("shown are (-want +got):\n%s", diff)
	}
}

// What is only being deleted stays on the inventory of a release that is kept.
func uninstallWithoutWaitKeepsInventory(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{true, false} {
		t.Run(fmt.Sprint("wait ", wait), func(t *testing.T) {
			t.Parallel()
			text := plantest.Object("v1", "ConfigMap", "app")
			cluster := newCluster()
			first := mustPlan(t, text, plan.Options{})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			kept, _, err := run(t, cluster, removal(t, text, first.Release, plan.Options{KeepHistory: true, Wait: wait}))
			if err != nil || kept.dropped || kept.last.Status.Phase != release.Uninstalled {
				t.Fatalf("%v, dropped %v, %s", err, kept.dropped, kept.last.Status.Phase)
			}
			if left := len(kept.last.Inventory); (left == 0) != wait {
				t.Errorf("%d entries", left)
			}
		})
	}
}
