package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// ownVerb has the test program own a cluster: it starts one in the directory
// that follows, prints the path of its kubeconfig, and waits to be killed.
const ownVerb = "own"

// TestMain stands in for the programs that a cluster is made of, too: the
// launcher starts itself again as a supervisor, and here it is the test program.
func TestMain(m *testing.M) {
	verb := ""
	if len(os.Args) > 1 {
		verb = os.Args[1]
	}
	switch verb {
	case superviseVerb:
		main()
	case ownVerb:
		own(os.Args[2])
	case "etcd": // of a cluster that cannot start
		fmt.Fprintln(os.Stderr, "no space left on device")
	case "kube-apiserver":
		_, _ = io.Copy(io.Discard, os.Stdin)
	default:
		m.Run()
	}
}

func own(dir string) {
	c, err := upOwned(os.Stdout, "--dir", dir, "--name", "owned")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = c.owner.Close()
}

// owned is a cluster that belongs to this process.
type owned struct {
	kubeconfig string
	// owner keeps the cluster alive until it is closed.
	owner *os.File
}

// upOwned starts a cluster and prints the path of its kubeconfig to out.
func upOwned(out io.Writer, args ...string) (owned, error) {
	stdin, owner, err := os.Pipe()
	if err != nil {
		return owned{}, err
	}
	defer stdin.Close()
	var printed strings.Builder
	l := launcher{out: io.MultiWriter(out, &printed), progress: os.Stderr, stdin: stdin}
	err = l.run(context.Background(), append([]string{"up", "--owned"}, args...))
	return owned{kubeconfig: strings.TrimSpace(printed.String()), owner: owner}, err
}

// shared starts the cluster that the tests of Pods share.
//
//nolint:gochecknoglobals // There is no other place for what all tests of a process share.
var shared = sync.OnceValues(func() (owned, error) {
	return upOwned(io.Discard, "--name", fmt.Sprintf("test-%d", os.Getpid()))
})

// launch runs the launcher and returns what it prints.
func launch(ctx context.Context, progress io.Writer, args ...string) (string, error) {
	var out strings.Builder
	l := launcher{out: &out, progress: progress}
	err := l.run(ctx, args)
	return strings.TrimSpace(out.String()), err
}

// mustLaunch is launch for tests that want no error.
func mustLaunch(t *testing.T, args ...string) string {
	t.Helper()
	out, err := launch(t.Context(), os.Stderr, args...)
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out
}

// kubectl runs kubectl and returns what it prints, with the error if it fails.
func kubectl(t *testing.T, kubeconfig, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(mustLaunch(t, "bin"), "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// mustKubectl is kubectl for tests that want no error.
func mustKubectl(t *testing.T, kubeconfig string, args ...string) string {
	t.Helper()
	out, err := kubectl(t, kubeconfig, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// startOwner starts a process that owns a cluster below dir, and returns it
// when the cluster is ready.
func startOwner(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], ownVerb, dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("the owner says %q: %v", line, err)
	}
	return cmd
}
