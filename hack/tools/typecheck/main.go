// Command typecheck type-checks the programs of a module with all that they import, for other systems than this one:
//
//	go run -C hack/tools ./typecheck FOLDER GOOS/GOARCH...
//
// That takes seconds for each, where compiling and linking them would take minutes, and finds the same mistakes in Go code.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: typecheck FOLDER GOOS/GOARCH...")
		os.Exit(2)
	}
	for _, target := range os.Args[2:] {
		if err := check(os.Args[1], target); err != nil {
			fmt.Fprintf(os.Stderr, "error: %s: %v\n", target, err)
			os.Exit(1)
		}
		fmt.Printf("%s: fine\n", target)
	}
}

// check type-checks what is below the folder cmd of a module, from the source of all packages. target is GOOS/GOARCH.
func check(folder, target string) error {
	system, architecture, found := strings.Cut(target, "/")
	if !found {
		return errors.New("no target: want GOOS/GOARCH")
	}
	loaded, err := packages.Load(&packages.Config{
		// All of these together have every package read from its source, not from what a compiler made of it.
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps |
			packages.NeedTypes | packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedModule,
		Dir: folder,
		Env: append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+architecture),
	}, "./cmd/...")
	if err != nil {
		return err
	}
	if len(loaded) == 0 {
		return errors.New("there are no programs below cmd")
	}
	var errs []error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, problem := range p.Errors {
			errs = append(errs, problem)
		}
	})
	return errors.Join(errs...)
}
