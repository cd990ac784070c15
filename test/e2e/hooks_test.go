package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// course is what a run did, one word for each hook that it started and finished and for each object that it applied or
// deleted: +pre-install/Pod/app-early, -pre-install/Pod/app-early, created ConfigMap/app.
func course(t *testing.T, text string) []string {
	t.Helper()
	var words []string
	for line := range strings.Lines(text) {
		var event struct {
			Type, Phase, Result string
			Hook, Object        *struct{ Kind, Name string }
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("not a line of JSON: %q: %v", line, err)
		}
		switch event.Type {
		case "hook-started":
			words = append(words, fmt.Sprintf("+%s/%s/%s", event.Phase, event.Hook.Kind, event.Hook.Name))
		case "hook-finished":
			words = append(words, fmt.Sprintf("-%s/%s/%s", event.Phase, event.Hook.Kind, event.Hook.Name))
		case "object-applied":
			words = append(words, event.Result+" "+event.Object.Kind+"/"+event.Object.Name)
		case "object-deleted":
			if event.Phase == "" {
				words = append(words, event.Result+" "+event.Object.Kind+"/"+event.Object.Name)
			}
		}
	}
	return words
}

// fourHooks are the hooks of the pack phases as they run at a phase: by weight, then by kind.
func fourHooks(phase string) []string {
	var words []string
	for _, hook := range []string{"Pod/app-early", "ServiceAccount/app-worker", "ConfigMap/app-settings", "Job/app-late"} {
		words = append(words, "+"+phase+"/"+hook, "-"+phase+"/"+hook)
	}
	return words
}

// Each operation runs the hooks of its own phases and no others, before and after its work, in the order of their weights.
func TestEveryOperationRunsTheHooksOfItsPhases(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	for _, step := range []struct {
		args          []string
		before, after string
		work          []string
	}{
		{[]string{"install", "app", "testdata/packs/phases"}, "pre-install", "post-install", []string{"created ConfigMap/app"}},
		{[]string{"upgrade", "app", "testdata/packs/phases"}, "pre-upgrade", "post-upgrade", []string{"configured ConfigMap/app"}},
		{[]string{"rollback", "app"}, "pre-rollback", "post-rollback", []string{"configured ConfigMap/app"}},
		{[]string{"test", "app"}, "test", "", nil},
		{[]string{"uninstall", "app", "--keep-history"}, "pre-delete", "post-delete", []string{"deleted ConfigMap/app"}},
	} {
		_, stderr := session.run(t, append(step.args, "--events", "json")...)
		want := slices.Concat(fourHooks(step.before), step.work)
		if step.after != "" {
			want = append(want, fourHooks(step.after)...)
		}
		got := course(t, stderr)
		if len(got) > len(want) && step.args[0] == "uninstall" {
			// What the hooks have left goes last, in any order.
			got = got[:len(want)]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.args[0], diff)
		}
		session.checkRecords(t, step.before, step.after)
	}
	if left := session.kubectl(t, "get", "jobs,pods,serviceaccounts,configmaps", "-l", "sherpack.io/release=app", "-o", "name"); left != "" {
		t.Errorf("after the release was uninstalled there is %s", left)
	}
}

// checkRecords checks that the status has the four hooks of each phase in running order, and that all succeeded.
func (s *session) checkRecords(t *testing.T, phases ...string) {
	t.Helper()
	got, _ := s.run(t, "status", "app", "-o", "jsonpath={range .status.hooks[*]}{.title}={.state} {end}")
	for _, phase := range phases {
		var want string
		for _, short := range []string{"early", "serviceaccount/worker", "configmap/settings", "late"} {
			want += phase + "/" + short + "=Succeeded "
		}
		if phase != "" && !strings.Contains(got, want) {
			t.Errorf("the records are %s, without %s", got, want)
		}
	}
}

// Every combination of delete policies, over runs that succeed and fail: whether the object is still there afterwards, and
// whether the next run makes a new one or applies it in place. A Job is always made anew.
func TestEveryCombinationOfDeletePolicies(t *testing.T) {
	t.Parallel()
	type row struct {
		policies                  string
		keptWhenGood, keptWhenBad bool
		mapInPlace                bool
		kind                      string
	}
	var table []row
	for _, test := range []row{
		{"", true, true, true, ""},
		{"before-hook-creation", true, true, false, ""},
		{"hook-succeeded", false, true, true, ""},
		{"hook-failed", true, false, true, ""},
		{"hook-succeeded,hook-failed", false, false, true, ""},
		{"before-hook-creation,hook-succeeded", false, true, false, ""},
		{"hook-failed,before-hook-creation", true, false, false, ""},
		{"before-hook-creation,hook-succeeded,hook-failed", false, false, false, ""},
	} {
		for _, kind := range []string{"Job", "ConfigMap"} {
			test.kind = kind
			table = append(table, test)
		}
	}
	for _, test := range sample(t, table, *rows) {
		t.Run(test.kind+"/"+test.policies, func(t *testing.T) {
			t.Parallel()
			newPolicyBench(t, test.kind, test.policies).check(t, test.keptWhenGood, test.keptWhenBad, test.kind == "ConfigMap" && test.mapInPlace)
		})
	}
}

// policyBench is where the pack policies is installed, with a hook of one kind.
type policyBench struct {
	bench
	kind string
	args []string
}

func newPolicyBench(t *testing.T, kind, policies string) *policyBench {
	t.Helper()
	b := &policyBench{bench: bench{session: newSession(t), home: t.TempDir()}, kind: kind}
	b.args = []string{"testdata/packs/policies", "--set", "kind=" + kind, "--set", "policies=" + strings.ReplaceAll(policies, ",", `\,`)}
	return b
}

// check runs the hook three times, the second time with failure, and checks what is left of it each time.
func (b *policyBench) check(t *testing.T, keptWhenGood, keptWhenBad, inPlace bool) {
	t.Helper()
	before := ""
	for i, step := range []struct {
		verb, fails string
		code        int
		kept        bool
	}{{"install", "false", 0, keptWhenGood}, {"upgrade", "true", 6, keptWhenBad}, {"upgrade", "false", 0, keptWhenGood}} {
		code, out := b.command(t, slices.Concat([]string{step.verb, "app"}, b.args, []string{"--set", "fails=" + step.fails})...)
		if code != step.code {
			t.Fatalf("run %d: exit code %d: %s", i+1, code, out)
		}
		left := b.uid(t)
		if (left != "") != step.kept {
			t.Errorf("run %d has left %q", i+1, left)
		}
		if before != "" && left != "" && (before == left) != inPlace {
			t.Errorf("run %d was on the object %s, the one before on %s", i+1, left, before)
		}
		before = left
	}
}

// uid is that of the object of the hook; empty where it was not found.
func (b *policyBench) uid(t *testing.T) string {
	t.Helper()
	return b.kubectl(t, "get", b.kind, "hook", "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")
}

// watch follows all Pods of the namespace: a line for each change, which begins with ADDED, MODIFIED or DELETED and has
// the Pod's revision, phase and the grace period of its deletion.
func (s *session) watch(t *testing.T) *output {
	t.Helper()
	columns := `custom-columns=T:.type,R:.object.metadata.annotations.example\.com/revision,P:.object.status.phase,G:.object.metadata.deletionGracePeriodSeconds`
	command := exec.Command(clustertest.Kubectl(t), "get", "pods", "--watch", "--output-watch-events", "--no-headers",
		"-o", columns, "--kubeconfig", s.kubeconfig, "--namespace", s.namespace)
	lines, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	said := &output{news: make(chan struct{}, 1)}
	go said.read(lines)
	return said
}

// words are the lines so far, with single blanks and each that repeats the one before once.
func (o *output) words() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for line := range strings.Lines(o.text.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return slices.Compact(lines)
}

// A hook that still runs, because the command that started it was interrupted, is ended before its next run starts: its
// Pods get the grace period they ask for, and the new one is made when they are gone.
func TestAHookThatStillRunsIsReplacedWhenItIsGone(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Pod", "Job"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			bench := &bench{session: newSession(t), home: t.TempDir()}
			args := []string{"testdata/packs/running", "--set", "kind=" + kind}
			bench.must(t, "install", args...)
			pods := bench.watch(t)
			first, stderr := bench.start(t, append([]string{"upgrade", "app"}, args...)...)
			t.Cleanup(func() { _ = first.Process.Kill() })
			pods.awaitLine(t, "r2 Running <none>")
			if err := first.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, first.Wait()); code != 130 {
				t.Fatalf("exit code %d", code)
			}
			stderr.await(t, "/hook may still be running")
			bench.must(t, "upgrade", append(args, "--set", "runFor=0s")...)
			pods.awaitLine(t, "r3 Succeeded <none>")
			pods.checkOrder(t, "r2 Running <none>", "MODIFIED r2 Running 30", "MODIFIED r2 Failed 30", "DELETED r2", "ADDED r3")
		})
	}
}

// awaitLine waits until the program has printed a line that ends with these words.
func (o *output) awaitLine(t *testing.T, want string) {
	t.Helper()
	limit := time.After(time.Minute)
	for !slices.ContainsFunc(o.words(), func(line string) bool { return strings.HasSuffix(line, want) }) {
		select {
		case <-o.news:
		case <-limit:
			t.Fatalf("no line %q in\n%s", want, strings.Join(o.words(), "\n"))
		}
	}
}

// checkOrder checks that lines with these words came in this order.
func (o *output) checkOrder(t *testing.T, wanted ...string) {
	t.Helper()
	lines := o.words()
	next := 0
	for _, want := range wanted {
		found := slices.IndexFunc(lines[next:], func(line string) bool { return strings.Contains(line, want) })
		if found < 0 {
			t.Fatalf("no %q after line %d of\n%s", want, next, strings.Join(lines, "\n"))
		}
		next += found + 1
	}
}
