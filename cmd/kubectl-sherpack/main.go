// Command kubectl-sherpack is a kubectl plugin that installs and removes applications with lifecycle hooks.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/plugin"
)

// Set by the linker.
var version, commit, date string

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	// Whoever reads our output may go away; continuing all the same.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go interrupt(signals, cancel)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(plugin.Main(ctx, plugin.Arguments(os.Args), streams, plugin.NewBuild(version, commit, date)))
}

// interrupt ends the work at the first signal, and the program at the second: whoever asks twice does not want to wait
// for the record, and the next command heals what is left. Shells may deliver one Ctrl-C twice.
func interrupt(signals <-chan os.Signal, cancel context.CancelCauseFunc) {
	first := plugin.Interrupt{Signal: number(<-signals)}
	cancel(first)
	for since := time.Now(); ; {
		<-signals
		if time.Since(since) > time.Second {
			os.Exit(first.ExitCode())
		}
	}
}

func number(received os.Signal) int {
	if known, ok := received.(syscall.Signal); ok {
		return int(known)
	}
	return int(syscall.SIGINT)
}
