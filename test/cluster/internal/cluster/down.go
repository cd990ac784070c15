package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// goneTimeout bounds the wait for processes that were told to end at once.
const goneTimeout = 30 * time.Second

// Down ends the cluster of that name and removes its directory. When it
// returns nil, none of its processes is left. That there is no such cluster is
// no error.
func (r Root) Down(ctx context.Context, name string) error {
	d, err := r.dir(name)
	if err != nil {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return remove(ctx, d)
}

func remove(ctx context.Context, d dir) error {
	if err := stop(ctx, d); err != nil {
		return err
	}
	if err := os.RemoveAll(string(d)); err != nil {
		return fmt.Errorf("remove the cluster's directory: %w", err)
	}
	return nil
}

// stop ends the processes of the cluster in d and waits until they are gone.
func stop(ctx context.Context, d dir) error {
	members, err := readMembers(d)
	if err != nil {
		return err
	}
	// The supervisor comes first: it would report the end of the others as a failure.
	for _, m := range members {
		if err := m.Kill(); err != nil {
			return fmt.Errorf("stop %s: %w", m.Component, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goneTimeout)
	defer cancel()
	return poll(ctx, func(context.Context) error { return allGone(members) })
}

// readMembers returns the processes that were started for d, none if d is not there.
func readMembers(d dir) ([]member, error) {
	var members []member
	if err := readJSON(d.members(), &members); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return members, nil
}

func allGone(members []member) error {
	for _, m := range members {
		if m.Alive() {
			return fmt.Errorf("%s (process %d) still runs", m.Component, m.PID)
		}
	}
	return nil
}

// sweep removes what clusters left whose owner, and supervisor, were ended by force.
func (r Root) sweep(ctx context.Context) error {
	dirs, err := r.dirs()
	if err != nil {
		return err
	}
	for _, d := range dirs {
		var c Cluster
		if readJSON(d.cluster(), &c) != nil || !c.Owned {
			continue
		}
		if members, err := readMembers(d); err == nil && allGone(members) == nil {
			if err := remove(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveUp stops a cluster that did not become ready and returns the reason, with
// the end of the log of the component to blame.
func giveUp(ctx context.Context, d dir, o Options, cause error) error {
	guilty := supervisorName
	if missed := (unreached{}); errors.As(cause, &missed) {
		guilty = missed.milestone.component
	}
	if ended, err := os.ReadFile(d.ended()); err == nil {
		guilty, _, _ = strings.Cut(string(ended), ":")
		cause = fmt.Errorf("%s (%w)", ended, cause)
	}
	tail := lastLines(d.log(guilty), 20)
	err := fmt.Errorf("start cluster %s: %w\n--- the end of %s:\n%s", o.Name, cause, d.log(guilty), tail)
	if o.Owner != nil {
		return errors.Join(err, remove(ctx, d))
	}
	return errors.Join(err, stop(ctx, d))
}

// widest is how much of a log's line is shown: kwok prints whole templates.
const widest = 500

func lastLines(path string, n int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		lines[i] = line[:min(len(line), widest)]
	}
	return strings.Join(lines, "\n")
}
