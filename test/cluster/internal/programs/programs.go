// Package programs builds the two programs a cluster consists of, the server
// and a kubectl of the same version, and keeps them for later.
package programs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Set is a directory with built programs.
type Set struct {
	// Dir holds the programs and nothing else.
	Dir string
	// Server is the path of the program that is every component.
	Server string
	// Kubectl is the path of kubectl.
	Kubectl string
	// Kubernetes is the version of both, like v1.36.3.
	Kubernetes string
}

// Cache keeps a Set for each version of Sources that was ever asked for.
type Cache struct {
	// Dir is where the sets are kept. It is made when needed.
	Dir string
	// Sources is a Go module with the server's main package in "server" and
	// k8s.io/kubernetes/cmd/kubectl as a tool.
	Sources fs.FS
}

// Get returns the programs built from the cache's sources, building them first
// if that has not been done yet. It tells progress what it does when that takes
// time. Of several callers at once, in whatever process, one builds.
func (c Cache) Get(ctx context.Context, progress io.Writer) (Set, error) {
	set, err := c.set()
	if err != nil || set.built() {
		return set, err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return Set{}, fmt.Errorf("make the cache: %w", err)
	}
	fmt.Fprintf(progress, "the programs of Kubernetes %s are not in the cache yet: building, or waiting for another build\n", set.Kubernetes)
	unlock, err := lockedfile.MutexAt(filepath.Join(c.Dir, "lock")).Lock()
	if err != nil {
		return Set{}, fmt.Errorf("lock the cache: %w", err)
	}
	defer unlock()
	if set.built() {
		return set, nil
	}
	if err := c.sweep(); err != nil {
		return Set{}, err
	}
	return set, builder{set: set, sources: c.Sources, progress: progress}.build(ctx)
}

// sweep removes what builds left that were ended by force.
func (c Cache) sweep() error {
	left, err := filepath.Glob(filepath.Join(c.Dir, buildPattern))
	if err != nil {
		return fmt.Errorf("look for left builds: %w", err)
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove a left build: %w", err)
		}
	}
	return nil
}

func (c Cache) set() (Set, error) {
	version, err := kubernetesVersion(c.Sources)
	if err != nil {
		return Set{}, err
	}
	sum, err := hash(c.Sources)
	if err != nil {
		return Set{}, err
	}
	dir := filepath.Join(c.Dir, version+"-"+sum)
	return Set{
		Dir:        dir,
		Server:     filepath.Join(dir, "server"+exe()),
		Kubectl:    filepath.Join(dir, "kubectl"+exe()),
		Kubernetes: version,
	}, nil
}

func (s Set) built() bool {
	_, err := os.Stat(s.Dir)
	return err == nil
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

var requirement = regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes (v\S+)`)

func kubernetesVersion(sources fs.FS) (string, error) {
	mod, err := fs.ReadFile(sources, "go.mod")
	if err != nil {
		return "", fmt.Errorf("read the server's sources: %w", err)
	}
	found := requirement.FindSubmatch(mod)
	if found == nil {
		return "", errors.New("read the server's go.mod: it does not require k8s.io/kubernetes")
	}
	return string(found[1]), nil
}

// hash returns twelve letters that differ for different sources.
func hash(sources fs.FS) (string, error) {
	sum := sha256.New()
	err := eachSource(sources, func(path string, content []byte) error {
		fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return nil
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// eachSource calls visit for every file that goes into the programs, in the
// order of their paths.
func eachSource(sources fs.FS, visit func(path string, content []byte) error) error {
	return fs.WalkDir(sources, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := fs.ReadFile(sources, path)
		if err != nil {
			return fmt.Errorf("read the server's sources: %w", err)
		}
		return visit(path, content)
	})
}
