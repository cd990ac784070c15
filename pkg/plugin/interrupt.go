package plugin

import (
	"context"
	"sync"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
)

// beginning tells whether a command has begun what an interrupt must not cut off. Until then the program simply ends: there
// is nothing to record, and what is under way may never notice, such as reading from a pipe, rendering, or a schema.
type beginning struct {
	mu sync.Mutex
	// begun says that the command may hold the lock of a release, and left that its end is not waited for any more.
	begun, left bool
}

type beginningKey struct{}

// withBeginning returns a context whose command can say begin.
func withBeginning(ctx context.Context) (context.Context, *beginning) {
	b := &beginning{}
	return context.WithValue(ctx, beginningKey{}, b), b
}

// begin says that from now on the command heeds ctx and must come to its own end. The error is that of ctx, where it has
// ended and nobody waits any more.
func begin(ctx context.Context) error {
	b, found := ctx.Value(beginningKey{}).(*beginning)
	if !found {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left {
		return context.Cause(ctx)
	}
	b.begun = true
	return nil
}

// leave reports whether the command has not begun; then it cannot any more.
func (b *beginning) leave() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = !b.begun
	return b.left
}

// interruptible runs a command to its end or, as long as it has not begun, to that of ctx.
func interruptible(ctx context.Context, command func(context.Context) error) error {
	ctx, beginning := withBeginning(ctx)
	ended := make(chan error, 1)
	go func() { ended <- command(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	if beginning.leave() {
		select {
		case err := <-ended:
			return err
		default:
			return lifecycle.ErrInterrupted
		}
	}
	return <-ended
}
