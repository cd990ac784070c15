package plan_test

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// A chart says for each hook whether its log is printed; what the user asks for is the least or, with none, the most.
func TestLogsOf(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		asked plan.Logs
		says  []hook.LogPolicy
		want  plan.Logs
	}{
		"nothing is said":                  {plan.LogsOfFailed, nil, plan.LogsOfFailed},
		"it is printed on success":         {plan.LogsOfFailed, []hook.LogPolicy{hook.LogSucceeded}, plan.AllLogs},
		"it is printed on failure":         {plan.LogsOfFailed, []hook.LogPolicy{hook.LogFailed}, plan.LogsOfFailed},
		"all are to be printed":            {plan.AllLogs, []hook.LogPolicy{hook.LogFailed}, plan.AllLogs},
		"none is to be printed whatsoever": {plan.NoLogs, hook.LogPolicies(), plan.NoLogs},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			got := plan.Options{Logs: test.asked}.LogsOf(plan.Hook{Hook: hook.Hook{Logs: test.says}})
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
