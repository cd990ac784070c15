package plan_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestTests(t *testing.T) {
	t.Parallel()
	t.Run("tests are chosen by name", testsAreChosenByName)
	t.Run("their names are those that choose them", namesOfTestsChooseThem)
	t.Run("choosing no test is refused", choosingNoTestIsRefused)
	t.Run("a release without tests has a plan without steps", aReleaseWithoutTestsHasAPlanWithoutSteps)
}

func testsAreChosenByName(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("smoke", "test", "") + plantest.Hook("load", "test", "") + plantest.Object("v1", "ConfigMap", "app")
	for name, test := range map[string]struct {
		tests   plan.Tests
		want    []string
		records []string
	}{
		"all":        {plan.Tests{}, []string{"run-hooks test test/load test/smoke"}, []string{"Pending", "Pending"}},
		"one":        {plan.Tests{Only: []string{"smoke"}}, []string{"run-hooks test test/smoke"}, []string{"Skipped", "Pending"}},
		"by object":  {plan.Tests{Only: []string{"shop-smoke"}}, []string{"run-hooks test test/smoke"}, []string{"Skipped", "Pending"}},
		"all but it": {plan.Tests{Except: []string{"smoke"}}, []string{"run-hooks test test/load"}, []string{"Pending", "Skipped"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planned, err := plan.Test(plan.Request{Release: plantest.Revision(t, 1, release.Deployed, text), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, test.tests)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, plantest.Steps(planned.Steps)); diff != "" {
				t.Error(diff)
			}
			var states []string
			for _, h := range planned.Release.Status.Hooks {
				states = append(states, string(h.State))
			}
			if diff := cmp.Diff(test.records, states); diff != "" {
				t.Error(diff)
			}
		})
	}
	_, err := plan.Test(plan.Request{Release: plantest.Revision(t, 1, release.Deployed, text), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, plan.Tests{Only: []string{"smok"}})
	var unknown *plan.UnknownTestError
	if !errors.As(err, &unknown) || err.Error() != `the release has no test "smok"; its tests: load, smoke` {
		t.Errorf("got %v", err)
	}
}

func namesOfTestsChooseThem(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("smoke", "test", "") + plantest.Hook("load", "test", "") + plantest.Hook("migrate", "pre-install", "")
	request := plan.Request{Release: plantest.Revision(t, 1, release.Deployed, text), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}
	names, err := plan.TestNames(request)
	if diff := cmp.Diff([]string{"load", "smoke"}, names); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := plan.Test(request, plan.Tests{Only: names}); err != nil {
		t.Error(err)
	}
}

// Who chooses no test has made a mistake: a plan that runs nothing would record all of them as skipped.
func choosingNoTestIsRefused(t *testing.T) {
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
			made, err := plan.Test(plan.Request{Release: deployed, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, tests)
			var none *plan.NoTestChosenError
			if made.Release != nil || !errors.As(err, &none) {
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
func aReleaseWithoutTestsHasAPlanWithoutSteps(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "app")
	made, err := plan.Test(plan.Request{Release: plantest.Revision(t, 1, release.Deployed, text), Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, plan.Tests{})
	if err != nil || len(made.Steps) != 0 {
		t.Errorf("plan %v, error %v", made, err)
	}
}
