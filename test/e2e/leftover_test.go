package e2e

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killedHooks are the Jobs of the hooks that every installation and upgrade of the pack runs.
func killedHooks() []string { return []string{"app-first", "app-second", "app-last"} }

// jobs are the UIDs of the Jobs that there are.
func (b *killBench) jobs(t *testing.T) string {
	t.Helper()
	return b.kubectl(t, "get", "jobs", "-o", "jsonpath={.items[*].metadata.uid}")
}

// awaitNew waits until it has seen each hook succeed in a Job that is not one of those that a killed command left: none of
// these counts for the command that comes after it.
func (w *witness) awaitNew(t *testing.T, left string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		missing := w.without(left)
		if len(missing) == 0 {
			return
		}
		select {
		case <-w.news:
		case <-ctx.Done():
			t.Errorf("%s did not run for the next command", strings.Join(missing, ", "))
			return
		}
	}
}

// without are the hooks of which no Job has succeeded but those that were left.
func (w *witness) without(left string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var missing []string
	for _, name := range killedHooks() {
		if !w.ran(name, left) {
			missing = append(missing, name)
		}
	}
	return missing
}

func (w *witness) ran(name, left string) bool {
	for pod := range w.succeeded[name] {
		if job := w.jobs[pod]; job != "" && !strings.Contains(left, string(job)) {
			return true
		}
	}
	return false
}

// A migration that a killed command left running is waited for, whatever its end, and then runs again for the command that
// found it.
func TestALeftoverMigrationIsAwaitedAndRunsAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, failure{})
	b.cutShort(t, syscall.SIGKILL, "second", "install", "app", stepsPack, "--set", "held=second")
	first := b.kubectl(t, "get", "job/app-second", "-o", "jsonpath={.metadata.uid}")
	command, stderr := b.start(t, "install", "app", stepsPack, "--set", "held=second")
	stderr.await(t, "/app-second, which an earlier command left running; pre-install/second runs again after it")
	b.release(t, first)
	stderr.await(t, "/app-second, which an earlier command left running, succeeded; pre-install/second runs again")
	stderr.await(t, "pre-install/second: Running")
	b.awaitActive(t, "app-second")
	second := b.kubectl(t, "get", "job/app-second", "-o", "jsonpath={.metadata.uid}")
	b.release(t, second)
	if code := exitCode(t, command.Wait()); code != 0 || second == first {
		t.Fatalf("exit code %d, the Job was %s and is %s: %s", code, first, second, stderr.all())
	}
	said := stderr.all()
	if strings.Index(said, "pre-install/first: Succeeded") < strings.Index(said, "which an earlier command left running, succeeded") {
		t.Errorf("another hook ran beside it: %s", said)
	}
	b.shows(t, "2 deployed first=Succeeded second=Succeeded third=Succeeded ")
}

// release lets the Pod of a held Job come to its end.
func (b *bench) release(t *testing.T, job string) {
	t.Helper()
	b.kubectl(t, "annotate", "pod", "-l", "batch.kubernetes.io/controller-uid="+job, "sim.sherpack.io/pending-")
}
