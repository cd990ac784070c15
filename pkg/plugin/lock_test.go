package plugin

import (
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// A lock may be given up before what watches it has begun to.
func TestALockMayBeGivenUpWhileItsLossIsWaitedFor(t *testing.T) {
	t.Parallel()
	config := clustertest.Config(t)
	store, err := storage.NewSecrets(config, newRun())
	if err != nil {
		t.Fatal(err)
	}
	locks, err := storage.NewLocks(config, store)
	if err != nil {
		t.Fatal(err)
	}
	held, err := locks.Acquire(t.Context(), clustertest.Namespace(t), "shop", "install", 0)
	if err != nil {
		t.Fatal(err)
	}
	const tries = 1000
	for range tries {
		target := &target{held: held}
		_, cancel := target.whileHeld(t.Context())
		target.held = nil
		cancel()
	}
	if err := held.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// Nobody can foresee the name of a run, which has a name of its own each time.
func TestRunsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		run := newRun()
		if len(run) != runLength || seen[run] {
			t.Fatalf("run %q", run)
		}
		seen[run] = true
	}
}
