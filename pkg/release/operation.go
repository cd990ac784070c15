package release

// Operation is what is done to a release.
type Operation string

// The operations.
const (
	OperationInstall   Operation = "install"
	OperationUpgrade   Operation = "upgrade"
	OperationRollback  Operation = "rollback"
	OperationUninstall Operation = "uninstall"
	// OperationTest runs the test hooks of a deployed revision.
	OperationTest Operation = "test"
	// OperationUndo removes what a failed installation made. Its record stays.
	OperationUndo Operation = "revert"
)
