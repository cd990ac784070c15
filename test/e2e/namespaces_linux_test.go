package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// contained returns a command as it runs in a container of this host: in a PID namespace of its own, with a /proc that shows
// only that. The test is skipped where the system does not allow it.
func (b *bench) contained(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	flags := []string{"--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if err := exec.Command("unshare", append(flags, "true")...).Run(); err != nil {
		t.Skipf("this system has no PID namespaces for its users: unshare: %v", err)
	}
	flags = append(flags, program(t))
	return exec.Command("unshare", append(append(flags, args...), "--kubeconfig", b.kubeconfig, "--namespace", b.namespace)...)
}

// Process numbers of another PID namespace of the same host mean nothing: a command in a container is number 1 there, and that
// number 1 of the host was started at another time does not say that it is dead.
func TestACommandInAnotherPIDNamespaceKeepsItsLock(t *testing.T) {
	t.Parallel()
	b := newBench(t, failure{})
	inside := b.contained(t, "install", "app", stepsPack, "--set", "held=second")
	said := b.begin(t, inside)
	b.awaitActive(t, "app-second")
	if code, out := b.command(t, "upgrade", "app", stepsPack); code != 5 || !strings.Contains(out, " is locked by process 1 on ") {
		t.Errorf("a living holder: exit code %d: %s", code, out)
	}
	b.release(t, b.kubectl(t, "get", "job/app-second", "-o", "jsonpath={.metadata.uid}"))
	if code := exitCode(t, inside.Wait()); code != 0 {
		t.Fatalf("exit code %d: %s", code, said.all())
	}
	b.shows(t, "1 deployed first=Succeeded second=Succeeded third=Succeeded ")
}

// A command in a container that was killed is recovered from outside of it, and the other way round.
func TestACommandInAnotherPIDNamespaceIsRecovered(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]struct {
		killed, next func(*bench, *testing.T, ...string) *exec.Cmd
	}{
		"from outside": {killed: (*bench).contained, next: (*bench).onHost},
		"from inside":  {killed: (*bench).onHost, next: (*bench).contained},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, failure{})
			killed := start.killed(b, t, "install", "app", stepsPack, "--set", "held=second")
			b.begin(t, killed)
			b.awaitActive(t, "app-second")
			if err := killed.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = killed.Wait()
			next := start.next(b, t, "resume", "app", "--lock-timeout", "2m")
			said := b.begin(t, next)
			said.await(t, "pre-install/second: Running")
			b.release(t, b.kubectl(t, "get", "job/app-second", "-o", "jsonpath={.metadata.uid}"))
			if code := exitCode(t, next.Wait()); code != 0 {
				t.Fatalf("exit code %d: %s", code, said.all())
			}
			b.shows(t, "1 deployed first=Succeeded second=Succeeded third=Succeeded ")
		})
	}
}
