package pid_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/pid"
)

func TestTheOwnProcessIsAlive(t *testing.T) {
	t.Parallel()
	id, err := pid.Of(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !id.Alive() {
		t.Errorf("%v should be alive", id)
	}
}

func TestAnotherProcessOfTheSameNumberIsLeftAlone(t *testing.T) {
	t.Parallel()
	child := startChild(t)
	id, err := pid.Of(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	older := pid.ID{PID: id.PID, Started: id.Started + "0"}
	if older.Alive() {
		t.Error("a process that started at another time is not the same")
	}
	if err := older.Kill(); err != nil {
		t.Fatal(err)
	}
	if !id.Alive() {
		t.Error("the process was ended in place of an older one")
	}
}

func TestAKilledProcessIsGoneEvenAsAZombie(t *testing.T) {
	t.Parallel()
	child := startChild(t)
	id, err := pid.Of(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Kill(); err != nil {
		t.Fatal(err)
	}
	// Nobody has waited for it yet.
	for id.Alive() {
		if t.Context().Err() != nil {
			t.Fatal("the process lives on")
		}
	}
	if err := id.Kill(); err != nil {
		t.Errorf("killing it twice: %v", err)
	}
}

// startChild starts this test binary once more, waiting for input that never comes.
func startChild(t *testing.T) *exec.Cmd {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChildProcess$")
	child.Env = append(os.Environ(), "PID_TEST_CHILD=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = child.Wait()
	})
	return child
}

// TestChildProcess is the child of the other tests, and does nothing when it is run as a test.
func TestChildProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("PID_TEST_CHILD") == "1" {
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
}
