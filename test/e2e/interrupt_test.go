package e2e

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A command that is interrupted while a hook runs ends its work, records it, and says what still runs.
func TestAnInterruptedCommandRecordsIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		signal os.Signal
		code   int
	}{{os.Interrupt, 130}, {syscall.SIGTERM, 143}} {
		t.Run(test.signal.String(), func(t *testing.T) {
			t.Parallel()
			session := newSession(t)
			code, stderr := session.interrupt(t, test.signal, "install", "myapp", "testdata/packs/endless")
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(stderr, "interrupted") || !strings.Contains(stderr, "/myapp-endless may still be running") {
				t.Errorf("said: %s", stderr)
			}
			status, _ := session.run(t, "status", "myapp", "-o", "jsonpath={.status.phase} {.status.hooks[0].state}")
			if status != "failed Failed" {
				t.Errorf("status: %s", status)
			}
			session.run(t, "install", "myapp", "testdata/packs/endless", "--set", "runFor=0s")
			session.run(t, "uninstall", "myapp")
		})
	}
}

// interrupt runs a command, sends it a signal as soon as a hook runs, and returns how it ended.
func (s *session) interrupt(t *testing.T, signal os.Signal, args ...string) (code int, stderr string) {
	t.Helper()
	command := exec.Command(program(t), append(args, "--kubeconfig", s.kubeconfig, "--namespace", s.namespace)...)
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasSuffix(lines.Text(), ": Running") {
			s.awaitActive(t, "myapp-endless")
			if err := command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
	}
	var status *exec.ExitError
	if err := command.Wait(); !errors.As(err, &status) {
		t.Fatalf("ended with %v: %s", err, said.String())
	}
	return status.ExitCode(), said.String()
}
