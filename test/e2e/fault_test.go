package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

//nolint:gochecknoglobals // Flags of the test program.
var (
	faultRuns = flag.Int("faults", 3, "how many releases the test installs, upgrades and rolls back over a bad connection")
	onlyFault = flag.Int("only", 0, "the one of these runs to repeat; 0 means all")
)

// tally counts how commands ended over a bad connection.
type tally struct{ direct, recovered, faults atomic.Int32 }

// A command over a bad connection does its work, or says what is wrong; then the same command over a good one does it. With
// -faults=200 as many releases go through install, upgrade and rollback; -seed and -only repeat one of them, as far as
// the order of requests that are under way at once lets it be repeated.
func TestFaultsOnTheWayToTheServer(t *testing.T) {
	t.Parallel()
	var tally tally
	start := time.Now()
	t.Cleanup(func() {
		t.Logf("%d runs: %d commands succeeded over %d faults, %d failed and succeeded when repeated, %.0f s", *faultRuns,
			tally.direct.Load(), tally.faults.Load(), tally.recovered.Load(), time.Since(start).Seconds())
	})
	for number := 1; number <= *faultRuns; number++ {
		if *onlyFault > 0 && number != *onlyFault {
			continue
		}
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			newFaultRun(t, number, &tally).run(t)
		})
	}
}

// faultRun is the life of a release in bad weather.
type faultRun struct {
	*bench
	number  int
	chance  *rand.Rand
	tally   *tally
	witness *witness
	// runs counts the operations that ran their hooks to the end.
	runs int
}

func newFaultRun(t *testing.T, number int, tally *tally) *faultRun {
	t.Helper()
	b := &bench{session: newSession(t), home: t.TempDir()}
	return &faultRun{
		bench: b, number: number, tally: tally, witness: newWitness(t, b.namespace),
		chance: rand.New(rand.NewPCG(faultSeed(), uint64(number))), //nolint:gosec // No secret.
	}
}

// faultSeed is the same each time, unless another one is given.
func faultSeed() uint64 { return max(1, *seed) }

func (r *faultRun) run(t *testing.T) {
	t.Helper()
	// In every fourth run one command meets a storm, in every fifth everything is cut for a while in one, and in every
	// second of these that is longer than the command may take.
	storm, dark := -1, -1
	if r.number%4 == 0 {
		storm = r.chance.IntN(3)
	}
	if r.number%5 == 0 {
		dark = r.chance.IntN(3)
	}
	for i, text := range []string{"one", "two", "one"} {
		timeout := "--timeout=3m"
		if i == dark && r.number%10 == 0 {
			timeout = "--timeout=10s"
		}
		r.step(t, newWeather(r.chance, i == storm, i == dark), timeout, r.args(t, i, text))
		r.check(t, text)
		if t.Failed() {
			return
		}
	}
	r.must(t, "uninstall", "--wait")
	if left := r.kubectl(t, "get", "configmaps,secrets,deployments,jobs,leases,pods", "-o", "name"); strings.TrimSpace(left) != "configmap/kube-root-ca.crt" {
		t.Errorf("there is left:\n%s", left)
	}
	r.witness.await(t, map[string]int{"app-first": r.runs + 1, "app-second": r.runs, "app-last": r.runs + 1})
	r.witness.check(t)
}

// args are those of a step of a run. A rollback names its revision, so that it means the same when it is repeated.
func (r *faultRun) args(t *testing.T, step int, text string) []string {
	t.Helper()
	operation := []string{"install", "upgrade", "rollback"}[step]
	if operation != "rollback" {
		return []string{operation, "app", killedPack, "--wait", "--set", "text=" + text}
	}
	first, _, _ := strings.Cut(r.revisions(t), " superseded")
	return []string{operation, "app", first[len(first)-1:], "--wait"}
}

// step runs a command in bad weather, and if that fails, again in good.
func (r *faultRun) step(t *testing.T, weather *weather, timeout string, args []string) {
	t.Helper()
	r.proxy.Intercept(weather.intercept)
	start := time.Now()
	code, said := r.command(t, append(args, timeout)...)
	r.proxy.Intercept(nil)
	story := fmt.Sprintf("-seed=%d -only=%d: %s ended with %d after %.1f s: %s\n%s", faultSeed(), r.number, args[0], code, time.Since(start).Seconds(), said, weather)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(story)
		}
	})
	r.runs++
	r.tally.faults.Add(weather.count())
	if code == 0 {
		r.tally.direct.Add(1)
		return
	}
	r.tally.recovered.Add(1)
	t.Logf("%s: exit code %d: %s", args[0], code, said)
	if !slices.Contains([]int{1, 5, 6, 7}, code) || !tells.MatchString(said) || noise.MatchString(said) {
		t.Errorf("%s: exit code %d: %s", args[0], code, said)
	}
	code, said = r.command(t, args...)
	if done := args[0] == "install" && code == 1 && strings.Contains(said, "is already installed"); code != 0 && !done {
		t.Errorf("%s, repeated: exit code %d: %s", args[0], code, said)
	}
}

var (
	tells = regexp.MustCompile(`(?m)^error: \S.*: \S`)
	noise = regexp.MustCompile(`panic|goroutine|context canceled|<nil>`)
)

// check checks that what should be there is there, and no more.
func (r *faultRun) check(t *testing.T, text string) {
	t.Helper()
	revisions := strings.Split(r.revisions(t), ", ")
	for i, revision := range revisions {
		number, phase, _ := strings.Cut(revision, " ")
		last := i == len(revisions)-1
		if number != fmt.Sprint(i+1) || last != (phase == "deployed") || !last && phase != "superseded" && phase != "failed" {
			t.Errorf("revisions: %v", revisions)
		}
	}
	want := "configmap/app deployment/web job/app-first"
	if text == "one" {
		want = "configmap/app configmap/only-one deployment/web job/app-first"
	}
	names := strings.Fields(strings.NewReplacer("deployment.apps/", "deployment/", "job.batch/", "job/").Replace(
		r.kubectl(t, "get", "configmaps,deployments,jobs", "-o", "name")))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "configmap/kube-root-ca.crt" })
	if got := strings.Join(names, " "); got != want {
		t.Errorf("there is %s, want %s", got, want)
	}
	if got := r.kubectl(t, "get", "configmap", "app", "-o", "jsonpath={.data.text}"); got != text {
		t.Errorf("the ConfigMap says %q, want %q", got, text)
	}
	if got := r.kubectl(t, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].args[0]} {.status.availableReplicas}"); got != text+" 1" {
		t.Errorf("the Deployment is %q, want %q", got, text+" 1")
	}
	_, hooks := r.command(t, "status", "app", "-o", "jsonpath={range .status.hooks[*]}{.phase}/{.name} {.state}, {end}")
	if !records.MatchString(hooks) {
		t.Errorf("the records are %s", hooks)
	}
	r.checkParts(t)
}

var records = regexp.MustCompile(`^pre-([a-z]+)/app-first Succeeded, pre-([a-z]+)/app-second Succeeded, post-([a-z]+)/app-last Succeeded, $`)

// checkParts checks that every Secret of the record belongs to a revision.
func (r *faultRun) checkParts(t *testing.T) {
	t.Helper()
	secrets := r.kubectl(t, "get", "secrets", "-l", "owner=sherpack", "-o",
		`jsonpath={range .items[*]}{.metadata.labels.version}-{.metadata.labels.run} {.metadata.labels.part}{"\n"}{end}`)
	heads, parts := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(secrets) {
		revision, part, _ := strings.Cut(strings.TrimSpace(line), " ")
		if part == "" {
			heads[revision] = true
		} else {
			parts[revision] = true
		}
	}
	for revision := range parts {
		if !heads[revision] {
			t.Errorf("parts of %s belong to no revision", revision)
		}
	}
}

// await waits until it has seen Pods of Jobs succeed, by the Jobs' names.
func (w *witness) await(t *testing.T, want map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		w.mu.Lock()
		missing := ""
		for job, runs := range want {
			if len(w.succeeded[job]) < runs {
				missing += fmt.Sprintf("%s ran %d times, not %d; ", job, len(w.succeeded[job]), runs)
			}
		}
		w.mu.Unlock()
		if missing == "" {
			return
		}
		select {
		case <-w.news:
		case <-ctx.Done():
			t.Error(missing)
			return
		}
	}
}
