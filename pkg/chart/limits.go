package chart

import (
	"fmt"
	"runtime/metrics"
	"time"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// maxCharts bounds a chart with its subcharts, those that have another name twice: one that names each of its subcharts a hundred
// times, and so on, has more of them than memory holds.
const maxCharts = 1000

// limits are the bounds of what Helm's packages do with a chart, as far as they let themselves be bounded: they cannot be ended.
type limits struct {
	time time.Duration
	// memory and stack are bytes. What the templates of a chart are nested in stands on a stack, whose overflow would end the
	// program.
	memory, stack uint64
	// look is how often the memory is looked at, and used returns it.
	look time.Duration
	used func() (heap, stack uint64)
}

// usual are the limits of every chart. One that needs half of them is unknown; what grows a gigabyte between two looks has other
// bounds.
func usual() limits {
	return limits{time: time.Minute, memory: 1 << 30, stack: 128 << 20, look: 10 * time.Millisecond, used: memory}
}

// exceeded says which limit is.
type exceeded struct{ message string }

func (e *exceeded) Error() string { return e.message }

func exceed(format string, args ...any) error { return &exceeded{fmt.Sprintf(format, args...)} }

// bounded calls a function and returns its error, or an *exceeded where it takes longer or more memory than it may. It is not ended
// then: the program is about to end itself.
func (l limits) bounded(call func() error) error {
	done := make(chan error, 1)
	heap, stack := l.used()
	go func() { done <- call() }()
	end := time.NewTimer(l.time)
	defer end.Stop()
	look := time.NewTicker(l.look)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-end.C:
			return exceed("rendering the chart takes longer than %s", l.time)
		case <-look.C:
			switch heapNow, stackNow := l.used(); {
			case heapNow > heap+l.memory:
				return exceed("rendering the chart takes more than %d MiB of memory", l.memory>>20)
			case stackNow > stack+l.stack:
				return exceed("rendering the chart takes more than %d MiB of memory for templates inside of each other; does one include itself?", l.stack>>20)
			}
		}
	}
}

// memory is how many bytes the program uses for values, and for the stacks of its goroutines.
func memory() (heap, stack uint64) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}

// checkCount refuses a chart of more than so many charts.
func checkCount(c *chart.Chart, most int) error {
	if count(c, most) > most {
		return fmt.Errorf("more than %d charts, those counted that dependencies give another name", most)
	}
	return nil
}

// count returns how many charts there are with the subcharts, or more than most.
func count(c *chart.Chart, most int) int {
	total := 1
	for _, sub := range c.Dependencies() {
		times := 0
		for _, wanted := range c.Metadata.Dependencies {
			if wanted.Name == sub.Name() {
				times++
			}
		}
		total += max(times, 1) * count(sub, most)
		if total > most {
			return total
		}
	}
	return total
}
