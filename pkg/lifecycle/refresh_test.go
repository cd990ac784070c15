package lifecycle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestRefresh(t *testing.T) {
	t.Parallel()
	t.Run("the owner of an object goes by its UID, then by its marks", ownerGoesByUIDThenMarks)
	t.Run("annotations that Helm has left do not count", annotationsThatHelmHasLeftDoNotCount)
	t.Run("objects of others are left alone", objectsOfOthersAreLeftAlone)
	t.Run("a replaced object that is spared stays on the inventory", sparedObjectStaysOnInventory)
	t.Run("changes during a hook are not overlooked", changesDuringAHookAreNotOverlooked)
	t.Run("an object that others replace is looked at again", anObjectThatOthersReplaceIsLookedAtAgain)
	t.Run("a restored object is applied though its manifest is the same", restoredObjectIsApplied)
	t.Run("what is being deleted is awaited", whatIsBeingDeletedIsAwaited)
}

// sequel is what comes after an installation of release shop in namespace web.
type sequel struct {
	operation release.Operation
	text      string
	// ended is the phase that the installation ended in, as far as the record goes.
	ended   release.Phase
	options plan.Options
	// failedTest says that a test of it has failed since.
	failedTest bool
}

// after runs what comes after an installation of a text, between which something happens to ConfigMap app. It returns what
// became of that: the log of the cluster, and what was said.
func (n sequel) after(t *testing.T, text string, happens func(*unstructured.Unstructured)) (log, said []string, r *release.Release, err error) {
	t.Helper()
	cluster := newCluster()
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	first.Release.Content.Manifest, first.Release.Status.Phase = text, n.ended
	if n.failedTest {
		first.Release.Status.Hooks = append(first.Release.Status.Hooks, release.Hook{Phase: "test", State: release.HookFailed})
	}
	happens(cluster.objects[kinds.Key{Kind: "ConfigMap", Namespace: "web", Name: "app"}])
	cluster.log = nil
	request := plan.Request{Release: first.Release, History: release.History{first.Release}, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes(), Options: n.options}
	planned, err := newWork(plan.Remove(request))
	if n.operation != release.OperationUninstall {
		request.Operation, request.Release, request.Previous = n.operation, release.New("shop", "web", 2), first.Release
		request.Nodes = plantest.Nodes(t, n.text)
		planned, err = newWork(plan.New(request))
	}
	if err != nil {
		t.Fatal(err)
	}
	_, events, err := run(t, cluster, planned)
	for _, event := range events {
		if event.Type == lifecycle.Warning || event.Type == lifecycle.ObjectApplied && event.Message != "" {
			said = append(said, strings.TrimSpace(fmt.Sprint(event.Type, " ", event.Message)))
		}
	}
	return cluster.log, said, planned.Release, err
}

// happening is what somebody does to an object of the release.
type happening func(*unstructured.Unstructured)

// ownershipCase is what happened to ConfigMap app, what comes next, and what that does and says.
type ownershipCase struct {
	happens   happening
	next      sequel
	want      string
	said, err string
}

// The UID on the inventory decides first, then the marks.
func ownerGoesByUIDThenMarks(t *testing.T) {
	t.Parallel()
	for name, test := range ownershipCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, said, _, err := test.next.after(t, plantest.Object("v1", "ConfigMap", "app"), test.happens)
			log = slices.DeleteFunc(log, func(line string) bool { return strings.HasSuffix(line, "/other") })
			if diff := cmp.Diff(test.want, strings.Join(log, "; ")); diff != "" {
				t.Error(diff)
			}
			if all := strings.Join(said, "; "); (test.said == "") != (all == "") || !strings.Contains(all, test.said) {
				t.Errorf("said %q, want %q", all, test.said)
			}
			var foreign *lifecycle.ForeignError
			if (test.err != "") != errors.As(err, &foreign) || err != nil && !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("got %v, want %q", err, test.err)
			}
		})
	}
}

func replace(object *unstructured.Unstructured) { object.SetUID("another") }

func setByPolicy(object *unstructured.Unstructured) {
	label(object, plan.LabelManagedBy, "policy")
}

func strip(object *unstructured.Unstructured) {
	object.SetLabels(nil)
	object.SetAnnotations(nil)
}

func giveToOther(object *unstructured.Unstructured) {
	annotate(object, plan.AnnotationRelease, "other")
}

func giveToNamesake(object *unstructured.Unstructured) {
	annotate(object, plan.AnnotationNamespace, "prod")
}

func giveToHelm(object *unstructured.Unstructured) {
	annotate(object, "meta.helm.sh/release-name", "x")
	annotate(object, "meta.helm.sh/release-namespace", "y")
}

func both(one, two happening) happening {
	return func(object *unstructured.Unstructured) {
		one(object)
		two(object)
	}
}

func ownershipCases() map[string]ownershipCase {
	const (
		applies   = "apply ConfigMap/app"
		deletes   = "delete ConfigMap/app Background"
		taken     = "object-applied it was replaced or restored and carries the labels of this release; it is adopted again"
		spared    = "warning ConfigMap/web/app carries the marks of this release, but is not the object that it made: it was replaced or restored; it is not deleted; to delete it, use --take-ownership"
		leftAlone = "; it is not deleted"
		unowned   = "ConfigMap/web/app already exists and is not part of any release"
		exists    = "ConfigMap/web/app already exists and belongs to "
	)
	changed := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {a: b}\n"
	upgrade := sequel{operation: release.OperationUpgrade, text: changed, ended: release.Deployed}
	prune := sequel{operation: release.OperationUpgrade, text: plantest.Object("v1", "ConfigMap", "other"), ended: release.Deployed}
	uninstall := sequel{operation: release.OperationUninstall, ended: release.Deployed}
	taking := func(s sequel) sequel { s.options.TakeOwnership = true; return s }
	failed := func(s sequel) sequel { s.ended = release.Failed; return s }
	tested := func(s sequel) sequel { s.failedTest = true; return s }
	return map[string]ownershipCase{
		"a policy has set a label: an apply":          {setByPolicy, upgrade, applies, "", ""},
		"a policy has set a label: prune":             {setByPolicy, prune, deletes, "", ""},
		"a policy has set a label: uninstall":         {setByPolicy, uninstall, deletes, "", ""},
		"all marks are gone: an apply":                {strip, upgrade, applies, "", ""},
		"all marks are gone: prune":                   {strip, prune, deletes, "", ""},
		"all marks are gone: uninstall":               {strip, uninstall, deletes, "", ""},
		"another release has taken it: an apply":      {giveToOther, upgrade, "", "", exists + "release web/other (its label "},
		"another release has taken it: prune":         {giveToOther, prune, "", exists + "release web/other (its label ", ""},
		"another release has taken it: uninstall":     {giveToOther, uninstall, "", exists + "release web/other (its label ", ""},
		"after a failure, too":                        {giveToOther, failed(uninstall), "", exists + "release web/other (its label ", ""},
		"its namesake elsewhere has it: an apply":     {giveToNamesake, upgrade, "", "", exists + "release prod/shop (its label "},
		"its namesake elsewhere has it: prune":        {giveToNamesake, prune, "", exists + "release prod/shop (its label ", ""},
		"its namesake elsewhere has it: uninstall":    {giveToNamesake, uninstall, "", exists + "release prod/shop (its label ", ""},
		"its namesake elsewhere made it: an apply":    {both(replace, giveToNamesake), upgrade, "", "", exists + "release prod/shop (its label "},
		"its namesake elsewhere made it: uninstall":   {both(replace, giveToNamesake), failed(uninstall), "", exists + "release prod/shop (its label ", ""},
		"Helm has taken it: an apply":                 {giveToHelm, upgrade, "", "", exists + "Helm release y/x (its label "},
		"Helm has taken it: uninstall":                {giveToHelm, uninstall, "", exists + "Helm release y/x (its label ", ""},
		"it was replaced: an apply":                   {replace, upgrade, applies, taken, ""},
		"it was replaced: prune":                      {replace, prune, "", spared, ""},
		"it was replaced: uninstall":                  {replace, uninstall, "", spared, ""},
		"it was replaced: prune that may":             {replace, taking(prune), deletes, "", ""},
		"it was replaced: uninstall that may":         {replace, taking(uninstall), deletes, "", ""},
		"it was replaced, but a run failed: apply":    {replace, failed(upgrade), applies, "", ""},
		"it was replaced, but a run failed: prune":    {replace, failed(prune), deletes, "", ""},
		"it was replaced, but a run failed: removal":  {replace, failed(uninstall), deletes, "", ""},
		"it was replaced, and a test failed: apply":   {replace, tested(upgrade), applies, taken, ""},
		"it was replaced, and a test failed: removal": {replace, tested(uninstall), "", spared, ""},
		"replaced, with a label of a policy: apply":   {both(replace, setByPolicy), upgrade, applies, taken, ""},
		"replaced, without marks: an apply":           {both(replace, strip), upgrade, "", "", unowned},
		"replaced, without marks: uninstall":          {both(replace, strip), uninstall, "", unowned + leftAlone, ""},
		"replaced, without marks: one that may":       {both(replace, strip), taking(uninstall), "", unowned + leftAlone, ""},
		"replaced, without marks: one that may, here": {both(replace, strip), taking(upgrade), "remember ConfigMap/app; take over ConfigMap/app; " + applies, "object-applied it belonged to no release", ""},
	}
}

// What was taken over from Helm may keep Helm's annotations, because another manager has set them: it is the release's all the
// same. Other ones say that Helm has taken it back.
func annotationsThatHelmHasLeftDoNotCount(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
	cluster := newCluster()
	cluster.admit = func(applied, before *unstructured.Unstructured) {
		if before != nil {
			annotate(applied, "meta.helm.sh/release-name", before.GetAnnotations()["meta.helm.sh/release-name"])
		}
	}
	put(cluster, map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{
		"name": "web", "namespace": "web", "annotations": map[string]any{"meta.helm.sh/release-name": "x"},
	}})
	first := mustPlan(t, text, plan.Options{TakeOwnership: true})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	applyAgain(t, cluster, text, first.Release.Inventory, false)
	for _, object := range cluster.objects {
		annotate(object, "meta.helm.sh/release-name", "z")
	}
	_, _, err := run(t, cluster, upgrade(t, text, first.Release.Inventory, nil))
	var foreign *lifecycle.ForeignError
	if !errors.As(err, &foreign) {
		t.Errorf("got %v", err)
	}
}

func objectsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		marks map[string]any
		want  string
	}{
		"another release's": {marks("other"), "Job/web/shop-a already exists and belongs to release web/other"},
		"Helm's":            {map[string]any{"meta.helm.sh/release-name": "x", "meta.helm.sh/release-namespace": "y"}, "Job/web/shop-a already exists and belongs to Helm release y/x"},
		"nobody's":          {map[string]any{}, `Job/web/shop-a already exists and belongs to "sherpack" (its label`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			put(cluster, job(test.marks, nil))
			kept, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "pre-install", "")+plantest.Object("v1", "ConfigMap", "app"), plan.Options{}))
			var foreign *lifecycle.ForeignError
			if !errors.As(err, &foreign) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if len(cluster.log) > 0 || len(kept.writes) > 0 {
				t.Errorf("something was written: %v %v", cluster.log, kept.writes)
			}
		})
	}
}

// What prune leaves because it is not the object that the release made stays on the inventory, so that it can still be
// removed by who says so.
func sparedObjectStaysOnInventory(t *testing.T) {
	t.Parallel()
	prune := sequel{operation: release.OperationUpgrade, text: plantest.Object("v1", "ConfigMap", "other"), ended: release.Deployed}
	for name, test := range map[string]struct {
		happens func(*unstructured.Unstructured)
		stays   bool
	}{
		"replaced":    {func(object *unstructured.Unstructured) { object.SetUID("another") }, true},
		"taken over":  {func(object *unstructured.Unstructured) { annotate(object, plan.AnnotationRelease, "other") }, false},
		"not changed": {func(*unstructured.Unstructured) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, r, err := prune.after(t, plantest.Object("v1", "ConfigMap", "app"), test.happens)
			if err != nil {
				t.Fatal(err)
			}
			stays := slices.ContainsFunc(r.Inventory, func(entry release.Entry) bool { return entry.Name == "app" })
			if stays != test.stays {
				t.Errorf("inventory: %+v", r.Inventory)
			}
		})
	}
}

func changesDuringAHookAreNotOverlooked(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("backup", "pre-upgrade", "") + plantest.Object("v1", "ConfigMap", "app")
	for name, test := range map[string]struct {
		happens func(cluster *cluster)
		want    []string
		err     string
	}{
		"nothing": {func(*cluster) {}, []string{"apply Job/shop-backup"}, ""},
		"an object is deleted": {func(cluster *cluster) {
			for key := range cluster.objects {
				if key.Name == "app" {
					delete(cluster.objects, key)
				}
			}
		}, []string{"apply Job/shop-backup", "apply ConfigMap/app"}, ""},
		"an object is being deleted": {func(cluster *cluster) {
			for key, object := range cluster.objects {
				if key.Name == "app" {
					object.Object["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
				}
			}
		}, []string{"apply Job/shop-backup", "await ConfigMap/app gone", "apply ConfigMap/app"}, ""},
		"somebody else's is in its place": {func(cluster *cluster) {
			for key, object := range cluster.objects {
				if key.Name == "app" {
					object.SetAnnotations(nil)
					object.SetUID("another")
				}
			}
		}, []string{"apply Job/shop-backup"}, "ConfigMap/web/app already exists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			first := mustPlan(t, text, plan.Options{SkipPhases: hook.Phases()})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			cluster.log = nil
			cluster.during("shop-backup", func() { test.happens(cluster) })
			_, _, err := run(t, cluster, upgrade(t, text, first.Release.Inventory, nil))
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("got %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What others delete or replace between the refresh and the write is looked at again.
func anObjectThatOthersReplaceIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "app")
	for name, test := range map[string]struct {
		change func(cluster *cluster, object *unstructured.Unstructured)
		err    bool
	}{
		"it is gone":               {func(cluster *cluster, object *unstructured.Unstructured) { delete(cluster.objects, key(object)) }, false},
		"another of ours is there": {func(_ *cluster, object *unstructured.Unstructured) { object.SetUID("other") }, false},
		"somebody else's is there": {func(_ *cluster, object *unstructured.Unstructured) {
			object.SetUID("other")
			object.SetLabels(nil)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			first := mustPlan(t, text, plan.Options{})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			cluster.meanwhile = func() {
				cluster.meanwhile = nil
				for _, object := range cluster.objects {
					test.change(cluster, object)
				}
			}
			next := upgrade(t, strings.Replace(text, "{name: app}", "{name: app, annotations: {a: b}}", 1), first.Release.Inventory, nil)
			_, _, err := run(t, cluster, next)
			var foreign *lifecycle.ForeignError
			if errors.As(err, &foreign) != test.err || !test.err && err != nil {
				t.Fatalf("the error is %v", err)
			}
			for _, object := range cluster.objects {
				if changed := object.GetAnnotations()["a"] == "b"; changed == test.err {
					t.Errorf("the object is %v", object.Object)
				}
			}
		})
	}
}

// What was deleted and restored from a backup is what the manifest says after an upgrade, although that has not changed.
func restoredObjectIsApplied(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {paused: false}\n"
	s := newStory()
	s.must(t, s.plan(t, release.OperationInstall, text, plan.Options{}))
	for _, object := range s.cluster.objects {
		// It carries the marks, and its generation is that of any new object.
		replace(object)
		object.Object["spec"] = map[string]any{"paused": true}
	}
	s.must(t, s.plan(t, release.OperationUpgrade, text, plan.Options{}))
	for _, object := range s.cluster.objects {
		if paused, _, err := unstructured.NestedBool(object.Object, "spec", "paused"); err != nil || paused {
			t.Errorf("it is still what was restored: %v", object.Object["spec"])
		}
	}
}

func whatIsBeingDeletedIsAwaited(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	leaving := job(map[string]any{}, nil)
	leaving["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	put(cluster, leaving)
	if _, _, err := run(t, cluster, mustPlan(t, plantest.Hook("a", "pre-install", ""), plan.Options{})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"await Job/shop-a gone", "apply Job/shop-a"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}
