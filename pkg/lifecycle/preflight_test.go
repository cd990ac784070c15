package lifecycle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	sherpack "github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

var errRefused = errors.New("refused")

func TestWhatIsTriedBeforehand(t *testing.T) {
	t.Parallel()
	app, before, after := object("v1", "ConfigMap", "app"), hook("a", "pre-install,pre-upgrade", ""), hook("b", "post-install,post-upgrade", "")
	for name, test := range map[string]struct {
		installed, text string
		options         plan.Options
		want            []string
	}{
		"an installation without hooks":                      {text: app},
		"hooks alone, where none comes before the work":      {text: app + after, want: []string{"try Job/shop-b"}},
		"everything, where a hook comes before the work":     {text: app + before + after, want: []string{"try Job/shop-a", "try ConfigMap/app", "try Job/shop-b"}},
		"not what is skipped":                                {text: app + before + after, options: plan.Options{SkipPhases: sherpack.Phases()}},
		"what changes, what goes, and not what stays":        {installed: app + object("v1", "Secret", "old"), text: app + object("v1", "Secret", "new"), want: []string{"try Secret/new", "try to delete Secret/old"}},
		"a finished hook that is replaced, and its deletion": {installed: before, text: before, want: []string{"try anew Job/shop-a", "try to delete Job/shop-a"}},
		"not the deletion of a Namespace":                    {installed: object("v1", "Namespace", "apart"), text: app, want: []string{"try ConfigMap/app"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			planned := mustPlan(t, test.text, test.options)
			if test.installed != "" {
				first := mustPlan(t, test.installed, plan.Options{})
				if _, _, err := run(t, cluster, first); err != nil {
					t.Fatal(err)
				}
				cluster.tried = nil
				planned = upgrade(t, test.text, first.Release.Inventory, nil)
			}
			if _, _, err := run(t, cluster, planned); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, cluster.tried); diff != "" {
				t.Errorf("tried (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllProblemsAreReportedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, object("v1", "ConfigMap", "old"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	cluster.checkErr = map[string]error{"shop-a": errRefused, "app": errRefused, "old": errRefused}
	kept, _, err := run(t, cluster, upgrade(t, object("v1", "ConfigMap", "app")+hook("a", "post-upgrade", ""), first.Release.Inventory, nil))
	var refused *lifecycle.PreflightError
	if !errors.As(err, &refused) || len(refused.Problems) != 3 || !errors.Is(err, errRefused) || refused.Begun {
		t.Fatalf("the error is %v", err)
	}
	if !strings.HasPrefix(err.Error(), "3 problems:\n  - refused\n") || !strings.HasSuffix(err.Error(), "\nNothing was changed.") {
		t.Errorf("it says %s", err)
	}
	if len(kept.writes)+len(cluster.log) > 0 {
		t.Errorf("it wrote %v and did %v", kept.writes, cluster.log)
	}
}

// What belongs to others is one problem among all others, and is not tried itself.
func TestObjectsOfOthersAreReportedWithAllElse(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	cluster.checkErr["shop-a"] = errRefused
	text := object("v1", "ConfigMap", "theirs") + object("v1", "ConfigMap", "ours") + hook("a", "pre-install", "")
	_, _, err := run(t, cluster, mustPlan(t, text, plan.Options{}))
	var refused *lifecycle.PreflightError
	var foreign *lifecycle.ForeignError
	if !errors.As(err, &refused) || len(refused.Problems) != 2 || !errors.As(err, &foreign) || !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"try Job/shop-a", "try ConfigMap/ours"}, cluster.tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
}

// What needs a Namespace or a definition of the pack is tried when that is there, before the first hook.
func TestWhatRestsOnTheFirstStepIsTriedAfterIt(t *testing.T) {
	t.Parallel()
	text := object("v1", "Namespace", "apart") + strings.Replace(object("v1", "ConfigMap", "app"), "{name: app}", "{name: app, namespace: apart}", 1) +
		object("v1", "Secret", "here") + hook("a", "pre-install", "")
	cluster := newCluster()
	planned := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"try Namespace/apart", "try Job/shop-a", "try Secret/here", "try ConfigMap/app"}, cluster.tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	cluster = newCluster()
	cluster.checkErr["app"] = errRefused
	kept, _, err := run(t, cluster, mustPlan(t, text, plan.Options{}))
	var refused *lifecycle.PreflightError
	if !errors.As(err, &refused) || !refused.Begun || strings.Contains(err.Error(), "Nothing was changed") {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"apply Namespace/apart"}, cluster.log); diff != "" || kept.last.Status.Phase != release.Failed {
		t.Errorf("%s, then (-want +got):\n%s", kept.last.Status.Phase, diff)
	}
}

// A definition that comes with the templates comes too late for what is of its kind to be tried.
func TestWhatCannotBeTriedIsNamed(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	definition := `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Thing}}
---
`
	decoded, err := manifest.Decode("templates/a.yaml", []byte(definition+object("example.com/v1", "Thing", "one")+hook("a", "pre-install", "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := scopes()
	known[schema.GroupKind{Group: "example.com", Kind: "Thing"}] = true
	planned, err := newWork(plan.New(plan.Request{
		Operation: release.OperationInstall, Release: release.New("shop", "web", 1), Nodes: decoded, Scopes: known,
	}))
	if err != nil {
		t.Fatal(err)
	}
	_, events, err := run(t, cluster, planned)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"try Job/shop-a", "try CustomResourceDefinition/things.example.com"}, cluster.tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	skipped := slices.IndexFunc(events, func(event lifecycle.Event) bool { return event.Type == lifecycle.PreflightSkipped })
	if skipped < 0 || events[skipped].Object.Kind != "Thing" || events[skipped].Message == "" {
		t.Errorf("events %+v", events)
	}
}

func TestWhatMayBeMadeAnewIsTriedAnew(t *testing.T) {
	t.Parallel()
	text := object("v1", "ConfigMap", "app")
	for name, test := range map[string]struct {
		options plan.Options
		want    []string
	}{
		"with --recreate-immutable": {plan.Options{RecreateImmutable: true}, []string{"try ConfigMap/app", "try anew ConfigMap/app"}},
		"without":                   {plan.Options{}, []string{"try ConfigMap/app"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			first := mustPlan(t, text, plan.Options{})
			if _, _, err := run(t, cluster, first); err != nil {
				t.Fatal(err)
			}
			cluster.frozen = []string{"app"}
			next := upgrade(t, strings.Replace(text, "{name: app}", "{name: app, labels: {a: b}}", 1), first.Release.Inventory, nil)
			next.Options = test.options
			_, _, err := run(t, cluster, next)
			var immutable *refusal.ImmutableError
			if errors.As(err, &immutable) == test.options.RecreateImmutable {
				t.Errorf("the error is %v", err)
			}
			if diff := cmp.Diff(test.want, cluster.tried); diff != "" {
				t.Errorf("tried (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheHooksOfTheWayBackAreTried(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	deployed := revision(t, 1, release.Deployed, object("v1", "ConfigMap", "app")+hook("a", "post-rollback", ""))
	planned := mustPlan(t, object("v1", "ConfigMap", "app")+hook("b", "pre-rollback", ""), plan.Options{})
	request := plan.Rollback(deployed, planned.Release, release.History{deployed}, plan.Options{})
	request.Nodes, request.Scopes = nodes(t, object("v1", "ConfigMap", "app")+hook("a", "post-rollback", "")), scopes()
	request.Left = nodes(t, object("v1", "ConfigMap", "app")+hook("b", "pre-rollback", ""))
	var err error
	if planned.Undo, err = plan.UndoHooks(request); err != nil {
		t.Fatal(err)
	}
	cluster.checkErr["shop-a"] = errRefused
	if _, _, err := run(t, cluster, planned); !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"try Job/shop-b", "try Job/shop-a"}, cluster.tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
}

func TestAPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, object("v1", "ConfigMap", "app")+object("v1", "Secret", "old")+hook("a", "post-install,post-upgrade", ""), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	next := upgrade(t, object("v1", "ConfigMap", "app")+object("v1", "Secret", "new")+hook("a", "post-install,post-upgrade", ""), first.Release.Inventory, nil)
	preview, err := lifecycle.Runner{Cluster: cluster, Now: time.Now}.Preview(t.Context(), next.Plan)
	if err != nil {
		t.Fatal(err)
	}
	effects := map[string]string{}
	for i := range next.Steps {
		for _, entry := range next.Release.Inventory {
			if effect := preview.Effect(i, entry.Reference()); effect != "not there" {
				effects[entry.Kind+"/"+entry.Name] = effect
			}
		}
	}
	want := map[string]string{"ConfigMap/app": "unchanged", "Secret/old": "deleted", "Secret/new": "created", "Job/shop-a": "replaced"}
	if diff := cmp.Diff(want, effects); diff != "" || len(cluster.log) > 0 {
		t.Errorf("it did %v; effects (-want +got):\n%s", cluster.log, diff)
	}
	cluster.checkErr["new"] = errRefused
	if _, err := (lifecycle.Runner{Cluster: cluster, Now: time.Now}).Preview(t.Context(), next.Plan); !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
}

// What others delete or replace between the look and the write is looked at again.
func TestAnObjectThatOthersReplaceIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	text := object("v1", "ConfigMap", "app")
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

func TestWhatBelongsToOthersIsAdopted(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	text := object("v1", "ConfigMap", "theirs") + object("v1", "ConfigMap", "ours") + hook("a", "post-install", "")
	if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{})); err == nil {
		t.Fatal("it was taken over unasked")
	}
	cluster.log, cluster.outcomes["shop-a"] = nil, exit3
	planned := mustPlan(t, text, plan.Options{TakeOwnership: true})
	if _, _, err := run(t, cluster, planned); err == nil {
		t.Fatal("the hook succeeded")
	}
	if diff := cmp.Diff([]string{"remember ConfigMap/theirs", "take over ConfigMap/theirs", "apply ConfigMap/ours", "apply ConfigMap/theirs", "apply Job/shop-a"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	back, err := undoOf(planned, plan.Request{})
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"give back ConfigMap/theirs", "delete Job/shop-a Foreground", "delete ConfigMap/ours Background"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// The way back of an upgrade gives back what that took over, and the release does not own it any more.
func TestTheWayBackOfAnUpgradeDisownsWhatItTakenFrom(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, object("v1", "ConfigMap", "ours"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	next := upgrade(t, object("v1", "ConfigMap", "ours")+object("v1", "ConfigMap", "theirs")+hook("a", "post-upgrade", ""), first.Release.Inventory, nil)
	next.Options.TakeOwnership = true
	cluster.outcomes["shop-a"] = exit3
	back := takenBack(t, cluster, next, func() plan.Request {
		request := plan.Rollback(first.Release, next.Release, release.History{first.Release, next.Release}, plan.Options{})
		request.Nodes, request.Left, request.Scopes = nodes(t, object("v1", "ConfigMap", "ours")), nil, scopes()
		return request
	})
	if diff := cmp.Diff([]string{"give back ConfigMap/theirs", "delete Job/shop-a Foreground"}, cluster.log); diff != "" {
		t.Error(diff)
	}
	for _, entry := range back.Release.Inventory {
		if entry.Name == "theirs" {
			t.Errorf("it is still on the inventory: %+v", entry)
		}
	}
}
