package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// Restart ends a component of the cluster of that name as if it had crashed,
// has it started again, and returns when the cluster is ready as before.
func (r Root) Restart(ctx context.Context, name, component string) error {
	d, err := r.dir(name)
	if err != nil {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	before, err := memberOf(d, component)
	if err != nil {
		return fmt.Errorf("restart %s of cluster %s: %w", component, name, err)
	}
	if err := os.WriteFile(d.restart(component), nil, 0o600); err != nil {
		return fmt.Errorf("restart %s of cluster %s: %w", component, name, err)
	}
	if err := before.Kill(); err != nil {
		return errors.Join(err, os.Remove(d.restart(component)))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("timed out after %s", readyTimeout))
	defer cancel()
	return poll(ctx, func(ctx context.Context) error {
		after, err := memberOf(d, component)
		if err != nil {
			return err
		}
		if after == before {
			return fmt.Errorf("%s is not started again", component)
		}
		if _, state := inspect(ctx, d); state != Ready {
			return fmt.Errorf("the cluster is %s", state)
		}
		return nil
	})
}

// memberOf returns the process of a component.
func memberOf(d dir, component string) (member, error) {
	members, err := readMembers(d)
	if err != nil {
		return member{}, err
	}
	at := slices.IndexFunc(members, func(m member) bool { return m.Component == component })
	if at < 0 || component == supervisorName {
		return member{}, errors.New("there is no such component")
	}
	return members[at], nil
}

// restarted reports whether the end of a component is one that was asked for,
// once for each time.
func restarted(d dir, component string) bool { return os.Remove(d.restart(component)) == nil }
