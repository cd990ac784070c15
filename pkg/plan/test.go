package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Tests says which tests of a release run, and how.
type Tests struct {
	// Only are the names of those that run; nil means all. Except are the names of those that do not.
	Only, Except []string
	// KeepGoing runs those that come after one that failed, too.
	KeepGoing bool
}

// UnknownTestError is a name that no test of the release has.
type UnknownTestError struct {
	Name string
	// Known are the names of the tests there are, in running order.
	Known []string
}

// Error names the tests there are.
func (e *UnknownTestError) Error() string {
	return fmt.Sprintf("the release has no test %q; its tests: %s", e.Name, strings.Join(e.Known, ", "))
}

// NoTestChosenError is a choice that skips every test that the release has.
type NoTestChosenError struct {
	// Known are the names of the tests there are, in running order.
	Known []string
}

// Error names the tests there are.
func (e *NoTestChosenError) Error() string {
	return "none of the tests of the release is chosen; its tests: " + strings.Join(e.Known, ", ")
}

// Test plans to run the tests of a deployed revision. A test is named by its object, with or without the release's
// name in front, or as its title shows it. The error is an *UnknownTestError for a name that no test has, and a
// *NoTestChosenError where there are tests and none of them would run. A plan without tests has no steps.
func Test(request Request, tests Tests) (Plan, error) {
	request.Operation, request.Release = release.OperationTest, request.Release.Clone()
	request.Release.Inventory = finalInventory(request.Release)
	content, err := request.hooks(hook.Test)
	if err != nil {
		return Plan{}, err
	}
	if err := tests.check(content.hooks); err != nil {
		return Plan{}, err
	}
	chosen := slices.DeleteFunc(slices.Clone(content.hooks), func(h Hook) bool { return !tests.choose(h) })
	if len(chosen) == 0 && len(content.hooks) > 0 {
		return Plan{}, &NoTestChosenError{shortNames(content.hooks)}
	}
	plan := Plan{
		Operation: release.OperationTest, Release: request.Release, Options: request.Options, History: request.History,
		Earlier: earlier(request.Release),
	}
	newest := request.History.Newest()
	plan.MayHaveLeftovers, plan.Unfinished = plan.MayHaveLeftovers || endedBadly(newest), plan.Unfinished || unfinished(newest)
	if err := plan.replaceRecords(content, request, hook.Test); err != nil {
		return Plan{}, err
	}
	for _, h := range content.hooks {
		if tests.choose(h) {
			continue
		}
		record := plan.Release.Status.Hook(string(hook.Test), h.Object.Reference())
		record.State, record.Reason = release.HookSkipped, release.ReasonNoHooks
	}
	if len(chosen) > 0 {
		plan.Steps = []Step{{Action: RunHooks, Phase: hook.Test, Hooks: chosen, FailingHooks: FailingHooks{KeepGoing: tests.KeepGoing}}}
	}
	return plan, nil
}

// TestNames returns the names of the tests of a revision, in running order, as Tests takes them.
func TestNames(request Request) ([]string, error) {
	content, err := request.hooks(hook.Test)
	if err != nil {
		return nil, err
	}
	return shortNames(content.hooks), nil
}

func (t Tests) choose(h Hook) bool {
	return (len(t.Only) == 0 || named(h, t.Only)) && !named(h, t.Except)
}

// named reports whether a hook has one of some names.
func named(h Hook, names []string) bool {
	return slices.Contains(names, h.Object.GetName()) || slices.Contains(names, shortName(h))
}

// shortName is the name of a hook as its title shows it.
func shortName(h Hook) string { return strings.TrimPrefix(h.Title, string(h.Phase)+"/") }

func shortNames(hooks []Hook) []string {
	var names []string
	for _, h := range hooks {
		names = append(names, shortName(h))
	}
	return names
}

func (t Tests) check(hooks []Hook) error {
	for _, name := range slices.Concat(t.Only, t.Except) {
		if !slices.ContainsFunc(hooks, func(h Hook) bool { return named(h, []string{name}) }) {
			return &UnknownTestError{Name: name, Known: shortNames(hooks)}
		}
	}
	return nil
}
