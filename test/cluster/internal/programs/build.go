package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tick is how often a running build says that it is still running.
const tick = 10 * time.Second

// buildPattern is what the directory of a running build is called.
const buildPattern = "build-*"

// builder builds one Set.
type builder struct {
	set      Set
	sources  fs.FS
	progress io.Writer
}

// build compiles both programs into a directory of their own, which gets its
// final name only when it is whole.
func (b builder) build(ctx context.Context) (err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("build the programs of the cluster: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(b.set.Dir), buildPattern)
	if err != nil {
		return fmt.Errorf("build the programs of the cluster: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	module, bin := filepath.Join(work, "src"), filepath.Join(work, "bin")
	if err := b.unpack(module); err != nil {
		return err
	}
	fmt.Fprintln(b.progress, "this takes 7 to 10 minutes on 2 cores with an empty Go build cache, and less than a minute with a full one")
	if err := b.compile(ctx, module, filepath.Join(bin, filepath.Base(b.set.Server)), "./server"); err != nil {
		return err
	}
	if err := b.compile(ctx, module, filepath.Join(bin, filepath.Base(b.set.Kubectl)), "k8s.io/kubernetes/cmd/kubectl"); err != nil {
		return err
	}
	if err := os.Rename(bin, b.set.Dir); err != nil {
		return fmt.Errorf("put the programs into the cache: %w", err)
	}
	return nil
}

func (b builder) unpack(dir string) error {
	return eachSource(b.sources, func(path string, content []byte) error {
		target := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("unpack the server's sources: %w", err)
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return fmt.Errorf("unpack the server's sources: %w", err)
		}
		return nil
	})
}

func (b builder) compile(ctx context.Context, module, output, pkg string) error {
	name := strings.TrimSuffix(filepath.Base(output), exe())
	done := b.watch(name)
	defer done()
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", b.ldflags(), "-o", output, pkg)
	cmd.Dir = module
	// Nothing of the caller's own build settings may change what is built.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return nil
}

// ldflags sets the version that clients see: they cannot parse that of a plain
// go build.
func (b builder) ldflags() string {
	const version = "k8s.io/component-base/version."
	minor := strings.Split(b.set.Kubernetes, ".")[1]
	return fmt.Sprintf("-s -w -X %[1]sgitVersion=%[2]s -X %[1]sgitMajor=1 -X %[1]sgitMinor=%[3]s -X %[1]sgitTreeState=clean",
		version, b.set.Kubernetes, minor)
}

// watch reports the elapsed time of a step until the returned function is called.
func (b builder) watch(name string) (done func()) {
	start, stop, stopped := time.Now(), make(chan struct{}), make(chan struct{})
	fmt.Fprintf(b.progress, "building %s ...\n", name)
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintf(b.progress, "building %s ... %s\n", name, time.Since(start).Round(time.Second))
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		fmt.Fprintf(b.progress, "building %s: %s\n", name, time.Since(start).Round(time.Second))
	}
}
