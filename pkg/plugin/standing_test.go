package plugin

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	t.Run("it says what serves, and what to do next", standingSaysWhatServes)
}

// An interrupt is no mistake in the pack: what it left running is continued, whether the command would have been undone or not.
func standingSaysWhatServes(t *testing.T) {
	t.Parallel()
	failed := errors.New("container exited")
	interrupted := fmt.Errorf("hook pre-upgrade/migrate failed: %w", lifecycle.ErrInterrupted)
	for name, test := range map[string]struct {
		operation release.Operation
		failure   error
		extent    plan.Extent
		want      string
	}{
		"interrupted before the work": {
			release.OperationUpgrade, interrupted, plan.ExtentNone,
			"Revision 2 is still deployed and unchanged.\nTo continue: kubectl sherpack resume shop -n web",
		},
		"interrupted later": {release.OperationUpgrade, interrupted, plan.ExtentAll, "To continue: kubectl sherpack resume shop -n web"},
		"failed before the work": {
			release.OperationUpgrade, failed, plan.ExtentNone, "Revision 2 is still deployed and unchanged. Fix the pack and run upgrade again.",
		},
		"an uninstallation": {release.OperationUninstall, failed, plan.ExtentAll, "Run uninstall again; it continues."},
	} {
		newest := revision(3, release.Failed)
		if errors.Is(test.failure, lifecycle.ErrInterrupted) {
			newest.Status.Interrupted = test.operation
		}
		done := plan.Plan{Operation: test.operation, History: release.History{revision(2, release.Deployed)}}
		got := standing(done, plan.Result{Release: newest, Extent: test.extent}, test.failure, " -n web")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
