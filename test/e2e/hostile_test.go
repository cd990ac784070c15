//go:build unix

package e2e

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// What hostile input may take at most. Both are many times what it takes, even on a machine that is busy.
const (
	hostileTime   = 5 * time.Minute
	hostileMemory = 2 << 30
)

// hostile is input that a command must refuse.
type hostile struct {
	// files are those of the pack that are special; Pack.yaml and one template are there unless they are among these.
	files map[string]string
	// prepare does to the folder of the pack what files cannot say; nil does nothing. It returns the path of the pack.
	prepare func(t *testing.T, folder string) string
	args    []string
	// code is the exit code, and says is in the error.
	code int
	says string
}

const (
	plainPack     = "apiVersion: sherpack/v1\nkind: application\nmetadata: {name: hostile, version: 1.0.0}\n"
	plainTemplate = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hostile}\n"
)

// refuse installs each pack, one after the other, because each may take much memory. All must be refused in time, with a
// clear error, and before anything is written.
func refuse(t *testing.T, cases map[string]hostile) {
	t.Helper()
	session := newSession(t)
	for _, title := range sample(t, slices.Sorted(maps.Keys(cases)), *rows) {
		test := cases[title]
		t.Run(title, func(t *testing.T) {
			folder := t.TempDir()
			files := map[string]string{"Pack.yaml": plainPack, "templates/hostile.yaml": plainTemplate}
			maps.Copy(files, test.files)
			for name, text := range files {
				write(t, filepath.Join(folder, name), text)
			}
			path := folder
			if test.prepare != nil {
				path = test.prepare(t, folder)
			}
			got := session.bounded(t, slices.Concat([]string{"install", "hostile", path}, within(folder, test.args))...)
			if got.code != test.code || !strings.Contains(got.stderr, test.says) {
				t.Errorf("exit code %d, want %d and %q: %.500s", got.code, test.code, test.says, got.stderr)
			}
		})
	}
	if found := session.changes(); len(found) > 0 {
		t.Errorf("%d requests that write: %v", len(found), found)
	}
}

// within replaces the word "given" among arguments by the path of the file of values that is in the folder of a pack.
func within(folder string, args []string) []string {
	replaced := slices.Clone(args)
	if i := slices.Index(args, "given"); i >= 0 {
		replaced[i] = filepath.Join(folder, "given", "values.yaml")
	}
	return replaced
}

// changes are the requests that write, but for those of the lock.
func (s *session) changes() []proxy.Request {
	return slices.DeleteFunc(s.proxy.Writes(), func(r proxy.Request) bool { return strings.Contains(r.Path, "/leases") })
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// bounded runs a command, and fails the test if it takes too much time or memory, or breaks down.
func (s *session) bounded(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hostileTime)
	defer cancel()
	command := exec.CommandContext(ctx, program(t), append(args, "--kubeconfig", s.kubeconfig, "--namespace", s.namespace)...)
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	start := time.Now()
	err := command.Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("it takes longer than %s", hostileTime)
	case err != nil && !errors.As(err, &ended):
		t.Fatal(err)
	}
	memory := peak(command.ProcessState)
	t.Logf("%.1f s, %d MiB", time.Since(start).Seconds(), memory>>20)
	if memory > hostileMemory {
		t.Errorf("it takes %d MiB", memory>>20)
	}
	for _, word := range []string{"panic:", "goroutine ", "fatal error:", "broke down", "runtime error"} {
		if strings.Contains(stderr.String(), word) {
			t.Errorf("it breaks down: %.1000s", stderr.String())
		}
	}
	const longest = 64 << 10
	if stderr.Len() > longest {
		t.Errorf("the error has %d bytes", stderr.Len())
	}
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// peak is the most memory that a process has had, in bytes. On Linux it is never less than the test itself had when it started
// the process.
func peak(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return usage.Maxrss
	}
	const kilobyte = 1 << 10
	return usage.Maxrss * kilobyte
}
