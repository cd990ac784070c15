package lifecycle_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestRules(t *testing.T) {
	t.Parallel()
	t.Run("a refusal by rules that change is none", refusalsByRulesThatChange)
	t.Run("objects in a Namespace that changes are submitted again", namespaceThatChanges)
	t.Run("what hooks and controllers may create is not missed", dependenciesThatMayBeCreated)
	t.Run("a webhook that is deleted first refuses nothing", webhookThatIsDeletedFirst)
}

// What is refused by rules that the plan itself changes first must not keep it from doing so.
func refusalsByRulesThatChange(t *testing.T) {
	t.Parallel()
	app := plantest.Object("v1", "ConfigMap", "app")
	quota, right := forbidden("exceeded quota: q"), forbidden(`User "u" cannot patch resource "configmaps"`)
	for name, test := range map[string]struct {
		first, second string
		answer        error
		refused       bool
	}{
		"a quota that changes before it":         {ruling("ResourceQuota", "q", "a"), ruling("ResourceQuota", "q", "b") + app, quota, false},
		"limits that change before it":           {ruling("LimitRange", "q", "a"), ruling("LimitRange", "q", "b") + app, quota, false},
		"a quota that stays":                     {ruling("ResourceQuota", "q", "a"), ruling("ResourceQuota", "q", "a") + app, quota, true},
		"a quota of another namespace":           {"", "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: other}\n---\n" + app, quota, true},
		"a quota that changes after it":          {ruling("ResourceQuota", "q", "a"), ruling("ResourceQuota", "q", "b") + plantest.Hook("app", "pre-upgrade", ""), quota, true},
		"a quota that changes before a hook":     {ruling("ResourceQuota", "q", "a"), ruling("ResourceQuota", "q", "b") + plantest.Hook("app", "post-upgrade", ""), quota, false},
		"a right that is missing, and the quota": {ruling("ResourceQuota", "q", "a"), ruling("ResourceQuota", "q", "b") + app, right, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			planned := next(t, cluster, test.first, test.second)
			cluster.checkErr["app"], cluster.checkErr["shop-app"] = test.answer, test.answer
			_, _, err := run(t, cluster, planned)
			var refused *lifecycle.PreflightError
			if errors.As(err, &refused) != test.refused || !test.refused && err != nil {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// next plans to change what a first manifest has installed. Both may have what rules others.
func next(t *testing.T, cluster *cluster, first, second string) *work {
	t.Helper()
	known := plantest.Scopes()
	for _, kind := range []string{"ResourceQuota", "LimitRange"} {
		known[schema.GroupKind{Kind: kind}] = true
	}
	known[schema.GroupKind{Group: "example.com", Kind: "Thing"}] = true
	known[schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}] = false
	request := plan.Request{Operation: release.OperationInstall, Release: release.New("shop", "web", 1), Nodes: plantest.Nodes(t, first), Scopes: known}
	installed, err := newWork(plan.New(request))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := run(t, cluster, installed); err != nil {
		t.Fatal(err)
	}
	cluster.log, cluster.dryRuns = nil, nil
	request.Operation, request.Release, request.Previous, request.Nodes = release.OperationUpgrade, release.New("shop", "web", 2), installed.Release, plantest.Nodes(t, second)
	planned, err := newWork(plan.New(request))
	if err != nil {
		t.Fatal(err)
	}
	return planned
}

// refusal is the answer of the API server to what it does not allow.
func forbidden(why string) error {
	return fmt.Errorf("apply: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "app", errors.New(why)))
}

func ruling(kind, name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata: {name: %s, labels: {rule: %s}}\n---\n", kind, name, value)
}

// What a Namespace allows is known when that has changed, which is before the first hook.
func namespaceThatChanges(t *testing.T) {
	t.Parallel()
	job := "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: shop-a\n  namespace: apart\n  annotations: {sherpack.io/hook: pre-upgrade}\n---\n"
	for name, test := range map[string]struct {
		label  string
		answer error
		want   []string
		begun  bool
	}{
		"it stays":                       {"a", nil, []string{"dry-run Job/shop-a"}, false},
		"it stays, and refuses":          {"a", forbidden("violates PodSecurity"), []string{"dry-run Job/shop-a"}, false},
		"it changes":                     {"b", nil, []string{"dry-run Namespace/apart", "dry-run Job/shop-a", "dry-run Job/shop-a"}, false},
		"it changes, and refuses":        {"b", forbidden("violates PodSecurity"), []string{"dry-run Namespace/apart", "dry-run Job/shop-a", "dry-run Job/shop-a"}, true},
		"it changes, and a field is not": {"b", errRefused, []string{"dry-run Namespace/apart", "dry-run Job/shop-a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			planned := next(t, cluster, ruling("Namespace", "apart", "a"), ruling("Namespace", "apart", test.label)+job)
			cluster.checkErr["shop-a"] = test.answer
			_, _, err := run(t, cluster, planned)
			var refused *lifecycle.PreflightError
			if errors.As(err, &refused) != (test.answer != nil) || refused != nil && refused.Begun != test.begun {
				t.Errorf("the error is %v", err)
			}
			if diff := cmp.Diff(test.want, cluster.dryRuns); diff != "" {
				t.Errorf("submitted (-want +got):\n%s", diff)
			}
		})
	}
}

// What hooks and controllers make, the plan does not name.
func dependenciesThatMayBeCreated(t *testing.T) {
	t.Parallel()
	app, thing := plantest.Object("apps/v1", "Deployment", "app"), plantest.Object("example.com/v1", "Thing", "one")
	before, after := plantest.Hook("a", "pre-upgrade", ""), plantest.Hook("app", "post-upgrade", "")
	for name, test := range map[string]struct {
		text    string
		refused bool
	}{
		"nothing comes before it":               {app, true},
		"a hook that runs Pods comes before it": {before + app, false},
		"a custom resource comes with it":       {thing + app, false},
		"a hook before one that runs Pods":      {plantest.Hook("app", "pre-upgrade", "    sherpack.io/hook-weight: \"-1\"\n") + before, true},
		"a hook after one that runs Pods":       {before + after, false},
		"a hook after a custom resource":        {thing + after, false},
		"a hook after a ConfigMap":              {plantest.Object("v1", "ConfigMap", "c") + after, true},
		"a hook before a custom resource":       {plantest.Hook("app", "pre-upgrade", "    sherpack.io/hook-weight: \"-1\"\n") + before + thing, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			cluster.orphans = []string{"app", "shop-app"}
			_, _, err := run(t, cluster, next(t, cluster, "", test.text))
			if errors.Is(err, errOrphan) != test.refused || !test.refused && err != nil {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// A webhook of the release itself may keep everything from being deleted, but goes first.
func webhookThatIsDeletedFirst(t *testing.T) {
	t.Parallel()
	webhook := "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: guard}\n---\n"
	answer := apierrors.NewInternalError(errors.New(`failed calling webhook "guard.example.com"`))
	for name, test := range map[string]struct {
		installed string
		answer    error
		refused   bool
	}{
		"a webhook that goes with it":  {webhook, answer, false},
		"the webhook of somebody else": {"", answer, true},
		"a right that is missing":      {webhook, forbidden(`User "u" cannot delete resource "configmaps"`), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			planned := next(t, cluster, test.installed+plantest.Object("v1", "ConfigMap", "app"), plantest.Object("v1", "Secret", "app2"))
			cluster.checkErr["app"] = test.answer
			_, _, err := run(t, cluster, planned)
			var refused *lifecycle.PreflightError
			if errors.As(err, &refused) != test.refused || !test.refused && err != nil {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
