package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/cluster"
	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/programs"
)

const usage = `usage: cluster COMMAND [FLAGS]

  up       start a cluster, or find the one that runs, and print the path of its kubeconfig
  down     stop a cluster and remove all that belongs to it
  restart  end a component of a cluster, as in "restart etcd", and start it again
  status   list the clusters
  bin      print the directory with the kubectl of the cluster's version
`

const verbs = "up, down, restart, status, bin, help"

// launcher is the command line of this program.
type launcher struct {
	out      io.Writer
	progress io.Writer
	stdin    *os.File
}

func (l launcher) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("name a command: %s", verbs)
	}
	verb, args := args[0], args[1:]
	switch verb {
	case "up":
		return l.up(ctx, args)
	case "down":
		return l.down(ctx, args)
	case "restart":
		return l.restart(ctx, args)
	case "status":
		return l.status(ctx, args)
	case "bin":
		return l.bin(ctx, args)
	case superviseVerb:
		return l.supervise(ctx, args)
	case "help", "-h", "--help":
		fmt.Fprint(l.out, usage)
		return nil
	}
	return fmt.Errorf("no command %q: it is one of %s", verb, verbs)
}

// superviseVerb is how up starts this program again, to hold a cluster.
const superviseVerb = "supervise"

func (l launcher) up(ctx context.Context, args []string) error {
	flags, dir := l.flags("up")
	var o cluster.Options
	nameVar(flags, &o.Name)
	flags.BoolVar(&o.Audit, "audit", false, "keep an audit log")
	owned := flags.Bool("owned", false, "stop the cluster and remove it when the standard input of this command ends")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *owned {
		o.Owner = l.stdin
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	o.Launcher = []string{self, superviseVerb}
	set, err := l.programs(ctx)
	if err != nil {
		return err
	}
	root, err := rootOf(*dir)
	if err != nil {
		return err
	}
	c, err := root.Up(ctx, o, set, l.progress)
	if err != nil {
		return err
	}
	fmt.Fprintln(l.out, c.Kubeconfig)
	return nil
}

func (l launcher) down(ctx context.Context, args []string) error {
	flags, dir := l.flags("down")
	var name string
	nameVar(flags, &name)
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := rootOf(*dir)
	if err != nil {
		return err
	}
	return root.Down(ctx, name)
}

func (l launcher) restart(ctx context.Context, args []string) error {
	flags, dir := l.flags("restart")
	var name string
	nameVar(flags, &name)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("restart: name one component after the flags")
	}
	root, err := rootOf(*dir)
	if err != nil {
		return err
	}
	return root.Restart(ctx, name, flags.Arg(0))
}

func (l launcher) status(ctx context.Context, args []string) error {
	flags, dir := l.flags("status")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := rootOf(*dir)
	if err != nil {
		return err
	}
	all, err := root.List(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		printSummary(l.out, s)
	}
	return nil
}

func printSummary(w io.Writer, s cluster.Summary) {
	fmt.Fprintf(w, "%s: %s\n", s.Name, s.State)
	for _, line := range [][2]string{
		{"server", s.Server},
		{"kubernetes", s.Kubernetes},
		{"kubeconfig", s.Kubeconfig},
		{"kubectl", s.Kubectl},
		{"audit log", s.AuditLog},
		{"processes", strings.Join(s.Processes, ", ")},
		{"ended", s.Reason},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "  %-12s%s\n", line[0]+":", line[1])
		}
	}
}

func (l launcher) bin(ctx context.Context, args []string) error {
	flags, _ := l.flags("bin")
	if err := flags.Parse(args); err != nil {
		return err
	}
	set, err := l.programs(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(l.out, set.Dir)
	return nil
}

func (l launcher) supervise(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("supervise: name the directory of one cluster")
	}
	return cluster.Supervise(ctx, args[0], l.stdin)
}

func (l launcher) flags(verb string) (*flag.FlagSet, *string) {
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.SetOutput(l.progress)
	dir := flags.String("dir", "", "directory that holds the clusters (default: in the user's cache directory)")
	return flags, dir
}

func nameVar(flags *flag.FlagSet, name *string) {
	flags.StringVar(name, "name", "default", "name of the cluster")
}

func (l launcher) programs(ctx context.Context) (programs.Set, error) {
	cache, err := cacheDir()
	if err != nil {
		return programs.Set{}, err
	}
	return programs.Cache{Dir: filepath.Join(cache, "bin"), Sources: sources}.Get(ctx, l.progress)
}

func rootOf(dir string) (cluster.Root, error) {
	if dir != "" {
		return cluster.Root(dir), nil
	}
	cache, err := cacheDir()
	return cluster.Root(filepath.Join(cache, "clusters")), err
}

func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache: %w", err)
	}
	return filepath.Join(cache, "kubectl-sherpack", "test-cluster"), nil
}
