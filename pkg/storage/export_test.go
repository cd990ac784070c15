package storage

import "context"

// Await waits until it is sure that nobody else holds the lock. The error is a *LostError where somebody does, else that of
// ctx.
func (l *Lock) Await(ctx context.Context) error {
	_, err := l.fence.pass(ctx)
	return err
}
