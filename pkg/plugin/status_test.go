package plugin

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestShown(t *testing.T) {
	t.Parallel()
	t.Run("it names the deployed revision", shownNamesTheDeployedRevision)
}

func TestRolledBack(t *testing.T) {
	t.Parallel()
	t.Run("it is said of the failed revision and of what came of it", rolledBackIsSaidOfBoth)
}

func rolledBackIsSaidOfBoth(t *testing.T) {
	t.Parallel()
	first, failed, restored, next := revision(1, release.Superseded), revision(2, release.Failed), revision(3, release.Deployed), revision(4, release.Failed)
	failed.Status.Message, failed.Status.Cause = "hook pre-upgrade/migrate failed: …", "pre-upgrade/migrate: exit code 3"
	restored.Spec.FromRevision = 1
	history := release.History{first, failed, restored, next}
	for r, want := range map[*release.Release]string{
		first: "", next: "",
		failed:   "to revision 1 (now revision 3)",
		restored: "to revision 1, after revision 2 failed: pre-upgrade/migrate: exit code 3",
	} {
		if got := rolledBack(r, history); got != want {
			t.Errorf("of revision %d it says %q, want %q", r.Spec.Revision, got, want)
		}
	}
	restored.Status.Phase = release.Failed
	if got := rolledBack(failed, history) + rolledBack(restored, history); got != "" {
		t.Errorf("of a rollback that failed it says %q", got)
	}
}

func shownNamesTheDeployedRevision(t *testing.T) {
	t.Parallel()
	failed := revision(3, release.Failed)
	deployed := revision(2, release.Deployed)
	if got := shown(failed, release.History{deployed, failed}).Status.DeployedRevision; got != 2 {
		t.Errorf("revision %d is said to be deployed", got)
	}
	if got := shown(failed, release.History{failed}).Status.DeployedRevision; got != 0 {
		t.Errorf("revision %d is said to be deployed, and none is", got)
	}
}
