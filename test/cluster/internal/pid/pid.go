// Package pid names processes in a way that survives the reuse of their
// numbers: by the number and the time they started.
package pid

import (
	"fmt"
	"os"
)

// ID is one process of this machine. It means the same process in whatever
// program it is read back. The zero ID is no process.
type ID struct {
	PID int `json:"pid"`
	// Started is the start time in a form of the platform's own.
	Started string `json:"started"`
}

// Of returns the ID of the running process numbered pid, or an error if there
// is none.
func Of(pid int) (ID, error) {
	started, err := startOf(pid)
	if err != nil {
		return ID{}, fmt.Errorf("look up process %d: %w", pid, err)
	}
	return ID{PID: pid, Started: started}, nil
}

// Alive reports whether that very process still runs. A zombie does not.
func (id ID) Alive() bool {
	now, err := Of(id.PID)
	return err == nil && now == id
}

// Kill ends that very process at once. If it has ended already, nothing is
// done; another process that has got its number is left alone.
func (id ID) Kill() error {
	// Found before it is checked: where the platform can, the handle stays with the process it found.
	p, err := os.FindProcess(id.PID)
	if err != nil || !id.Alive() {
		return nil
	}
	if err := p.Kill(); err != nil && id.Alive() {
		return fmt.Errorf("end process %d: %w", id.PID, err)
	}
	return nil
}
