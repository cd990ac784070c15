package pid

import (
	"fmt"
	"os"
	"strings"
)

// startOf reads the process's state and its start, in clock ticks since boot.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The command's name comes second, in brackets, and may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const state, starttime = 0, 19
	if len(fields) <= starttime {
		return "", os.ErrProcessDone
	}
	zombie := fields[state] == "Z" || fields[state] == "X"
	if zombie && threads(pid) <= 1 {
		return "", os.ErrProcessDone
	}
	return fields[starttime], nil
}

// threads counts the threads of a process. As long as there are some besides
// the first, its files and ports are open, even if the first is a zombie.
func threads(pid int) int {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return 0
	}
	return len(tasks)
}
