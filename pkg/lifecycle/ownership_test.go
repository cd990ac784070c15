package lifecycle_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

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

// annotate and label change what an object carries; an empty value removes it.
func annotate(object *unstructured.Unstructured, key, value string) {
	object.SetAnnotations(with(object.GetAnnotations(), key, value))
}

func label(object *unstructured.Unstructured, key, value string) {
	object.SetLabels(with(object.GetLabels(), key, value))
}

func with(values map[string]string, key, value string) map[string]string {
	values = maps.Clone(values)
	if values[key] = value; value == "" {
		delete(values, key)
	}
	return values
}

// happening is what somebody does to an object of the release.
type happening func(*unstructured.Unstructured)

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

// ownershipCase is what happened to ConfigMap app, what comes next, and what that does and says.
type ownershipCase struct {
	happens   happening
	next      sequel
	want      string
	said, err string
}

func ownershipCases() map[string]ownershipCase {
	const (
		applies   = "apply ConfigMap/app"
		deletes   = "delete ConfigMap/app Background"
		taken     = "object-applied it was replaced or restored since the release has made it, and carries its marks; the release takes it again"
		spared    = "warning ConfigMap/web/app carries the marks of this release, but is not the object that it made: it was replaced or restored; it is left alone, to delete it use --take-ownership"
		leftAlone = "; it is left alone"
		exists    = "ConfigMap/web/app exists already and belongs to "
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
		"replaced, without marks: an apply":           {both(replace, strip), upgrade, "", "", exists + "no release"},
		"replaced, without marks: uninstall":          {both(replace, strip), uninstall, "", exists + "no release" + leftAlone, ""},
		"replaced, without marks: one that may":       {both(replace, strip), taking(uninstall), "", exists + "no release" + leftAlone, ""},
		"replaced, without marks: one that may, here": {both(replace, strip), taking(upgrade), "remember ConfigMap/app; take over ConfigMap/app; " + applies, "object-applied it belonged to no release", ""},
	}
}

// The UID on the inventory decides first, then the marks.
func TestWhoseAnObjectIs(t *testing.T) {
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

// What was taken over from Helm may keep Helm's annotations, because another manager has set them: it is the release's all the
// same. Other ones say that Helm has taken it back.
func TestAnnotationsThatHelmHasLeftDoNotCount(t *testing.T) {
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

// Whoever may change an object can change its annotations, and must not decide with that what is deleted.
func TestAnnotationsOfALiveObjectDoNotDecideAboutDeletingIt(t *testing.T) {
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
			back, err := undoOf(failing, plantest.Rollback(t, first.Release, failing.Release))
			if err != nil {
				t.Fatal(err)
			}
			if back != nil {
				_, _, _ = run(t, cluster, back)
			}
			if len(cluster.log) > 0 {
				t.Errorf("it did %v", cluster.log)
			}
		})
	}
}

// A hook that has become a regular resource was made as a hook, also where nothing on it says so any more.
func TestAHookThatBecameRegularIsMadeAnewByTheInventory(t *testing.T) {
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

// What prune leaves because it is not the object that the release made stays on the inventory, so that it can still be
// removed by who says so.
func TestWhatIsSparedStaysOnTheInventory(t *testing.T) {
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

// The owner of an object is somebody's text: it stands on one line, whatever is in it.
func TestTheOwnersNameIsQuoted(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{
		"name": "app", "namespace": "web", "annotations": map[string]any{
			plan.AnnotationRelease: "a\nwarning: all is well", plan.AnnotationNamespace: strings.Repeat("x", 300),
		},
	}})
	_, _, err := run(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{}))
	if err == nil || strings.Contains(err.Error(), "\nwarning") || len(err.Error()) > 500 || !strings.Contains(err.Error(), `/"a\nwarning: all is well" (`) {
		t.Errorf("got %v", err)
	}
}

// What an uninstallation cannot delete stays on the record, and so does what comes after it. What is others' or is kept does
// not: it leaves the record where all else is gone.
func TestWhatCannotBeDeletedStaysOnTheRecord(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "theirs") + plantest.Object("v1", "ConfigMap", "refused") + plantest.Object("v1", "ServiceAccount", "later") +
		plantest.Object("apps/v1", "Deployment", "before") + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {sherpack.io/resource-policy: keep}}\n"
	cluster := newCluster()
	first := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	annotate(cluster.objects[kinds.Key{Kind: "ConfigMap", Namespace: "web", Name: "theirs"}], plan.AnnotationRelease, "other")
	cluster.deleteErr = map[string]error{"refused": errors.New("delete ConfigMap/web/refused: no")}
	first.Release.Status.Phase = release.Deployed
	failed := removal(t, text, first.Release, plan.Options{Wait: true})
	kept, _, err := run(t, cluster, failed)
	if err == nil || kept.dropped || kept.last.Status.Phase != release.Failed {
		t.Fatalf("%v, dropped %v, %s", err, kept.dropped, kept.last.Status.Phase)
	}
	var names []string
	for _, entry := range failed.Release.Inventory {
		names = append(names, entry.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"kept", "later", "refused"}, names); diff != "" {
		t.Error(diff)
	}
	cluster.deleteErr = nil
	kept, events, err := run(t, cluster, removal(t, text, failed.Release, plan.Options{Wait: true}))
	if err != nil || !kept.dropped {
		t.Fatalf("%v, dropped %v", err, kept.dropped)
	}
	var said []string
	for _, event := range events {
		if event.Type == lifecycle.ObjectKept || event.Type == lifecycle.ObjectDeleted {
			said = append(said, event.Object.Name+" "+event.Result)
		}
	}
	if diff := cmp.Diff([]string{"refused deleted", "later deleted", "kept kept"}, said); diff != "" {
		t.Error(diff)
	}
}

// What was deleted and restored from a backup is what the manifest says after an upgrade, although that has not changed.
func TestWhatWasMadeAnewIsAppliedAlthoughTheManifestIsTheSame(t *testing.T) {
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
