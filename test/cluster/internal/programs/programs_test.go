package programs_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/programs"
)

func TestTheProgramsAreBuiltOnce(t *testing.T) {
	t.Parallel()
	cache := programs.Cache{Dir: filepath.Join(t.TempDir(), "bin"), Sources: sources()}
	var progress recorder
	var callers sync.WaitGroup
	sets := make([]programs.Set, 3)
	for i := range sets {
		callers.Go(func() {
			var err error
			if sets[i], err = cache.Get(t.Context(), &progress); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if sets[0] != sets[1] || sets[1] != sets[2] {
		t.Errorf("callers got different programs: %v", sets)
	}
	if got := strings.Count(progress.String(), "building server ...\n"); got != 1 {
		t.Errorf("the server was built %d times:\n%s", got, progress.String())
	}
	if diff := cmp.Diff([]string{"kubectl", "server"}, names(t, sets[0].Dir)); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"lock", filepath.Base(sets[0].Dir)}, names(t, cache.Dir)); diff != "" {
		t.Errorf("the cache holds (-want +got):\n%s", diff)
	}
	for _, program := range []string{sets[0].Server, sets[0].Kubectl} {
		if out, err := exec.CommandContext(t.Context(), program).CombinedOutput(); err != nil {
			t.Errorf("run %s: %v\n%s", program, err, out)
		}
	}
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := sources()
	broken["server/main.go"] = &fstest.MapFile{Data: []byte("package main\n\nfunc main() { missing() }\n")}
	cache := programs.Cache{Dir: filepath.Join(t.TempDir(), "bin"), Sources: broken}
	_, err := cache.Get(t.Context(), &recorder{})
	if err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("the error does not say what the compiler says: %v", err)
	}
	if diff := cmp.Diff([]string{"lock"}, names(t, cache.Dir)); diff != "" {
		t.Errorf("the cache holds (-want +got):\n%s", diff)
	}
}

func TestProgramsAreThoseOfTheirSources(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bin")
	build := func(sources fs.FS) programs.Set {
		set, err := programs.Cache{Dir: dir, Sources: sources}.Get(t.Context(), &recorder{})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	first := build(sources())
	if first.Kubernetes != "v1.2.3" {
		t.Errorf("the version is %s", first.Kubernetes)
	}
	tested := sources()
	tested["server/main_test.go"] = &fstest.MapFile{Data: []byte("package main\n")}
	if second := build(tested); second != first {
		t.Errorf("a test changes the programs: %v, then %v", first, second)
	}
	changed := sources()
	changed["server/more.go"] = &fstest.MapFile{Data: []byte("package main\n")}
	if second := build(changed); second == first {
		t.Errorf("a new source does not change the programs: %v", second)
	}
}

// sources returns a small module of the shape of the real one.
func sources() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"go.mod": file("module example.test\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/kubernetes v1.2.3\n)\n\n" +
			"replace k8s.io/kubernetes => ./kubernetes\n\ntool k8s.io/kubernetes/cmd/kubectl\n"),
		"server/main.go":                 file("package main\n\nfunc main() {}\n"),
		"kubernetes/go.mod":              file("module k8s.io/kubernetes\n\ngo 1.26.0\n"),
		"kubernetes/cmd/kubectl/main.go": file("package main\n\nfunc main() {}\n"),
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		found = append(found, strings.TrimSuffix(entry.Name(), ".exe"))
	}
	return found
}

// recorder is a writer for several goroutines.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
