// Command kubectl-sherpack is a kubectl plugin that installs and removes applications with lifecycle hooks.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

// Set by the linker.
var version, commit, date = "dev", "", ""

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := plugin.Interrupt{Terminated: <-signals == syscall.SIGTERM}
		cancel(first)
		// Whoever asks twice does not want to wait for the record; the next command heals what is left.
		<-signals
		os.Exit(first.ExitCode())
	}()
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	build := plugin.Build{Version: version, Commit: commit, Date: date}
	os.Exit(plugin.Main(ctx, os.Args[1:], streams, build))
}
