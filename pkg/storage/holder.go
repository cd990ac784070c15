package storage

import (
	"fmt"
	"time"
)

// Holder is who holds a lock.
type Holder struct {
	// Run is the run of the program, and Operation what it does.
	Run       string `json:"run"`
	Operation string `json:"operation"`
	// Step is what it was at when it last renewed; empty before the work begins.
	Step string `json:"step,omitempty"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Machine and Started tell on the same machine whether the process still runs; empty where that cannot be told.
	Machine string `json:"machine,omitempty"`
	Started string `json:"started,omitempty"`
}

// gone reports whether the holder is a process of this machine that does not run any more.
func (h Holder) gone() bool {
	return h.Machine != "" && h.Started != "" && h.Machine == machine() && started(h.PID) != h.Started
}

// Former is a holder that is gone.
type Former struct {
	Holder
	// Age is the time between its last sign of life and its end being noticed.
	Age time.Duration
}

// String names the holder for people.
func (h Holder) String() string {
	return fmt.Sprintf("process %d on %s", h.PID, h.Host)
}

// LockedError is a release that another command works on.
type LockedError struct {
	Namespace, Name string
	Holder          Holder
	// Age is the time since the holder has last shown that it is there.
	Age time.Duration
}

// Error names the holder, what it does, and when it was last seen.
func (e *LockedError) Error() string {
	text := fmt.Sprintf("release %s/%s is locked by %s (%s", e.Namespace, e.Name, e.Holder, e.Holder.Operation)
	if e.Holder.Step != "" {
		text += ", " + e.Holder.Step
	}
	return text + fmt.Sprintf("; last seen %s ago)", e.Age.Round(time.Second))
}
