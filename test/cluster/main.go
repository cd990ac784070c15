// Command cluster runs real Kubernetes control planes on this machine, for
// tests, demonstrations and benchmarks. It builds what it runs from Go modules;
// README.md describes it.
package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// sources are the programs of a cluster, carried along so that they can be
// built wherever this program is run.
//
//go:embed go.mod go.sum server/*.go kubelet/*.go
var sources embed.FS

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l := launcher{out: os.Stdout, progress: os.Stderr, stdin: os.Stdin}
	return l.run(ctx, os.Args[1:])
}
