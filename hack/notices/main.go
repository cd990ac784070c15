// Command notices writes the licenses of everything that is linked into the released programs, as their terms ask for:
//
//	go run ./hack/notices [FILE]
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run writes the notices to the file that is named, else to out. The working directory is the top of the repository.
func run(ctx context.Context, args []string, out io.Writer) error {
	targets, err := releasedTargets(".goreleaser.yaml")
	if err != nil {
		return err
	}
	modules, err := linkedModules(ctx, targets)
	if err != nil {
		return err
	}
	text, err := notices(modules)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		_, err = io.WriteString(out, text)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(args[0]), 0o755); err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(text), 0o644) //nolint:gosec // It is for everybody to read.
}
