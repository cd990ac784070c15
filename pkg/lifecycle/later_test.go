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

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// attempt is what the API server says to who would give rights away that they do not have.
const attempt = `user "dev" (groups=["a"]) is attempting to grant RBAC permissions not currently held:`

// Hooks that other commands run are tried with those of this one, each once.
func TestHooksOfLaterCommandsAreTriedWhenARevisionIsMade(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-install,pre-upgrade,pre-delete", "") + plantest.Hook("test", "test", "") + plantest.Hook("gone", "post-delete,test", "") +
		plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("back", "post-rollback", "")
	all := []string{"try Job/shop-a", "try ConfigMap/app", "try Job/shop-back", "try Job/shop-gone", "try Job/shop-test"}
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
		"unknown fields":       {err: &kube.InvalidFieldsError{Problems: []kube.FieldProblem{{Field: "spec.x", Message: "unknown field"}}}, refused: true},
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
			if diff := cmp.Diff([]string{"try anew Job/shop-check"}, cluster.tried); diff != "" {
				t.Errorf("tried (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, warnings(events)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
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
