// Package cluster starts, finds and stops control planes on this machine. Each
// has a directory with all that belongs to it, and one supervisor: a process
// that holds the components, which end when it does.
package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// dir is the directory of one cluster.
type dir string

func (d dir) file(name string) string { return filepath.Join(string(d), name) }

// The files that tell other processes about the cluster: what it is, what its
// supervisor is to start, what runs, and why it no longer does.
func (d dir) cluster() string { return d.file("cluster.json") }
func (d dir) plan() string    { return d.file("plan.json") }
func (d dir) members() string { return d.file("members.json") }
func (d dir) ended() string   { return d.file("ended") }

func (d dir) log(component string) string { return d.file(component + ".log") }
func (d dir) audit() string               { return d.file("audit.log") }

// restart is there while a component is to be started again when it ends.
func (d dir) restart(component string) string { return d.file(component + ".restart") }

func (d dir) kubeconfig() string { return d.file("kubeconfig") }

// kubeconfigOf is the kubeconfig that a component itself uses.
func (d dir) kubeconfigOf(component string) string { return d.file(component + ".kubeconfig") }

func writeJSON(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	// Renamed into place, so that no reader sees half of it.
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readJSON(path string, value any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, value); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	return nil
}
