// Package lifecycle plans an operation on a release as a list of steps, and runs it. A plan is data: making one reaches
// no cluster. One Runner runs all plans, records each step before and after it, and reports typed events.
package lifecycle

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// course is what sets one operation apart from another: the phases around its work, and the phase that a revision has
// meanwhile and afterwards. Both are empty for an operation that leaves the revision in the phase that it is in.
type course struct {
	before, after hook.Phase
	meanwhile     release.Phase
	done          release.Phase
}

// courses is the table from operations to phases.
func courses() map[release.Operation]course {
	return map[release.Operation]course{
		release.OperationInstall:   {hook.PreInstall, hook.PostInstall, release.PendingInstall, release.Deployed},
		release.OperationUpgrade:   {hook.PreUpgrade, hook.PostUpgrade, release.PendingUpgrade, release.Deployed},
		release.OperationRollback:  {hook.PreRollback, hook.PostRollback, release.PendingRollback, release.Deployed},
		release.OperationUninstall: {hook.PreDelete, hook.PostDelete, release.Uninstalling, release.Uninstalled},
		release.OperationTest:      {before: hook.Test},
		release.OperationRevert:    {},
	}
}

// Next returns the operation that makes the next revision from a pack: install while none was deployed since the release
// was last uninstalled, whatever the verb; then upgrade.
func Next(history release.History) release.Operation {
	if history.EverDeployed() {
		return release.OperationUpgrade
	}
	return release.OperationInstall
}
