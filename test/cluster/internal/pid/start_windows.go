package pid

import (
	"os"
	"strconv"
	"syscall"
)

// startOf asks for the process's creation time, in nanoseconds.
func startOf(pid int) (string, error) {
	const queryLimitedInformation, stillActive = 0x1000, 259
	process, err := syscall.OpenProcess(queryLimitedInformation, false, uint32(pid))
	if err != nil {
		return "", os.NewSyscallError("OpenProcess", err)
	}
	defer func() { _ = syscall.CloseHandle(process) }()
	var code uint32
	if err := syscall.GetExitCodeProcess(process, &code); err != nil {
		return "", os.NewSyscallError("GetExitCodeProcess", err)
	}
	if code != stillActive {
		return "", os.ErrProcessDone
	}
	var created, exited, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return "", os.NewSyscallError("GetProcessTimes", err)
	}
	return strconv.FormatInt(created.Nanoseconds(), 10), nil
}
