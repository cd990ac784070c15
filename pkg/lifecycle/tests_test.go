package lifecycle_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// Who chooses no test has made a mistake: a plan that runs nothing would record all of them as skipped.
func TestTestsOfWhichNoneIsChosenAreRefused(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("smoke", "test", "") + plantest.Hook("load", "test", "") + plantest.Object("v1", "ConfigMap", "app")
	for title, tests := range map[string]plan.Tests{
		"all are left out":            {Except: []string{"smoke", "load"}},
		"the only one is left out":    {Only: []string{"smoke"}, Except: []string{"shop-smoke"}},
		"all are, and it is to go on": {Except: []string{"smoke", "shop-load"}, KeepGoing: true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			deployed := plantest.Revision(t, 1, release.Deployed, text)
			made, err := newWork(plan.Test(plan.Request{Release: deployed, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, tests))
			var none *plan.NoTestChosenError
			if made != nil || !errors.As(err, &none) {
				t.Fatalf("plan %v, error %v", made, err)
			}
			if diff := cmp.Diff([]string{"load", "smoke"}, none.Known); diff != "" {
				t.Errorf("the tests there are (-want +got):\n%s", diff)
			}
			if len(deployed.Status.Hooks) != 0 {
				t.Errorf("it is written into the release: %v", deployed.Status.Hooks)
			}
		})
	}
}

// A release without tests passes.
func TestAReleaseWithoutTestsHasAPlanWithoutSteps(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "app")
	made, err := newWork(plan.Test(plan.Request{Release: plantest.Revision(t, 1, release.Deployed, text), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, plan.Tests{}))
	if err != nil || len(made.Steps) != 0 {
		t.Errorf("plan %v, error %v", made, err)
	}
}
