package cluster

import (
	"os/exec"
	"syscall"
)

// detach keeps the signals of a console from the command.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
