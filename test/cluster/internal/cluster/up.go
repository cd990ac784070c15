package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/programs"
)

// Root is a directory that holds clusters, each by its name. It is made when
// needed.
type Root string

// Options say what kind of cluster to start.
type Options struct {
	// Name is a DNS label.
	Name string
	// Audit keeps an audit log.
	Audit bool
	// Owner, if set, is the standard input of whoever the cluster belongs to: when
	// it ends, so does the cluster, and its directory is removed.
	Owner *os.File
	// Launcher is the command line that runs Supervise for the path appended to it.
	Launcher []string
}

// Cluster is what there is to know about one that was started.
type Cluster struct {
	Name       string `json:"name"`
	Kubernetes string `json:"kubernetes"`
	Server     string `json:"server"`
	Kubeconfig string `json:"kubeconfig"`
	Kubectl    string `json:"kubectl"`
	// AuditLog is the path of the audit log, "" if none is kept.
	AuditLog string `json:"auditLog,omitempty"`
	Owned    bool   `json:"owned,omitempty"`
	// Programs is the directory of the programs it was started with.
	Programs string `json:"programs"`
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

func (r Root) dir(name string) (dir, error) {
	if !dnsLabel.MatchString(name) {
		return "", fmt.Errorf("name the cluster: %q is no DNS label", name)
	}
	path, err := filepath.Abs(filepath.Join(string(r), name))
	return dir(path), err
}

// lock keeps others from starting or stopping clusters below r.
func (r Root) lock() (unlock func(), err error) {
	if err := os.MkdirAll(string(r), 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of clusters: %w", err)
	}
	unlock, err = lockedfile.MutexAt(filepath.Join(string(r), ".lock")).Lock()
	if err != nil {
		return nil, fmt.Errorf("lock the directory of clusters: %w", err)
	}
	return unlock, nil
}

// Up returns the cluster of that name, ready to use: the one that runs, or else
// a new one made of the given programs. It tells progress how far it is. After
// an error nothing runs; the logs of a cluster without an owner are kept.
func (r Root) Up(ctx context.Context, o Options, set programs.Set, progress io.Writer) (Cluster, error) {
	d, err := r.dir(o.Name)
	if err != nil {
		return Cluster{}, err
	}
	unlock, err := r.lock()
	if err != nil {
		return Cluster{}, err
	}
	defer unlock()
	if err := r.sweep(ctx); err != nil {
		return Cluster{}, err
	}
	if c, ok := running(ctx, d); ok {
		return c, reuse(c, o, set, progress)
	}
	if err := remove(ctx, d); err != nil {
		return Cluster{}, err
	}
	return start(ctx, d, o, set, progress)
}

// running returns the cluster in d if it works.
func running(ctx context.Context, d dir) (Cluster, bool) {
	c, state := inspect(ctx, d)
	return c, state == Ready
}

func reuse(c Cluster, o Options, set programs.Set, progress io.Writer) error {
	if o.Audit && c.AuditLog == "" {
		return fmt.Errorf("cluster %s runs without an audit log: stop it first", c.Name)
	}
	if c.Programs != set.Dir {
		fmt.Fprintf(progress, "cluster %s runs programs built from other sources: stop it to have it renewed\n", c.Name)
	}
	return nil
}

func start(ctx context.Context, d dir, o Options, set programs.Set, progress io.Writer) (c Cluster, err error) {
	p, err := claimPorts(ctx)
	if err != nil {
		return Cluster{}, err
	}
	defer p.release()
	c, err = layOut(d, o, set, p)
	if err != nil {
		return Cluster{}, errors.Join(fmt.Errorf("lay out cluster %s: %w", o.Name, err), os.RemoveAll(string(d)))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("timed out after %s", readyTimeout))
	defer cancel()
	ctx, supervisorEnded := context.WithCancelCause(ctx)
	defer supervisorEnded(nil)
	fmt.Fprintf(progress, "starting cluster %s, Kubernetes %s\n", c.Name, c.Kubernetes)
	cmd, err := startSupervisor(ctx, d, o)
	if err != nil {
		return Cluster{}, errors.Join(err, os.RemoveAll(string(d)))
	}
	go func() { supervisorEnded(fmt.Errorf("the supervisor ended: %w", cmd.Wait())) }()
	api, err := newClient(d, c.Server)
	if err == nil {
		err = waitReady(ctx, api, milestones(p.logs), progress)
	}
	if err != nil {
		// It may not have come to write down its number.
		_ = cmd.Process.Kill()
		return Cluster{}, giveUp(ctx, d, o, err)
	}
	return c, nil
}

// layOut makes the directory of a new cluster.
func layOut(d dir, o Options, set programs.Set, p ports) (Cluster, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return Cluster{}, err
	}
	c := Cluster{
		Name: o.Name, Kubernetes: set.Kubernetes, Server: url("https", p.api),
		Kubeconfig: d.kubeconfig(), Kubectl: set.Kubectl, Owned: o.Owner != nil, Programs: set.Dir,
	}
	if o.Audit {
		c.AuditLog = d.audit()
	}
	if err := writeFiles(d, o.Name, c.Server); err != nil {
		return Cluster{}, err
	}
	todo := plan{Program: set.Server, Server: c.Server, Owned: c.Owned, Components: components(d, p, o.Audit)}
	return c, errors.Join(writeJSON(d.plan(), todo), writeJSON(d.cluster(), c))
}

func startSupervisor(ctx context.Context, d dir, o Options) (*exec.Cmd, error) {
	log, err := os.Create(d.log(supervisorName))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// It outlives this program.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), o.Launcher[0], append(o.Launcher[1:len(o.Launcher):len(o.Launcher)], string(d))...)
	cmd.Stdout, cmd.Stderr = log, log
	if o.Owner != nil {
		cmd.Stdin = o.Owner
	}
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the supervisor: %w", err)
	}
	return cmd, nil
}
