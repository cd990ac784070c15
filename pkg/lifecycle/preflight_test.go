package lifecycle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	t.Run("what is submitted beforehand", whatIsSubmitted)
	t.Run("all problems are reported before anything is written", allProblemsAreReportedBeforeAnythingIsWritten)
	t.Run("objects of others are reported with all else", objectsOfOthersAreReportedWithAllElse)
	t.Run("what rests on the first step is submitted after it", dependentsOfFirstStepArePostponed)
	t.Run("what cannot be submitted is named", whatCannotBeSubmittedIsNamed)
	t.Run("what may be recreated is submitted as new", whatMayBeRecreatedIsSubmittedAsNew)
	t.Run("hooks of the undo are submitted", hooksOfTheUndoAreSubmitted)
	t.Run("hooks of later commands are submitted, too", hooksOfLaterCommandsAreSubmittedToo)
	t.Run("what hooks of later commands are refused for", whatHooksOfLaterCommandsAreRefusedFor)
	t.Run("a name in use is a warning for a later hook", aNameInUseIsAWarningForALaterHook)
	t.Run("hooks of one name are all submitted", hooksOfOneNameAreAllSubmitted)
	t.Run("missing dependencies of a hook are refused", missingDependenciesOfAHookAreRefused)
	t.Run("a Pod hook that never ends is hinted at", aPodHookThatNeverEndsIsHintedAt)
}

func whatIsSubmitted(t *testing.T) {
	t.Parallel()
	app, before, after := plantest.Object("v1", "ConfigMap", "app"), plantest.Hook("a", "pre-install,pre-upgrade", ""), plantest.Hook("b", "post-install,post-upgrade", "")
	for name, test := range map[string]struct {
		installed, text string
		options         plan.Options
		want            []string
	}{
		"an installation without hooks":                      {text: app},
		"hooks alone, where none comes before the work":      {text: app + after, want: []string{"dry-run Job/shop-b"}},
		"everything, where a hook comes before the work":     {text: app + before + after, want: []string{"dry-run Job/shop-a", "dry-run ConfigMap/app", "dry-run Job/shop-b"}},
		"not what is skipped":                                {text: app + before + after, options: plan.Options{SkipPhases: hook.Phases()}},
		"what changes, what goes, and not what stays":        {installed: app + plantest.Object("v1", "Secret", "old"), text: app + plantest.Object("v1", "Secret", "new"), want: []string{"dry-run Secret/new", "dry-run delete Secret/old"}},
		"a finished hook that is replaced, and its deletion": {installed: before, text: before, want: []string{"dry-run as new Job/shop-a", "dry-run delete Job/shop-a"}},
		"not the deletion of a Namespace":                    {installed: plantest.Object("v1", "Namespace", "apart"), text: app, want: []string{"dry-run ConfigMap/app"}},
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
				cluster.dryRuns = nil
				planned = upgrade(t, test.text, first.Release.Inventory, nil)
			}
			if _, _, err := run(t, cluster, planned); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, cluster.dryRuns); diff != "" {
				t.Errorf("submitted (-want +got):\n%s", diff)
			}
		})
	}
}

var errRefused = errors.New("refused")

func allProblemsAreReportedBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, plantest.Object("v1", "ConfigMap", "old"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	cluster.checkErr = map[string]error{"shop-a": errRefused, "app": errRefused, "old": errRefused}
	kept, _, err := run(t, cluster, upgrade(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("a", "post-upgrade", ""), first.Release.Inventory, nil))
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

// What belongs to others is one problem among all others, and is not submitted itself.
func objectsOfOthersAreReportedWithAllElse(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	put(cluster, map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "theirs", "namespace": "web"}})
	cluster.checkErr["shop-a"] = errRefused
	text := plantest.Object("v1", "ConfigMap", "theirs") + plantest.Object("v1", "ConfigMap", "ours") + plantest.Hook("a", "pre-install", "")
	_, _, err := run(t, cluster, mustPlan(t, text, plan.Options{}))
	var refused *lifecycle.PreflightError
	var foreign *lifecycle.ForeignError
	if !errors.As(err, &refused) || len(refused.Problems) != 2 || !errors.As(err, &foreign) || !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"dry-run Job/shop-a", "dry-run ConfigMap/ours"}, cluster.dryRuns); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
	}
}

// What needs a Namespace or a CRD of the pack is submitted when that is there, before the first hook.
func dependentsOfFirstStepArePostponed(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "Namespace", "apart") + strings.Replace(plantest.Object("v1", "ConfigMap", "app"), "{name: app}", "{name: app, namespace: apart}", 1) +
		plantest.Object("v1", "Secret", "here") + plantest.Hook("a", "pre-install", "")
	cluster := newCluster()
	planned := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dry-run Namespace/apart", "dry-run Job/shop-a", "dry-run Secret/here", "dry-run ConfigMap/app"}, cluster.dryRuns); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
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

// A CRD that comes with the templates comes too late for objects of its kind to be submitted.
func whatCannotBeSubmittedIsNamed(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	definition := `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Thing}}
---
`
	decoded, err := manifest.Decode("templates/a.yaml", []byte(definition+plantest.Object("example.com/v1", "Thing", "one")+plantest.Hook("a", "pre-install", "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := plantest.Scopes()
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
	if diff := cmp.Diff([]string{"dry-run Job/shop-a", "dry-run CustomResourceDefinition/things.example.com"}, cluster.dryRuns); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
	}
	skipped := slices.IndexFunc(events, func(event lifecycle.Event) bool { return event.Type == lifecycle.PreflightSkipped })
	if skipped < 0 || events[skipped].Object.Kind != "Thing" || events[skipped].Message == "" {
		t.Errorf("events %+v", events)
	}
}

func whatMayBeRecreatedIsSubmittedAsNew(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "app")
	for name, test := range map[string]struct {
		options plan.Options
		want    []string
	}{
		"with --recreate-immutable": {plan.Options{RecreateImmutable: true}, []string{"dry-run ConfigMap/app", "dry-run as new ConfigMap/app"}},
		"without":                   {plan.Options{}, []string{"dry-run ConfigMap/app"}},
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
			if diff := cmp.Diff(test.want, cluster.dryRuns); diff != "" {
				t.Errorf("submitted (-want +got):\n%s", diff)
			}
		})
	}
}

func hooksOfTheUndoAreSubmitted(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	deployed := plantest.Revision(t, 1, release.Deployed, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("a", "post-rollback", ""))
	planned := mustPlan(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("b", "pre-rollback", ""), plan.Options{})
	request := plan.Rollback(deployed, planned.Release, release.History{deployed}, plan.Options{})
	request.Nodes, request.Scopes = plantest.Nodes(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("a", "post-rollback", "")), plantest.Scopes()
	request.Left = plantest.Nodes(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("b", "pre-rollback", ""))
	var err error
	if planned.Undo, err = plan.UndoHooks(request); err != nil {
		t.Fatal(err)
	}
	cluster.checkErr["shop-a"] = errRefused
	if _, _, err := run(t, cluster, planned); !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]string{"dry-run Job/shop-b", "dry-run Job/shop-a"}, cluster.dryRuns); diff != "" {
		t.Errorf("submitted (-want +got):\n%s", diff)
	}
}

// Hooks that other commands run are submitted with those of this one, each once.
func hooksOfLaterCommandsAreSubmittedToo(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-install,pre-upgrade,pre-delete", "") + plantest.Hook("test", "test", "") + plantest.Hook("gone", "post-delete,test", "") +
		plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("back", "post-rollback", "")
	all := []string{"dry-run Job/shop-a", "dry-run ConfigMap/app", "dry-run Job/shop-back", "dry-run Job/shop-gone", "dry-run Job/shop-test"}
	for name, test := range map[string]struct {
		skip []hook.Phase
		want []string
	}{
		"all":                {want: all},
		"but skipped phases": {skip: []hook.Phase{hook.PostDelete, hook.PostRollback}, want: []string{all[0], all[1], all[3], all[4]}},
		"none with no hooks": {skip: hook.Phases()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{SkipPhases: test.skip})); err != nil {
				t.Fatal(err)
			}
			slices.Sort(cluster.dryRuns)
			want := slices.Sorted(slices.Values(test.want))
			if diff := cmp.Diff(want, cluster.dryRuns); diff != "" {
				t.Errorf("submitted (-want +got):\n%s", diff)
			}
		})
	}
	if planned := upgrade(t, text, nil, nil); len(planned.Later) != 6 {
		t.Errorf("an upgrade tries %d later hooks", len(planned.Later))
	}
}

// attempt is what the API server says to who would give rights away that they do not have.
const attempt = `user "dev" (groups=["a"]) is attempting to grant RBAC permissions not currently held:`

// What a hook of a later command is refused for counts where it will still be so then.
func whatHooksOfLaterCommandsAreRefusedFor(t *testing.T) {
	t.Parallel()
	forbidden := func(text string) error {
		return apierrors.NewForbidden(schema.GroupResource{Group: "batch", Resource: "jobs"}, "shop-leave", errors.New(text))
	}
	for name, test := range map[string]struct {
		err     error
		refused bool
	}{
		"unknown fields":       {err: &refusal.InvalidFieldsError{Problems: []refusal.FieldProblem{{Field: "spec.x", Message: "unknown field"}}}, refused: true},
		"a missing right":      {err: forbidden(`User "dev" cannot create resource "jobs" in API group "batch" in the namespace "web"`), refused: true},
		"a right to give":      {err: forbidden(attempt), refused: true},
		"a quota":              {err: forbidden("exceeded quota: q")},
		"a webhook":            {err: errRefused},
		"a value that is none": {err: apierrors.NewInvalid(schema.GroupKind{Kind: "Job"}, "shop-leave", nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			cluster.checkErr["shop-leave"] = test.err
			kept, events, err := run(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("leave", "pre-delete", ""), plan.Options{}))
			var refused *lifecycle.PreflightError
			if errors.As(err, &refused) != test.refused || !test.refused && err != nil {
				t.Fatalf("the error is %v", err)
			}
			if test.refused {
				if !errors.Is(err, test.err) || len(kept.writes)+len(cluster.log) > 0 {
					t.Errorf("error %v; it wrote %v and did %v", err, kept.writes, cluster.log)
				}
				return
			}
			if got := warnings(events); len(got) != 1 || !strings.HasPrefix(got[0], "a hook of the phase pre-delete would be refused now: ") || !strings.Contains(got[0], test.err.Error()) {
				t.Errorf("it warns %q", got)
			}
		})
	}
}

// What has the name of a hook of a later command is not in the way now: what an earlier run left is replaced by then, and what
// is somebody else's may be gone. The rights are checked all the same.
func aNameInUseIsAWarningForALaterHook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mine bool
		want []string
	}{
		"left by an earlier run": {mine: true},
		"somebody else's": {want: []string{
			"a hook of the phase test would be refused now: templates/a.yaml:1: Job/web/shop-check already exists and is not part of any release",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			planned := mustPlan(t, plantest.Hook("check", "test", ""), plan.Options{})
			left := planned.Later[0].Object.DeepCopy()
			if !test.mine {
				left.SetLabels(nil)
				left.SetAnnotations(nil)
			}
			cluster.put(left)
			_, events, err := run(t, cluster, planned)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"dry-run as new Job/shop-check"}, cluster.dryRuns); diff != "" {
				t.Errorf("submitted (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, warnings(events)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// Hooks of several phases may share a name and differ in all else: each is submitted.
func hooksOfOneNameAreAllSubmitted(t *testing.T) {
	t.Parallel()
	bind := func(phase, to string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {sherpack.io/hook: " + phase + "}}\ndata: {to: " + to + "}\n---\n"
	}
	for name, test := range map[string]struct{ text, where string }{
		"by another command": {bind("pre-install", "mine") + bind("pre-delete", "all"), "a hook of the phase pre-delete would be refused now: "},
		"by this one":        {bind("pre-install", "mine") + bind("post-install", "all"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "x", errors.New(attempt))
			cluster.checkRule = func(object *unstructured.Unstructured) error {
				if to, _, _ := unstructured.NestedString(object.Object, "data", "to"); to == "all" {
					return forbidden
				}
				return nil
			}
			_, _, err := run(t, cluster, mustPlan(t, test.text, plan.Options{}))
			if !errors.Is(err, forbidden) || !strings.HasPrefix(err.Error(), test.where+"templates/a.yaml:") {
				t.Errorf("the error is %v", err)
			}
			if len(cluster.log) > 0 {
				t.Errorf("it did %v", cluster.log)
			}
		})
	}
}

func missingDependenciesOfAHookAreRefused(t *testing.T) {
	t.Parallel()
	job := func(phases string) string {
		return "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: shop-clean\n  annotations: {sherpack.io/hook: '" + phases + "'}\n" +
			"spec: {template: {spec: {serviceAccountName: cleaner}}}\n---\n"
	}
	reads := func(env string) string {
		return "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: shop-clean\n  annotations: {sherpack.io/hook: 'post-delete'}\n" +
			"spec: {template: {spec: {containers: [{name: a, env: [{name: A, valueFrom: {" + env + "}}]}]}}}\n---\n"
	}
	mounts := func(volume string) string {
		return "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: shop-clean\n  annotations: {sherpack.io/hook: 'post-delete'}\n" +
			"spec: {template: {spec: {volumes: [{name: v, " + volume + "}], containers: [{name: a}]}}}\n---\n"
	}
	secret := plantest.Object("v1", "Secret", "cleaner")
	account := plantest.Object("v1", "ServiceAccount", "cleaner")
	asHook := "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: cleaner\n  annotations: {sherpack.io/hook: 'pre-delete,post-delete'}\n---\n"
	for name, test := range map[string]struct {
		text    string
		options plan.Options
		// refused is what the hook needs; "" for nothing that goes before it.
		refused string
	}{
		"a regular account":                  {text: account + job("post-delete"), refused: "ServiceAccount"},
		"of a hook that runs before it, too": {text: account + job("pre-delete,post-delete"), refused: "ServiceAccount"},
		"of a hook that runs before it only": {text: account + job("pre-delete")},
		"a hook that is skipped":             {text: account + job("post-delete"), options: plan.Options{SkipPhases: []hook.Phase{hook.PostDelete}}},
		"a Secret":                           {text: secret + reads("secretKeyRef: {name: cleaner, key: a}"), refused: "Secret"},
		"a Secret that a volume needs":       {text: secret + mounts("rbd: {secretRef: {name: cleaner}}"), refused: "Secret"},
		"a Secret that may be missing":       {text: secret + reads("secretKeyRef: {name: cleaner, key: a, optional: true}")},
		"a Secret of somebody else's":        {text: secret + reads("secretKeyRef: {name: other, key: a}")},
		"an account that is a hook":          {text: asHook + job("post-delete")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			r := installed(t, cluster, test.text)
			cluster.log = nil
			_, _, err := run(t, cluster, removal(t, test.text, r, test.options))
			var refused *lifecycle.PreflightError
			if errors.As(err, &refused) != (test.refused != "") || err != nil && !strings.Contains(err.Error(), test.refused+"/cleaner is deleted before") {
				t.Errorf("got %v", err)
			}
			if test.refused != "" && len(cluster.log) > 0 {
				t.Errorf("something was done: %v", cluster.log)
			}
		})
	}
}

// installed is a release whose objects are on the cluster.
func installed(t *testing.T, c *cluster, text string) *release.Release {
	t.Helper()
	planned := mustPlan(t, text, plan.Options{})
	if _, _, err := run(t, c, planned); err != nil {
		t.Fatal(err)
	}
	return planned.Release
}

// A Pod that is started again and again never ends: who waits for it is told beforehand, and when the time is over.
func aPodHookThatNeverEndsIsHintedAt(t *testing.T) {
	t.Parallel()
	const hint = "its restartPolicy is Always, so it never ends: set it to Never or OnFailure, or say with sherpack.io/ready-when when it is done"
	spec := func(text, spec string) string { return strings.Replace(text, "restartPolicy: Never", spec, 1) }
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"by default":                 {spec(pod("n", "pre-install", ""), ""), true},
		"Always":                     {spec(pod("n", "pre-install", ""), "restartPolicy: Always"), true},
		"Never":                      {spec(pod("n", "pre-install", ""), "restartPolicy: Never"), false},
		"OnFailure":                  {spec(pod("n", "pre-install", ""), "restartPolicy: OnFailure"), false},
		"with a condition":           {spec(pod("n", "pre-install", "    sherpack.io/ready-when: condition=Ready\n"), ""), false},
		"only a condition to fail":   {spec(pod("n", "pre-install", "    sherpack.io/failed-when: condition=Ready\n"), ""), true},
		"a Job, which is no such":    {plantest.Hook("n", "pre-install", ""), false},
		"at a phase that is not run": {spec(pod("n", "post-delete", ""), "") + plantest.Hook("n", "pre-install", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStory()
				s.cluster.outcomes["shop-n"] = hang
				said, err := s.run(t.Context(), s.plan(t, release.OperationInstall, test.text, plan.Options{Timeout: time.Minute}))
				if err == nil {
					t.Fatal("no error")
				}
				if slices.Contains(said, "Pod/shop-n: "+hint) != test.want {
					t.Errorf("it said %q", said)
				}
				if strings.Contains(err.Error(), hint) != test.want {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}
