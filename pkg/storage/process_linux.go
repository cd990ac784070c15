package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// processes tells which processes of this machine run. It holds where the kernel's file system on them is mounted.
type processes string

func hostProcesses() processes { return "/proc" }

// machine identifies the boot of this machine, and the PID namespace and the time namespace of this process; empty where that
// cannot be told. Process numbers mean nothing outside of it.
func (p processes) machine() string {
	// A file system that was mounted for another PID namespace tells of other processes under the same numbers.
	if self, err := os.Readlink(p.path("self")); err != nil || self != strconv.Itoa(os.Getpid()) {
		return ""
	}
	boot, err := os.ReadFile(p.path("sys/kernel/random/boot_id"))
	if err != nil {
		return ""
	}
	numbers, err := os.Readlink(p.path("self/ns/pid"))
	if err != nil {
		return ""
	}
	// Old kernels have one time for all.
	times, _ := os.Readlink(p.path("self/ns/time"))
	return strings.TrimSpace(strings.Join([]string{strings.TrimSpace(string(boot)), numbers, times}, " "))
}

// started returns when a process was started, as the kernel counts; empty where that cannot be told.
func (p processes) started(pid int) string {
	when, _ := p.look(pid)
	return when
}

// ended reports whether a process that was started at a time has surely ended. started may be empty: not known.
func (p processes) ended(pid int, started string) bool {
	if pid <= 0 {
		// These mean groups of processes.
		return false
	}
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	// It, or another one of that number, is there, if only as what is left of one. What cannot be read says nothing: other
	// users' processes may be hidden.
	when, zombie := p.look(pid)
	return zombie || when != "" && started != "" && when != started
}

// look reads when a process was started, and whether it has ended and only its parent does not know yet.
func (p processes) look(pid int) (started string, zombie bool) {
	text, err := os.ReadFile(p.path(strconv.Itoa(pid) + "/stat"))
	if err != nil {
		return "", false
	}
	// The name of the program, which may hold anything, stands in parentheses.
	_, rest, _ := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), " ")
	const state, startTime = 0, 19
	fields := strings.Fields(rest)
	if len(fields) <= startTime {
		return "", false
	}
	return fields[startTime], fields[state] == "Z" || fields[state] == "X"
}

func (p processes) path(name string) string { return filepath.Join(string(p), name) }
