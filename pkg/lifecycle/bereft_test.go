package lifecycle_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestAHookIsRefusedBeforehandThatNeedsWhatGoesBeforeIt(t *testing.T) {
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
