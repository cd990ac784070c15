package kube

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many requests of one call are under way at the same time.
const atOnce = 16

// each runs work for 0 to n-1, at most limit at a time (-1: all), and returns
// when all that was started has ended. Once ctx has ended no more is started.
// The error joins those of work in the order of i; what was not started is
// counted in a last one, which wraps the context's error.
func each(ctx context.Context, n, limit int, work func(i int) error) error {
	failures := make([]error, n+1)
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range n {
		if ctx.Err() != nil {
			failures[n] = fmt.Errorf("%d of %d not started: %w", n-i, n, context.Cause(ctx))
			break
		}
		group.Go(func() error {
			failures[i] = work(i)
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(failures...)
}

// inTurn makes calls of report wait for each other. A nil report is fine.
func inTurn[T any](report func(i int, result T)) func(i int, result T) {
	if report == nil {
		return func(int, T) {}
	}
	var turn sync.Mutex
	return func(i int, result T) {
		turn.Lock()
		defer turn.Unlock()
		report(i, result)
	}
}
