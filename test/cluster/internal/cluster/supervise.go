package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/pid"
)

// supervisorName stands for the supervisor where components are listed.
const supervisorName = "supervisor"

// member is a process of a running cluster.
type member struct {
	Component string `json:"component"`
	pid.ID
}

// plan is what a supervisor is to run.
type plan struct {
	// Program is the path of the server program.
	Program    string      `json:"program"`
	Server     string      `json:"server"`
	Owned      bool        `json:"owned,omitempty"`
	Components []component `json:"components"`
}

// Supervise runs the components of the cluster in directory path until one of
// them ends that is not to be restarted, or, if the cluster is owned, until owner ends: then nothing of the
// cluster is left. It is the whole life of a process of its own, and whatever
// ends that process ends the components, too.
func Supervise(ctx context.Context, path string, owner io.Reader) error {
	s := supervisor{dir: dir(path), ended: make(chan error, 1)}
	if err := readJSON(s.dir.plan(), &s.plan); err != nil {
		return err
	}
	self, err := pid.Of(os.Getpid())
	if err != nil {
		return err
	}
	if err := s.record(member{Component: supervisorName, ID: self}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if s.plan.Owned {
		go func() {
			_, _ = io.Copy(io.Discard, owner)
			cancel(errOwnerGone)
		}()
	}
	err = s.run(ctx)
	if !s.plan.Owned {
		return err
	}
	// Whoever owns the cluster may still want to read why it ended.
	<-ctx.Done()
	return errors.Join(err, os.RemoveAll(path))
}

var errOwnerGone = errors.New("the owner of the cluster is gone")

// supervisor holds the processes of one cluster.
type supervisor struct {
	dir  dir
	plan plan
	// ended gets the first component's end.
	ended chan error

	mu      sync.Mutex
	members []member
}

// run starts all components and returns when the first of them, or ctx, has
// ended and all others are gone, too.
func (s *supervisor) run(ctx context.Context) error {
	// The components end when nobody holds the other end of their standard input.
	stdin, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hold.Close()
	defer stdin.Close()
	ctx, stop := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop(nil)
	go func() {
		select {
		case err := <-s.ended:
			_ = os.WriteFile(s.dir.ended(), []byte(err.Error()), 0o600)
			stop(err)
		case <-ctx.Done():
		}
	}()
	if err := s.start(ctx, stdin, &running); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (s *supervisor) start(ctx context.Context, stdin *os.File, running *sync.WaitGroup) error {
	api, err := newClient(s.dir, s.plan.Server)
	if err != nil {
		return err
	}
	for _, c := range s.plan.Components {
		if c.NeedsAPI {
			if err := poll(ctx, func(ctx context.Context) error { return apiReady(ctx, api) }); err != nil {
				return err
			}
		}
		if err := s.startOne(ctx, c, stdin, running); err != nil {
			return err
		}
	}
	return nil
}

func (s *supervisor) startOne(ctx context.Context, c component, stdin *os.File, running *sync.WaitGroup) error {
	log, err := os.OpenFile(s.dir.log(c.Name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, s.plan.Program, append([]string{c.Name}, c.Args...)...)
	cmd.Dir = string(s.dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, log, log
	// kwok would read a configuration of the user's own.
	cmd.Env = append(os.Environ(), "KWOK_WORKDIR="+string(s.dir))
	if os.Getenv("GOGC") == "" {
		// There is memory to spare, and the collector would take a tenth of the processors.
		cmd.Env = append(cmd.Env, "GOGC=300")
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.Name, err)
	}
	running.Go(func() {
		_ = cmd.Wait()
		if restarted(s.dir, c.Name) && s.startOne(ctx, c, stdin, running) == nil {
			return
		}
		select {
		case s.ended <- fmt.Errorf("%s: %s", c.Name, cmd.ProcessState):
		default: // another was first, and this one was ended because of it
		}
	})
	id, err := pid.Of(cmd.Process.Pid)
	if err != nil {
		return err
	}
	return s.record(member{Component: c.Name, ID: id})
}

// record writes down a process, in place of one that did the same before.
func (s *supervisor) record(m member) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members = slices.DeleteFunc(s.members, func(former member) bool { return former.Component == m.Component })
	s.members = append(s.members, m)
	return writeJSON(s.dir.members(), s.members)
}
