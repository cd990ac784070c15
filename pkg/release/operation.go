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
	// OperationAdopt takes a release over from Helm, and OperationHandover gives it to Helm.
	OperationAdopt    Operation = "adopt"
	OperationHandover Operation = "handover"
	// OperationUndo removes what a failed installation made. Its record stays.
	OperationUndo Operation = "revert"
)

// ChangesHands reports whether an operation takes a release over from another tool or gives it to one. It changes nothing but
// whose the objects are, and only the same command completes it where it was cut short.
func (o Operation) ChangesHands() bool { return o == OperationAdopt || o == OperationHandover }
