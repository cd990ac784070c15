package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// Of twenty upgrades of one release at once, on two machines, one runs at a time: each is done, or says who has the lock.
// None works from a history that is out of date, so the numbers have no gap, and one revision is deployed.
func TestTwentyUpgradesAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, failure{})
	b.must(t, "install", killedPack, "--set", "text=one")
	benches := []*bench{b, b.elsewhere(t)}
	const runs = 20
	var group sync.WaitGroup
	codes, said := make([]int, runs), make([]string, runs)
	for i := range runs {
		group.Go(func() {
			args := []string{"upgrade", "app", killedPack, "--no-hooks", "--set", fmt.Sprintf("text=n%d", i)}
			if i%2 == 0 {
				args = append(args, "--lock-timeout", "2m")
			}
			codes[i], said[i] = benches[i/2%2].command(t, args...)
		})
	}
	group.Wait()
	done := 0
	for i, code := range codes {
		switch {
		case code == 0:
			done++
		case i%2 == 0 || code != 5 || !strings.Contains(said[i], "is locked by process "):
			t.Errorf("upgrade %d: exit code %d: %s", i, code, said[i])
		}
	}
	revisions := strings.Split(b.revisions(t), ", ")
	first := 0
	for i, revision := range revisions {
		number := 0
		if _, err := fmt.Sscanf(revision, "%d ", &number); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = number
		}
		if deployed := strings.HasSuffix(revision, " deployed"); number != first+i || deployed != (i == len(revisions)-1) {
			t.Errorf("revisions: %v", revisions)
		}
	}
	if newest := first + len(revisions) - 1; newest != 1+done {
		t.Errorf("%d upgrades were done, the newest revision is %d", done, newest)
	}
	b.must(t, "uninstall", "--no-hooks", "--wait")
	if left := b.kubectl(t, "get", "configmaps,secrets,leases", "-o", "name"); strings.TrimSpace(left) != "configmap/kube-root-ca.crt" {
		t.Errorf("there is left:\n%s", left)
	}
}
