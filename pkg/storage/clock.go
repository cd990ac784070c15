package storage

import "time"

// instant is a point in time by both clocks of this machine. Neither will do alone: the steady one stands still while a
// laptop sleeps, the one on the wall can be set.
type instant struct{ steady, wall time.Time }

func now() instant {
	t := time.Now()
	return instant{steady: t, wall: t.Round(0)}
}

// since returns the time since an earlier instant by the clock that says more: so much may have passed.
func (i instant) since(earlier instant) time.Duration {
	return max(i.ran(earlier), i.wall.Sub(earlier.wall))
}

// ran returns the time since an earlier instant in which this machine was running: so much has passed at least.
func (i instant) ran(earlier instant) time.Duration { return i.steady.Sub(earlier.steady) }
