// Package lifecycle plans an operation on a release as a list of steps, and runs it. A plan is data: making one reaches
// no cluster. One Runner runs all plans, records each step before and after it, and reports typed events.
package lifecycle

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Operation is what is done to a release.
type Operation string

// The operations.
const (
	Install   Operation = "install"
	Upgrade   Operation = "upgrade"
	Rollback  Operation = "rollback"
	Uninstall Operation = release.OperationUninstall
	// Test runs the test hooks of a deployed revision.
	Test Operation = "test"
	// Revert removes what a failed installation made. Its record stays.
	Revert Operation = "revert"
)

// course is what sets one operation apart from another: the phases around its work, and the phase that a revision has
// meanwhile and afterwards. Both are empty for an operation that leaves the revision in the phase that it is in.
type course struct {
	before, after hook.Phase
	meanwhile     release.Phase
	done          release.Phase
}

// courses is the table from operations to phases.
func courses() map[Operation]course {
	return map[Operation]course{
		Install:   {hook.PreInstall, hook.PostInstall, release.PendingInstall, release.Deployed},
		Upgrade:   {hook.PreUpgrade, hook.PostUpgrade, release.PendingUpgrade, release.Deployed},
		Rollback:  {hook.PreRollback, hook.PostRollback, release.PendingRollback, release.Deployed},
		Uninstall: {hook.PreDelete, hook.PostDelete, release.Uninstalling, release.Uninstalled},
		Test:      {before: hook.Test},
		Revert:    {},
	}
}

// Next returns the operation that makes the next revision from a pack: install while none was deployed since the release
// was last uninstalled, whatever the verb; then upgrade.
func Next(history release.History) Operation {
	if history.EverDeployed() {
		return Upgrade
	}
	return Install
}
