package e2e

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

//nolint:gochecknoglobals // Flags of the test program.
var (
	update      = flag.Bool("update", false, "write the tables that tests compare with")
	failureRows = flag.Int("failures", 10, "how many rows of the table of failures the test tries; 0 means all")
)

const (
	failuresTable = "testdata/failures.txt"
	faultyPack    = "testdata/packs/faulty"
	// patience is longer than any hook of the pack takes; what never gets ready is given up then.
	patience = "--timeout=12s"
)

// failure is a row of the table: what is done to a release of the pack faulty, what fails, and how that ends.
type failure struct {
	operation, fails, mode, policy string
}

// failures are all combinations of operations, of what can fail in them, of modes where there are several, and of delete
// policies.
func failures() []failure {
	everything := []string{"pre hook", "rejected", "rejected late", "never ready", "post hook", "Ctrl-C in hook", "Ctrl-C in wait"}
	var rows []failure
	add := func(operation string, modes, fails []string) {
		for _, failing := range fails {
			for _, mode := range modes {
				for _, policy := range []string{"before-hook-creation", "hook-succeeded", "hook-failed"} {
					rows = append(rows, failure{operation, failing, mode, policy})
				}
			}
		}
	}
	add("install", []string{"plain", "atomic"}, everything)
	add("upgrade", []string{"plain", "atomic"}, everything)
	add("rollback", []string{"plain"}, everything)
	add("uninstall", []string{"plain"}, everything)
	add("test", []string{"plain"}, []string{"test hook", "never ends", "Ctrl-C in hook"})
	return rows
}

// Every way in which an operation can fail ends in a state that is recorded, with an exit code that tells them apart, and
// the plain next command mends it. With -failures=0 all rows of the table are tried.
func TestEveryFailureHasAnEnd(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	want := readFailures(t)
	t.Cleanup(func() {
		if *update {
			writeFailures(t, want)
		}
	})
	most := *failureRows
	if *update {
		most = 0
	}
	for _, row := range sample(t, failures(), most) {
		t.Run(strings.Join([]string{row.operation, row.fails, row.mode, row.policy}, "/"), func(t *testing.T) {
			t.Parallel()
			got := newBench(t, row).run(t)
			mu.Lock()
			defer mu.Unlock()
			if *update {
				want[row.key()] = got
			}
			if diff := cmp.Diff(want[row.key()], got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func (f failure) key() string {
	return fmt.Sprintf("%s | %s | %s | %s", f.operation, f.fails, f.mode, f.policy)
}

// bench is where a row of the table is tried.
type bench struct {
	*session
	failure
	home string
}

func newBench(t *testing.T, row failure) *bench {
	t.Helper()
	return &bench{session: newSession(t), failure: row, home: t.TempDir()}
}

// run brings the release to where the operation starts, has it fail, and returns how that ended, as the table has it.
func (b *bench) run(t *testing.T) string {
	t.Helper()
	b.before(t)
	code := b.fail(t)
	found := []string{
		fmt.Sprintf("exit %d", code), b.revisions(t), b.hooks(t), b.left(t),
	}
	b.mend(t)
	b.must(t, b.next(t), faultyPack, "--set", "text=next")
	if got := b.left(t); !strings.Contains(got, "configmap/app=next") || !strings.Contains(b.revisions(t), "deployed") {
		t.Errorf("the next command left %s", got)
	}
	b.must(t, "uninstall", "--no-hooks", "--wait")
	if got := b.left(t) + b.revisions(t); got != "nothing"+"none" {
		t.Errorf("after the release was uninstalled there is %s", got)
	}
	return strings.Join(found, "\n")
}

// phases are those of the hooks before and after the work of the operation.
func (b *bench) phases() (before, after string) {
	switch b.operation {
	case "uninstall":
		return "pre-delete", "post-delete"
	case "test":
		return "test", ""
	}
	return "pre-" + b.operation, "post-" + b.operation
}

// faults are the values with which a pack fails as the row says.
func (b *bench) faults() string {
	before, after := b.phases()
	return "policy=" + b.policy + "," + map[string]string{
		"pre hook": "fail=" + before, "test hook": "fail=test", "post hook": "fail=" + after, "rejected": "rejected=true", "rejected late": "extra=true",
		"never ready": "unready=true", "never ends": "hang=test", "Ctrl-C in hook": "hang=" + before, "Ctrl-C in wait": "unready=true",
	}[b.fails]
}

// before makes what the operation needs. A rollback goes from a second revision back to the first.
func (b *bench) before(t *testing.T) {
	t.Helper()
	harmless := "policy=" + b.policy
	switch b.operation {
	case "upgrade":
		b.must(t, "install", faultyPack, "--no-hooks", "--set", harmless)
	case "rollback":
		first, second := b.faults(), b.faults()
		if strings.Contains(b.fails, "hook") && b.fails != "post hook" {
			first = harmless
		} else {
			second = harmless
		}
		b.must(t, "install", faultyPack, "--no-hooks", "--set", strings.Replace(first, "rejected=true", "extra=true", 1))
		b.must(t, "upgrade", faultyPack, "--no-hooks", "--set", "text=two,"+second)
		if b.fails == "rejected" {
			b.kubectl(t, "create", "quota", "none", "--hard=count/services=0")
			b.kubectl(t, "wait", "quota/none", "--for=jsonpath={.status.used}")
		}
	case "uninstall":
		faults := strings.NewReplacer("unready=true", "held=true", "rejected=true", "text=one").Replace(b.faults())
		b.must(t, "install", faultyPack, "--no-hooks", "--set", faults)
	case "test":
		b.must(t, "install", faultyPack, "--no-hooks", "--set", b.faults())
	}
}

// fail runs the operation that fails and returns its exit code.
func (b *bench) fail(t *testing.T) int {
	t.Helper()
	args := []string{b.operation, "app", patience}
	if b.operation == "install" || b.operation == "upgrade" {
		args = append(args, faultyPack, "--set", "text=two,"+b.faults())
	}
	if b.operation != "test" {
		args = append(args, "--wait")
	}
	if b.mode == "atomic" {
		args = append(args, "--atomic")
	}
	if b.operation == "uninstall" && b.fails == "rejected" || b.fails == "rejected late" {
		b.proxy.Intercept(b.forbid)
		defer b.proxy.Intercept(nil)
	}
	if strings.HasPrefix(b.fails, "Ctrl-C") {
		return b.interrupted(t, args)
	}
	code, _ := b.command(t, args...)
	return code
}

// forbid answers as an API server does that does not let the user delete the ConfigMap or write the Service. Where it does so
// late it lets them try.
func (b *bench) forbid(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
	content := &bytes.Buffer{}
	if request.Body != nil {
		if _, err := content.ReadFrom(request.Body); err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(content.Bytes()))
	}
	tried := request.URL.Query().Has("dryRun") || strings.Contains(content.String(), "dryRun")
	deletes := request.Method == http.MethodDelete && strings.HasSuffix(request.URL.Path, "/configmaps/app") && b.operation == "uninstall"
	writes := request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, "/services/extra")
	if !deletes && !writes || tried && b.fails == "rejected late" {
		return upstream.RoundTrip(request)
	}
	body := `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"this is forbidden","reason":"Forbidden","code":403}`
	return answer(request, http.StatusForbidden, body), nil
}

// interrupted runs a command and presses Ctrl-C when it has come to where the row wants it.
func (b *bench) interrupted(t *testing.T, args []string) int {
	t.Helper()
	command, stderr := b.start(t, args...)
	before, _ := b.phases()
	switch {
	case b.fails == "Ctrl-C in hook":
		b.awaitActive(t, "app-"+before)
	case b.operation == "uninstall":
		b.kubectl(t, "wait", "--for=jsonpath={.metadata.deletionTimestamp}", "configmap/app")
	default:
		stderr.await(t, "waiting for")
	}
	if err := command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	return exitCode(t, command.Wait())
}

// mend takes away what is in the way and does not come from the pack.
func (b *bench) mend(t *testing.T) {
	t.Helper()
	if b.operation == "rollback" && b.fails == "rejected" {
		b.kubectl(t, "delete", "quota", "none")
	}
	if b.operation == "uninstall" && (b.fails == "never ready" || b.fails == "Ctrl-C in wait") {
		b.kubectl(t, "patch", "configmap", "app", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	}
}

// next is the plain next command.
func (b *bench) next(t *testing.T) string {
	t.Helper()
	deployed := strings.Contains(b.revisions(t), "deployed")
	if b.operation == "install" || b.operation == "uninstall" && !deployed {
		return "install"
	}
	return "upgrade"
}

// revisions are all revisions with their statuses: 1 superseded, 2 deployed.
func (b *bench) revisions(t *testing.T) string {
	t.Helper()
	code, out := b.command(t, "history", "app", "-o", "jsonpath={range .items[*]}{.spec.revision} {.status.phase}, {end}")
	if code != 0 {
		return "none"
	}
	return strings.TrimSuffix(out, ", ")
}

// hooks are the records of all revisions: 2: pre-upgrade Succeeded, post-upgrade Failed (exit code 3).
func (b *bench) hooks(t *testing.T) string {
	t.Helper()
	var all []string
	for revision := range strings.SplitSeq(b.revisions(t), ", ") {
		number, _, _ := strings.Cut(revision, " ")
		_, text := b.command(t, "status", "app", "--revision", number)
		var records []string
		for _, line := range regexp.MustCompile(`(?m)^  ([a-z-]+)/[a-z-]+: (.*)$`).FindAllStringSubmatch(text, -1) {
			records = append(records, line[1]+" "+line[2])
		}
		all = append(all, strings.TrimSpace(number+": "+strings.Join(records, ", ")))
	}
	return strings.Join(all, "; ")
}

// left are the objects in the namespace; of the ConfigMap with what it says.
func (b *bench) left(t *testing.T) string {
	t.Helper()
	text := b.kubectl(t, "get", "configmaps,services,deployments,jobs", "-o",
		"jsonpath={range .items[*]}{.kind}/{.metadata.name}={.data.text}{\"\\n\"}{end}")
	var names []string
	for line := range strings.SplitSeq(strings.ToLower(text), "\n") {
		if line != "" && !strings.Contains(line, "kube-root-ca.crt") {
			names = append(names, strings.TrimSuffix(line, "="))
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// must runs a verb on the release, which succeeds.
func (b *bench) must(t *testing.T, verb string, args ...string) {
	t.Helper()
	if code, out := b.command(t, append([]string{verb, "app"}, args...)...); code != 0 {
		t.Fatalf("%s %v: exit code %d: %s", verb, args, code, out)
	}
}

// command runs the program and returns its exit code, and what it printed: the answer, or why there is none.
func (b *bench) command(t *testing.T, args ...string) (int, string) {
	t.Helper()
	command := exec.Command(program(t), append(args, "--kubeconfig", b.kubeconfig, "--namespace", b.namespace)...)
	command.Env = append(os.Environ(), "HOME="+b.home)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if code := exitCode(t, command.Run()); code != 0 {
		return code, errs.String()
	}
	return 0, out.String()
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Fatal(err)
	}
	if status == nil {
		return 0
	}
	return status.ExitCode()
}

const failuresHeader = `# How every failure ends. Each row is an operation on a release of testdata/packs/faulty, what fails in it, with or without
# --atomic, and the delete policy of all its hooks. Below it: the exit code; all revisions; the hooks' records in each; and
# what is left in the cluster, where configmap/app tells which revision's content it has: an installation and an upgrade
# bring "two" (over "one"), a rollback goes from "two" back to "one".
`

func readFailures(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(failuresTable)
	if err != nil && !*update {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		key, found, _ := strings.Cut(strings.TrimSpace(block), "\n")
		var lines []string
		for line := range strings.SplitSeq(found, "\n") {
			lines = append(lines, strings.TrimSpace(line))
		}
		rows[key] = strings.Join(lines, "\n")
	}
	return rows
}

func writeFailures(t *testing.T, rows map[string]string) {
	t.Helper()
	var text strings.Builder
	text.WriteString(failuresHeader)
	for _, row := range failures() {
		text.WriteString("\n" + row.key() + "\n    " + strings.ReplaceAll(rows[row.key()], "\n", "\n    ") + "\n")
	}
	if err := os.WriteFile(failuresTable, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
