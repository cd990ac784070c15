package e2e

import (
	"flag"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

//nolint:gochecknoglobals // Flags of the test program.
var (
	seed = flag.Uint64("seed", 0, "what is tried is chosen by, where not everything is; 0 means the commit, so that each tries something else")
	rows = flag.Int("rows", 5, "how many rows of each table of hostile input and of delete policies are tried; 0 means all")
)

// sample returns as many of all cases of a test as it tries, chosen by the seed; all of them if most is 0.
func sample[T any](t *testing.T, all []T, most int) []T {
	t.Helper()
	chosen := *seed
	if chosen == 0 {
		chosen = seedOfCommit()
	}
	rand.New(rand.NewPCG(chosen, 0)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) //nolint:gosec // No secret.
	if most <= 0 {
		most = len(all)
	}
	most = min(most, len(all))
	t.Logf("%d of %d cases, -seed=%d", most, len(all), chosen)
	return all[:most]
}

// seedOfCommit is a number that each commit has another one of; without git, each day.
func seedOfCommit() uint64 {
	const hex, bits, digits = 16, 64, 12
	output, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if number, wrong := strconv.ParseUint(string(output[:min(len(output), digits)]), hex, bits); err == nil && wrong == nil {
		return number
	}
	number, _ := strconv.ParseUint(time.Now().UTC().Format("20060102"), 10, bits)
	return number
}
