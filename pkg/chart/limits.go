package chart

import (
	"fmt"
	"runtime/metrics"
	"time"
)

// The bounds of one rendering, as far as Helm's engine lets itself be bounded: it cannot be ended. A chart that needs half of
// them is unknown.
const (
	maxTime   = time.Minute
	maxMemory = 2 << 30
	// lookEvery is how often the memory is looked at: what grows a gigabyte in that time has no other bound.
	lookEvery = 10 * time.Millisecond
)

// limits are those of a rendering.
type limits struct {
	time   time.Duration
	memory uint64
}

// bounded calls a function and returns what it does, or an error where it takes longer or more memory than it may. It is not
// ended then: the program is about to end itself.
func (l limits) bounded(render func() (map[string]string, error)) (map[string]string, error) {
	type outcome struct {
		texts map[string]string
		err   error
	}
	done := make(chan outcome, 1)
	before := memory()
	go func() {
		texts, err := render()
		done <- outcome{texts, err}
	}()
	end := time.NewTimer(l.time)
	defer end.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case found := <-done:
			return found.texts, found.err
		case <-end.C:
			return nil, fmt.Errorf("rendering the chart takes longer than %s", l.time)
		case <-look.C:
			if memory() > before+l.memory {
				return nil, fmt.Errorf("rendering the chart takes more than %d MiB of memory", l.memory>>20)
			}
		}
	}
}

// memory is how many bytes the program uses for values and for the stacks of its goroutines.
func memory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() + samples[1].Value.Uint64()
}
