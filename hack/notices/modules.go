package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// program is what is released.
const program = "./cmd/kubectl-sherpack"

// standardLibrary is what notices call the packages that come with Go.
const standardLibrary = "the Go standard library"

// target is a platform that the program is built for.
type target struct{ goos, goarch string }

// module is a Go module of which something is linked into the program.
type module struct {
	// Name is its path and version.
	Name string
	// Dir is its top folder.
	Dir string
	// Folders are those of the packages that are linked, at or below Dir.
	Folders []string
}

// releasedTargets reads what goreleaser builds.
func releasedTargets(file string) ([]target, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config struct {
		Builds []struct{ Goos, Goarch []string }
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	var targets []target
	for _, build := range config.Builds {
		for _, goos := range build.Goos {
			for _, goarch := range build.Goarch {
				targets = append(targets, target{goos, goarch})
			}
		}
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("%s builds nothing", file)
	}
	return targets, nil
}

// linkedModules returns the modules that are linked into the program for any of some targets, by name: the standard library
// as one of them, the program's own not.
func linkedModules(ctx context.Context, targets []target) ([]module, error) {
	found := map[string]module{}
	for _, t := range targets {
		if err := t.list(ctx, found); err != nil {
			return nil, fmt.Errorf("listing the packages for %s/%s: %w", t.goos, t.goarch, err)
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b module) int { return strings.Compare(a.Name, b.Name) }), nil
}

// listed is what go list says of a package.
type listed struct {
	Dir      string
	Root     string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// list adds the modules of the packages that are linked for a target.
func (t target) list(ctx context.Context, found map[string]module) error {
	command := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Root,Standard,Module", program)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.goos, "GOARCH="+t.goarch)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, problems.String())
	}
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p listed
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		p.add(found)
	}
}

func (p listed) add(found map[string]module) {
	m := module{Name: standardLibrary, Dir: p.Root}
	folder := p.Root
	if !p.Standard {
		if p.Module == nil || p.Module.Main {
			return
		}
		m.Name, m.Dir, folder = p.Module.Path+" "+p.Module.Version, p.Module.Dir, p.Dir
	}
	if known, ok := found[m.Name]; ok {
		m = known
	}
	folder = filepath.Clean(folder)
	if !slices.Contains(m.Folders, folder) {
		m.Folders = append(m.Folders, folder)
	}
	found[m.Name] = m
}
