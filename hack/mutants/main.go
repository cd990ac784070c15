// Command mutants breaks the program on purpose, one line at a time, and says which of these mutants no test notices:
//
//	go run ./hack/mutants [-run REGEXP] [-parallel N] [-list]
//
// The tree is never written: a mutated file reaches the build as an overlay, that of the program in end-to-end tests as well.
// Tests that use a cluster need SHERPACK_KUBECONFIG; make mutants starts one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// errSurvivors is returned where a mutant survives that has no right to.
var errSurvivors = errors.New("mutants survive; each needs a test, or a reason to live")

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	chosen := flags.String("run", "", "only mutants whose name matches")
	parallel := flags.Int("parallel", max(1, runtime.NumCPU()/2), "how many run at once")
	limit := flags.Duration("timeout", 10*time.Minute, "how long the tests of one mutant may take, each command")
	control := flags.Bool("control", true, "run all tests without a mutation first")
	list := flags.Bool("list", false, "print the table and do nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	matches, err := regexp.Compile(*chosen)
	if err != nil {
		return err
	}
	var mutants []mutant
	for _, m := range table() {
		if err := m.check("."); err != nil {
			return err
		}
		if matches.MatchString(m.name) {
			mutants = append(mutants, m)
		}
	}
	if *list {
		printTable(mutants)
		return nil
	}
	lab := laboratory{limit: *limit, parallel: *parallel, cluster: os.Getenv("SHERPACK_KUBECONFIG") != ""}
	if *control {
		if err := lab.control(ctx, mutants); err != nil {
			return err
		}
	}
	return lab.runAll(ctx, mutants)
}

func printTable(mutants []mutant) {
	for _, m := range mutants {
		fmt.Printf("%s\n  %s: %s\n", m.name, m.file, m.means)
	}
	fmt.Printf("%d mutants\n", len(mutants))
}
