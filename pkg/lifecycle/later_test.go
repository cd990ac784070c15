package lifecycle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	sherpack "github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/refusal"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// attempt is what the API server says to who would give rights away that they do not have.
const attempt = `user "dev" (groups=["a"]) is attempting to grant RBAC permissions not currently held:`

// Hooks that other commands run are tried with those of this one, each once.
func TestHooksOfLaterCommandsAreTriedWhenARevisionIsMade(t *testing.T) {
	t.Parallel()
	text := hook("a", "pre-install,pre-upgrade,pre-delete", "") + hook("test", "test", "") + hook("gone", "post-delete,test", "") +
		object("v1", "ConfigMap", "app") + hook("back", "post-rollback", "")
	all := []string{"try Job/shop-a", "try ConfigMap/app", "try Job/shop-back", "try Job/shop-gone", "try Job/shop-test"}
	for name, test := range map[string]struct {
		skip []sherpack.Phase
		want []string
	}{
		"all":                {want: all},
		"but skipped phases": {skip: []sherpack.Phase{sherpack.PostDelete, sherpack.PostRollback}, want: []string{all[0], all[1], all[3], all[4]}},
		"none with no hooks": {skip: sherpack.Phases()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			if _, _, err := run(t, cluster, mustPlan(t, text, plan.Options{SkipPhases: test.skip})); err != nil {
				t.Fatal(err)
			}
			slices.Sort(cluster.tried)
			want := slices.Sorted(slices.Values(test.want))
			if diff := cmp.Diff(want, cluster.tried); diff != "" {
				t.Errorf("tried (-want +got):\n%s", diff)
			}
		})
	}
	if planned := upgrade(t, text, nil, nil); len(planned.Later) != 6 {
		t.Errorf("an upgrade tries %d later hooks", len(planned.Later))
	}
}

// What a hook of a later command is refused for counts where it will still be so then.
func TestWhatHooksOfLaterCommandsAreRefusedFor(t *testing.T) {
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
			kept, events, err := run(t, cluster, mustPlan(t, object("v1", "ConfigMap", "app")+hook("leave", "pre-delete", ""), plan.Options{}))
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
// is somebody else's may be gone. The rights are tried all the same.
func TestANameInUseIsAWarningForALaterHook(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mine bool
		want []string
	}{
		"left by an earlier run": {mine: true},
		"somebody else's": {want: []string{
			"a hook of the phase test would be refused now: templates/a.yaml:1: Job/web/shop-check exists already and belongs to no release",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			planned := mustPlan(t, hook("check", "test", ""), plan.Options{})
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
			if diff := cmp.Diff([]string{"try anew Job/shop-check"}, cluster.tried); diff != "" {
				t.Errorf("tried (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, warnings(events)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// Of a rollback and of what is resumed, the hooks of later commands were tried before.
func TestHooksOfLaterCommandsAreTriedOnce(t *testing.T) {
	t.Parallel()
	first := mustPlan(t, object("v1", "ConfigMap", "app")+hook("check", "test", ""), plan.Options{})
	text := object("v1", "ConfigMap", "app") + hook("check", "test", "")
	first.Release.Content.Manifest = text
	for _, phase := range []release.Phase{release.Deployed, release.Uninstalled} {
		first.Release.Status.Phase = phase
		if back := nextRollback(t, first.Release); len(back.Later) > 0 {
			t.Errorf("a rollback to what is %s tries %d", phase, len(back.Later))
		}
	}
	resumed, err := newWork(plan.Resume(plan.Request{Operation: release.OperationInstall, Release: first.Release, Nodes: nodes(t, text), Scopes: scopes()}))
	if err != nil || len(resumed.Later) > 0 {
		t.Errorf("resume tries %d, error %v", len(resumed.Later), err)
	}
}

func nextRollback(t *testing.T, to *release.Release) *work {
	t.Helper()
	planned, err := newWork(plan.New(rollback(t, to, to)))
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// Hooks outside of the release's namespace can be named before they run.
func TestHooksOutsideOfTheNamespaceOfTheRelease(t *testing.T) {
	t.Parallel()
	elsewhere := strings.Replace(hook("far", "pre-install", ""), "metadata:\n", "metadata:\n  namespace: ops\n", 1)
	wide := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: wide\n  annotations: {sherpack.io/hook: post-install}\n---\n"
	planned := mustPlan(t, hook("near", "pre-install", "")+elsewhere+wide+strings.Replace(elsewhere, "pre-install", "test", 1)+object("v1", "ConfigMap", "app"), plan.Options{})
	var titles []string
	for _, h := range planned.HooksOutside() {
		titles = append(titles, h.Title+" "+h.Object.Key().String())
	}
	if diff := cmp.Diff([]string{"pre-install/far Job/ops/shop-far", "post-install/namespace/wide Namespace/wide"}, titles); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
}

// Hooks of several phases may share a name and differ in all else: each is tried.
func TestHooksOfOneNameAreAllTried(t *testing.T) {
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
