package plugin

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

func TestShown(t *testing.T) {
	t.Parallel()
	t.Run("it names the deployed revision", shownNamesTheDeployedRevision)
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
