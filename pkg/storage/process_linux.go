package storage

import (
	"os"
	"strconv"
	"strings"
)

// machine identifies the boot of this machine and the set of process numbers that this process lives in; empty where that
// cannot be told. Process numbers mean nothing outside of it.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	numbers, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + numbers
}

// started returns when a process was started, as the kernel counts; empty where there is no such process, or only what is
// left of one.
func started(pid int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The name of the program, which may hold anything, stands in parentheses.
	_, rest, _ := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), " ")
	const state, startTime = 0, 19
	fields := strings.Fields(rest)
	if len(fields) <= startTime || fields[state] == "Z" || fields[state] == "X" {
		return ""
	}
	return fields[startTime]
}
