// Package plan says what an operation on a release will do, as a list of steps. It is pure: making a plan reaches no cluster.
package plan

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Course is what sets one operation apart from another: the phases around its work, and the phase that a revision has
// meanwhile and afterwards. Both are empty for an operation that leaves the revision in the phase that it is in.
type Course struct {
	Before, After hook.Phase
	Meanwhile     release.Phase
	Done          release.Phase
}

// CourseOf returns the course of an operation; an empty one where it is none.
func CourseOf(operation release.Operation) Course {
	switch operation {
	case release.OperationInstall:
		return Course{hook.PreInstall, hook.PostInstall, release.PendingInstall, release.Deployed}
	case release.OperationUpgrade:
		return Course{hook.PreUpgrade, hook.PostUpgrade, release.PendingUpgrade, release.Deployed}
	case release.OperationRollback:
		return Course{hook.PreRollback, hook.PostRollback, release.PendingRollback, release.Deployed}
	case release.OperationUninstall:
		return Course{hook.PreDelete, hook.PostDelete, release.Uninstalling, release.Uninstalled}
	case release.OperationTest:
		return Course{Before: hook.Test}
	case release.OperationRevert:
	}
	return Course{}
}

// Next returns the operation that makes the next revision from a pack: install while none was deployed since the release
// was last uninstalled, whatever the verb; then upgrade.
func Next(history release.History) release.Operation {
	if history.EverDeployed() {
		return release.OperationUpgrade
	}
	return release.OperationInstall
}
