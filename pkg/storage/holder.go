package storage

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Holder is who holds a lock. All of it comes from a Lease, which others may have written: its texts are printed quoted.
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

// isDead reports whether a holder is a process of this machine that has surely ended.
func (l *Locks) isDead(holder Holder) bool {
	here := holder.Machine != "" && holder.Machine == l.self.Machine && holder.Host == l.self.Host
	return here && l.processes.ended(holder.PID, holder.Started)
}

// Former is a holder that is gone.
type Former struct {
	Holder
	// Age is the time between its last sign of life and its end being noticed, and Dated whether that is known.
	Age   time.Duration
	Dated bool
}

// String names the holder for people.
func (h Holder) String() string {
	if h.PID == 0 && h.Host == "" {
		return "run " + quoted(h.Run)
	}
	return fmt.Sprintf("process %d on %s", h.PID, quoted(h.Host))
}

// activity is what the holder does, and at which step it was.
func (h Holder) activity() string {
	text := word(h.Operation)
	if h.Step != "" {
		text += ", " + quoted(h.Step)
	}
	return text
}

// maxQuoted is how many bytes of a text are printed that others may have written.
const maxQuoted = 200

// quoted makes of a text one line that is told apart from what is around it.
func quoted(text string) string {
	if len(text) > maxQuoted {
		text = truncate(text, maxQuoted) + "…"
	}
	return strconv.Quote(text)
}

var plainWord = regexp.MustCompile(`^[a-z-]{1,20}$`)

// word prints a text that is a plain word as it is, and any other quoted.
func word(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return quoted(text)
}

// LockedError is a release that another command works on.
type LockedError struct {
	Namespace, Name string
	Holder          Holder
	// Age is the time since the holder has last shown that it is there, and Held that since it took the lock, by this machine's clock.
	Age, Held time.Duration
}

// Error names the holder, what it does, and when it was last seen.
func (e *LockedError) Error() string {
	return fmt.Sprintf("release %s/%s is locked by %s", e.Namespace, e.Name, e.Phrase())
}

// Phrase says who holds the lock, what for, since when, and when that was last seen to be true.
func (e *LockedError) Phrase() string {
	held := ""
	if e.Held > 0 {
		held = fmt.Sprintf("for %s, ", e.Held.Round(time.Second))
	}
	return fmt.Sprintf("%s (%s; %slast seen %s ago)", e.Holder, e.Holder.activity(), held, e.Age.Round(time.Second))
}

// Brief says what the lock is held for and by whom, with what matters most at the beginning: a line may end anywhere.
func (e *LockedError) Brief() string {
	return e.Holder.activity() + "; " + e.Holder.String()
}

// ErrLockLost is in the chain of the error of what was to be written after another command has taken the lock over.
var ErrLockLost = errors.New("another command has taken over the release")

// LostError is a lock that this run has held and lost.
type LostError struct {
	Namespace, Name string
	// Holder has the lock now; nil where nobody has.
	Holder *Holder
	// Record says what the release's record tells of who had the lock meanwhile; empty where it tells nothing.
	Record string
	// Removed says that the release's record is gone, too.
	Removed bool
}

// Error says who has, or had, taken the lock over, as far as that is known.
func (e *LostError) Error() string {
	text := fmt.Sprintf("the lock of release %s/%s was lost: ", e.Namespace, e.Name)
	switch {
	case e.Holder != nil:
		return text + fmt.Sprintf("%s has taken it over (%s)", e.Holder, e.Holder.activity())
	case e.Record != "":
		return text + "another command had taken it over: " + e.Record
	case e.Removed:
		return text + "its Lease and its record are gone; another command or somebody has removed them"
	}
	return text + "its Lease is gone"
}

// Unwrap returns ErrLockLost.
func (e *LostError) Unwrap() error { return ErrLockLost }
