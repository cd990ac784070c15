package storage

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// hidden is a file system of processes in which those of other users are hidden, as with hidepid=2.
func hidden(t *testing.T) processes {
	t.Helper()
	folder := t.TempDir()
	for link, target := range map[string]string{"self": strconv.Itoa(os.Getpid()), "sys": "/proc/sys"} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/proc/self", filepath.Join(folder, strconv.Itoa(os.Getpid()))); err != nil {
		t.Fatal(err)
	}
	return processes(folder)
}

// endedProcess returns the number of a process that has ended, and is a zombie until the test ends if it is to be.
func endedProcess(t *testing.T, zombie bool) int {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^$")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if !zombie {
		_ = command.Wait()
		return command.Process.Pid
	}
	t.Cleanup(func() { _ = command.Wait() })
	// Its output ends with it, and the kernel has noted its end a moment later.
	buffer := make([]byte, 1<<10)
	for err == nil {
		_, err = out.Read(buffer)
	}
	for pid := command.Process.Pid; ; {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), ") Z ") {
			return pid
		}
	}
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	t.Run("one has ended only if that is sure", processHasEndedOnlyIfThatIsSure)
	t.Run("a machine is not known where the file system shows another's", aMachineIsNotKnownWhereTheFileSystemShowsAnothers)
}

func processHasEndedOnlyIfThatIsSure(t *testing.T) {
	t.Parallel()
	const whole, lives, over = processes("/proc"), false, true
	parent := os.Getppid()
	started := whole.started(parent)
	if started == "" {
		t.Fatal("the start of the parent cannot be read")
	}
	for name, test := range map[string]struct {
		processes processes
		pid       int
		started   string
		want      bool
	}{
		"it runs": {whole, parent, started, lives},
		"it runs, and nobody knows when it began": {whole, parent, "", lives},
		"another one has its number":              {whole, parent, started + "0", over},
		"it is hidden":                            {hidden(t), parent, started, lives},
		"it is hidden, and another one":           {hidden(t), parent, started + "0", lives},
		"there is no file system of processes":    {processes("/nonexistent"), parent, started, lives},
		"it has ended":                            {whole, endedProcess(t, false), started, over},
		"it has ended where others are hidden":    {hidden(t), endedProcess(t, false), started, over},
		"its parent does not know of its end":     {whole, endedProcess(t, true), "", over},
		"a group of processes":                    {whole, -1, started, lives},
		"no process":                              {whole, 0, started, lives},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.processes.ended(test.pid, test.started); got != test.want {
				t.Errorf("ended: %v, want %v", got, test.want)
			}
		})
	}
}

func aMachineIsNotKnownWhereTheFileSystemShowsAnothers(t *testing.T) {
	t.Parallel()
	if hostProcesses().machine() == "" {
		t.Error("this machine is not known")
	}
	folder := t.TempDir()
	for link, target := range map[string]string{"self": "1", "sys": "/proc/sys", "1": "/proc/self"} {
		if err := os.Symlink(target, filepath.Join(folder, link)); err != nil {
			t.Fatal(err)
		}
	}
	if got := processes(folder).machine(); got != "" {
		t.Errorf("the machine is %q", got)
	}
}
