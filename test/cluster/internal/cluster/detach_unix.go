//go:build unix

package cluster

import (
	"os/exec"
	"syscall"
)

// detach keeps the signals of a terminal from the command.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
