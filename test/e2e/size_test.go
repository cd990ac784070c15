package e2e

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

//nolint:gochecknoglobals // Flags of the test program.
var (
	sizeObjects   = flag.Int("objects", 300, "how many objects the pack of the size test has")
	sizeMegabytes = flag.Int("megabytes", 2, "how large its manifest is, in millions of bytes that cannot be compressed by more than a quarter")
	sizeRaw       = flag.Bool("raw", false, "measure besides how long the size test's objects take to be written by themselves")
)

// A pack with many objects, and many bytes in them, is installed, upgraded, rolled back and uninstalled like a small one.
// What that costs is logged and not judged: go test ./test/e2e -run Size -v -objects=3000 -megabytes=20 -raw.
func TestSize(t *testing.T) {
	t.Parallel()
	r := newSizeRun(t)
	for _, step := range r.steps() {
		r.step(t, step)
		if t.Failed() {
			return
		}
	}
	r.mustBeEmpty(t)
	if *sizeRaw {
		r.raw(t)
	}
}

// sizeRun is the life of a release with many objects.
type sizeRun struct {
	*bench
	pack string
	// each is how many objects of each kind there are, and filled how many ConfigMaps and Secrets have a file in them.
	each, filled int
	// uids are those of the objects, by kind and name, since they were made.
	uids map[string]string
}

// fileSize is how long a file is that fills an object, in bytes.
const fileSize = 150_000

func newSizeRun(t *testing.T) *sizeRun {
	t.Helper()
	r := &sizeRun{
		bench: &bench{session: newSession(t), home: t.TempDir()}, pack: filepath.Join(t.TempDir(), "size"),
		each: *sizeObjects / len(sizeKinds()), filled: (*sizeMegabytes*1_000_000 + 2*fileSize - 1) / (2 * fileSize),
		uids: map[string]string{},
	}
	if r.each < 1 || r.filled > r.each {
		t.Fatalf("%d MB do not fit into %d objects", *sizeMegabytes, *sizeObjects)
	}
	if err := os.CopyFS(r.pack, os.DirFS("testdata/packs/size")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(r.pack, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	for number := range r.filled {
		r.fill(t, "config", number, "\n")
		r.fill(t, "secret", number, "")
	}
	return r
}

// fill writes a file that an object will hold, in lines or in one.
func (r *sizeRun) fill(t *testing.T, kind string, number int, end string) {
	t.Helper()
	const line = 60
	chance := rand.New(rand.NewPCG(uint64(number), uint64(len(kind+end)))) //nolint:gosec // No secret.
	var text strings.Builder
	for text.Len() < fileSize {
		random := make([]byte, line)
		for i := range random {
			random[i] = byte(chance.Uint32())
		}
		text.WriteString(base64.StdEncoding.EncodeToString(random) + end)
	}
	if err := os.WriteFile(r.file(kind, number), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *sizeRun) file(kind string, number int) string {
	return filepath.Join(r.pack, "files", fmt.Sprintf("%s-%04d.txt", kind, number))
}

// sizeStep is one command, and what must be there after it.
type sizeStep struct {
	name string
	args []string
	// written is how many objects of the pack the command writes.
	written int
	// tag is what all objects say then, first what the first ConfigMap says besides.
	tag, first string
	revisions  string
}

func (r *sizeRun) steps() []sizeStep {
	all := r.each * len(sizeKinds())
	deploy := func(verb, tag, first string) []string {
		return []string{verb, "app", r.pack, "--set", fmt.Sprintf("each=%d,filled=%d,tag=%s,first=%s", r.each, r.filled, tag, first)}
	}
	return []sizeStep{
		{"install", deploy("install", "one", "one"), all, "one", "one", "1 deployed"},
		{"upgrade of one", deploy("upgrade", "one", "two"), 1, "one", "two", "1 superseded, 2 deployed"},
		{"upgrade of all", deploy("upgrade", "two", "two"), all, "two", "two", "1 superseded, 2 superseded, 3 deployed"},
		{"upgrade of none", deploy("upgrade", "two", "two"), 0, "two", "two", "1 superseded, 2 superseded, 3 superseded, 4 deployed"},
		{"rollback", []string{"rollback", "app", "1"}, all, "one", "one", "1 superseded, 2 superseded, 3 superseded, 4 superseded, 5 deployed"},
		{"uninstall", []string{"uninstall", "app", "--wait"}, all, "", "", "none"},
	}
}

// step runs a command, logs what it cost, and looks at what it has done.
func (r *sizeRun) step(t *testing.T, step sizeStep) {
	t.Helper()
	r.proxy.Reset()
	command := exec.Command(program(t), append(step.args, "--timeout", "30m", "--kubeconfig", r.kubeconfig, "--namespace", r.namespace)...)
	command.Env = append(os.Environ(), "HOME="+r.home)
	var said bytes.Buffer
	command.Stderr = &said
	start := time.Now()
	err := command.Run()
	requests := r.proxy.Requests()
	t.Logf("%-15s %6.1f s, %5.1f s of processor time, %4d MB, %s", step.name+":", time.Since(start).Seconds(),
		(command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds(), peakMemory(command.ProcessState)>>20, tallyOf(requests))
	if code := exitCode(t, err); code != 0 {
		t.Fatalf("%s: exit code %d: %s", step.name, code, lastLines(said.String()))
	}
	if got := len(r.written(requests)); got != step.written {
		t.Errorf("%s: %d objects of the pack were written, not %d", step.name, got, step.written)
	}
	if got := r.revisions(t); got != step.revisions {
		t.Errorf("%s: revisions: %s; not %s", step.name, got, step.revisions)
	}
	if step.tag != "" {
		r.check(t, step)
	}
}

// lastLines are the last lines of a long text.
func lastLines(text string) string {
	const few = 10
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-few):], "\n")
}

// written are the paths of the objects of the pack that requests were to write.
func (r *sizeRun) written(requests []proxy.Request) map[string]bool {
	paths := map[string]bool{}
	for _, request := range requests {
		if _, name, found := strings.Cut(request.Path, "/item-"); found && request.Write() {
			paths[strings.TrimSuffix(request.Path, name)+name] = true
		}
	}
	return paths
}

// tallyOf counts requests.
func tallyOf(requests []proxy.Request) string {
	writes := slices.DeleteFunc(slices.Clone(requests), func(r proxy.Request) bool { return !r.Write() })
	tried := slices.DeleteFunc(slices.Clone(requests), func(r proxy.Request) bool { return !r.DryRun })
	return fmt.Sprintf("%d requests: %d writes, %d tried, %d others", len(requests), len(writes), len(tried), len(requests)-len(writes)-len(tried))
}
