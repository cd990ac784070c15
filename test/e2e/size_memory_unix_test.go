//go:build unix

package e2e

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory is the most memory that a process held, in bytes. It is no less than this process held when it started that
// one: the system counts so.
func peakMemory(ended *os.ProcessState) int64 {
	usage, ok := ended.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	peak := int64(usage.Maxrss) //nolint:unconvert // It is shorter on some systems.
	if runtime.GOOS == "darwin" {
		return peak
	}
	return peak << 10
}
