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

// State is what a cluster is doing.
type State string

const (
	// Ready means that all of its processes run and the API server answers.
	Ready State = "ready"
	// Broken means that some of its processes run, and it does not work.
	Broken State = "broken"
	// Stopped means that none of its processes run.
	Stopped State = "stopped"
)

// Summary is a cluster and how it is.
type Summary struct {
	Cluster
	State State
	// Reason says why the cluster ended, "" where nobody knows.
	Reason string
	// Processes are those that run: "etcd 1234".
	Processes []string
}

// List returns the clusters below r, sorted by name.
func (r Root) List(ctx context.Context) ([]Summary, error) {
	dirs, err := r.dirs()
	if err != nil {
		return nil, err
	}
	var all []Summary
	for _, d := range dirs {
		c, state := inspect(ctx, d)
		if c.Name == "" {
			continue
		}
		reason, err := os.ReadFile(d.ended())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		members, err := readMembers(d)
		if err != nil {
			return nil, err
		}
		all = append(all, Summary{Cluster: c, State: state, Reason: string(reason), Processes: alive(members)})
	}
	return all, nil
}

func alive(members []member) []string {
	var processes []string
	for _, m := range members {
		if m.Alive() {
			processes = append(processes, fmt.Sprintf("%s %d", m.Component, m.PID))
		}
	}
	return processes
}

// dirs returns what may be clusters, sorted by name.
func (r Root) dirs() ([]dir, error) {
	entries, err := os.ReadDir(string(r))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list clusters: %w", err)
	}
	var dirs []dir
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		d, err := r.dir(entry.Name())
		if err == nil {
			dirs = append(dirs, d)
		}
	}
	return dirs, nil
}

// inspect returns the cluster in d, the zero Cluster if there is none.
func inspect(ctx context.Context, d dir) (Cluster, State) {
	var c Cluster
	if err := readJSON(d.cluster(), &c); err != nil {
		return Cluster{}, Stopped
	}
	members, err := readMembers(d)
	if err != nil || len(alive(members)) == 0 {
		return c, Stopped
	}
	const supervisorAndComponents = 6
	if len(alive(members)) < supervisorAndComponents || !answers(ctx, d, c) {
		return c, Broken
	}
	return c, Ready
}

func answers(ctx context.Context, d dir, c Cluster) bool {
	api, err := newClient(d, c.Server)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return apiReady(ctx, api) == nil
}
