package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

const stepsPack = "testdata/packs/steps"

// An operation that was cut short in a hook goes on where it was: what has succeeded does not run again, the hook that still
// runs is waited for, and the revision is the same.
func TestAnInterruptedOperationIsResumed(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]os.Signal{"killed": syscall.SIGKILL, "Ctrl-C": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, failure{})
			b.cutShort(t, signal, "second", "install", "app", stepsPack, "--set", "held=second")
			first := b.uids(t)
			said := b.resumed(t, "second", "pre-install/second")
			if strings.Contains(said, "pre-install/first: Running") || !strings.Contains(said, "configmap/settings created") {
				t.Errorf("it says %s", said)
			}
			if now := b.uids(t); now != first {
				t.Errorf("the hooks were %s and are %s", first, now)
			}
			b.shows(t, "1 deployed first=Succeeded second=Succeeded third=Succeeded ")

			b.must(t, "upgrade", stepsPack, "--set", "text=two,back=true,held=back", "--skip-hooks", "pre-upgrade,post-upgrade")
			b.cutShort(t, signal, "back", "rollback", "app", "1")
			b.resumed(t, "back", "pre-rollback/back")
			b.shows(t, "3 deployed back=Succeeded ")

			b.cutShort(t, signal, "second", "upgrade", "app", stepsPack, "--set", "text=four,held=second", "--skip-hooks", "post-upgrade")
			said = b.resumed(t, "second", "pre-upgrade/second")
			if strings.Contains(said, "pre-upgrade/first: Running") || strings.Contains(said, "post-upgrade/third: Running") {
				t.Errorf("it says %s", said)
			}
			b.shows(t, "4 deployed first=Succeeded second=Succeeded third=Skipped ")
			if text := b.kubectl(t, "get", "configmap", "settings", "-o", "jsonpath={.data.text}"); text != "four" {
				t.Errorf("the content is %q", text)
			}
			if got := b.revisions(t); got != "1 superseded, 2 superseded, 3 superseded, 4 deployed" {
				t.Errorf("revisions: %s", got)
			}
		})
	}
}

// cutShort runs a command and ends it while a hook runs.
func (b *bench) cutShort(t *testing.T, signal os.Signal, hook string, args ...string) {
	t.Helper()
	command, _ := b.start(t, args...)
	b.awaitActive(t, "app-"+hook)
	if err := command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
}

// resumed goes on, lets the hook that still runs come to its end once that is waited for, and returns what was said.
func (b *bench) resumed(t *testing.T, hook, title string) string {
	t.Helper()
	command, stderr := b.start(t, "resume", "app")
	stderr.await(t, title+": Running")
	b.kubectl(t, "annotate", "pod", "-l", "batch.kubernetes.io/job-name=app-"+hook, "sim.sherpack.io/pending-")
	if code := exitCode(t, command.Wait()); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.all())
	}
	return stderr.all()
}

// uids are those of the Jobs that run before the work.
func (b *bench) uids(t *testing.T) string {
	t.Helper()
	return b.kubectl(t, "get", "job/app-first", "job/app-second", "-o", "jsonpath={.items[*].metadata.uid}")
}

// shows compares the number and phase of the newest revision, and its hooks.
func (b *bench) shows(t *testing.T, want string) {
	t.Helper()
	_, got := b.command(t, "status", "app", "-o", "jsonpath={.spec.revision} {.status.phase} {range .status.hooks[*]}{.name}={.state} {end}")
	if got = strings.ReplaceAll(got, "app-", ""); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
