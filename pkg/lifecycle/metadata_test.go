package lifecycle_test

import (
	"encoding/json"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// What somebody changes about labels and annotations does not raise the generation of an object. It is noticed all the same
// where that is not what the answer to the last apply carried.
func TestChangedLabelsAndAnnotationsAreNoticed(t *testing.T) {
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
func TestWhatAControllerKeepsUpToDateIsNoChange(t *testing.T) {
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
func TestRecordsWithoutMetadataAreRead(t *testing.T) {
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
func TestWhatSomebodyHasEditedIsAppliedAlthoughTheManifestIsTheSame(t *testing.T) {
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
