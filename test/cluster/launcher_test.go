package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/cluster"
	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/pid"
	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/programs"
)

func TestAClusterGoesUpOnceAndDownWithoutATrace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	paths := make([]string, 2)
	var callers sync.WaitGroup
	for i := range paths {
		callers.Go(func() {
			var err error
			if paths[i], err = launch(t.Context(), os.Stderr, "up", "--dir", dir, "--name", "one", "--audit"); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if want := filepath.Join(dir, "one", "kubeconfig"); paths[0] != want || paths[1] != want {
		t.Fatalf("two at once got %v, want %s twice", paths, want)
	}
	mustKubectl(t, paths[0], "create", "namespace", "audited")

	status := mustLaunch(t, "status", "--dir", dir)
	for _, want := range []string{"one: ready", "kubernetes: v1.", "kubeconfig: " + paths[0], "kubectl:", "supervisor ", "kubelet "} {
		if !strings.Contains(status, want) {
			t.Errorf("the status lacks %q:\n%s", want, status)
		}
	}
	audit, err := os.ReadFile(field(t, status, "audit log"))
	if err != nil || !strings.Contains(string(audit), `"name":"audited"`) {
		t.Errorf("the audit log lacks a request: %v", err)
	}

	mustLaunch(t, "down", "--dir", dir, "--name", "one")
	expectGone(t, status, filepath.Join(dir, "one"))
	if status := mustLaunch(t, "status", "--dir", dir); status != "" {
		t.Errorf("the status is not empty:\n%s", status)
	}
	mustLaunch(t, "down", "--dir", dir, "--name", "one")
}

func TestClustersRunSideBySide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := mustLaunch(t, "up", "--dir", dir, "--name", "one")
	t.Cleanup(func() { down(t, dir, "one") })
	two := mustLaunch(t, "up", "--dir", dir, "--name", "two")
	t.Cleanup(func() { down(t, dir, "two") })

	mustKubectl(t, one, "create", "namespace", "only-in-one")
	if out, err := kubectl(t, two, "", "get", "namespace", "only-in-one"); err == nil || !strings.Contains(out, "NotFound") {
		t.Errorf("the other cluster has it too: %s", out)
	}
	mustLaunch(t, "down", "--dir", dir, "--name", "one")
	mustKubectl(t, two, "get", "namespace", "default")
}

func TestAClusterDiesWithItsOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	owner := startOwner(t, dir)
	status := mustLaunch(t, "status", "--dir", dir)
	if !strings.Contains(status, "owned: ready") {
		t.Fatalf("the cluster is not ready:\n%s", status)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "owned")
	eventually(t, "the directory is gone", func() bool {
		_, err := os.Stat(path)
		return os.IsNotExist(err)
	})
	eventually(t, "the supervisor is gone", func() bool { return len(alive(t, status)) == 0 })
	expectGone(t, status, path)
}

func TestAClusterThatLosesAComponentStopsAndStartsAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustLaunch(t, "up", "--dir", dir, "--name", "one")
	t.Cleanup(func() { down(t, dir, "one") })
	status := mustLaunch(t, "status", "--dir", dir)
	if err := processes(t, status)["etcd"].Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all processes are gone", func() bool { return len(alive(t, status)) == 0 })
	if got := field(t, mustLaunch(t, "status", "--dir", dir), "ended"); !strings.HasPrefix(got, "etcd: ") {
		t.Errorf("the reason of the end is %q", got)
	}
	mustKubectl(t, mustLaunch(t, "up", "--dir", dir, "--name", "one"), "get", "namespace", "default")
}

func TestAComponentIsRestarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kubeconfig := mustLaunch(t, "up", "--dir", dir, "--name", "one")
	t.Cleanup(func() { down(t, dir, "one") })
	mustKubectl(t, kubeconfig, "create", "namespace", "kept")
	for _, component := range []string{"kube-apiserver", "etcd"} {
		before := processes(t, mustLaunch(t, "status", "--dir", dir))
		mustLaunch(t, "restart", "--dir", dir, "--name", "one", component)
		after := processes(t, mustLaunch(t, "status", "--dir", dir))
		if len(after) != len(before) || before[component].Alive() || !after[component].Alive() {
			t.Errorf("after a restart of %s there is %v, before there was %v", component, after, before)
		}
		mustKubectl(t, kubeconfig, "get", "namespace", "kept")
	}
	for _, component := range []string{"supervisor", "nothing"} {
		if _, err := launch(t.Context(), os.Stderr, "restart", "--dir", dir, "--name", "one", component); err == nil {
			t.Errorf("%s was restarted", component)
		}
	}
	status := mustLaunch(t, "status", "--dir", dir)
	mustLaunch(t, "down", "--dir", dir, "--name", "one")
	expectGone(t, status, filepath.Join(dir, "one"))
}

func TestAFailedStartShowsTheGuiltyLogAndLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	options := cluster.Options{Name: "one", Launcher: []string{os.Args[0], superviseVerb}}
	_, err := cluster.Root(dir).Up(t.Context(), options, programs.Set{Server: os.Args[0]}, os.Stderr)
	if err == nil {
		t.Fatal("it started")
	}
	for _, want := range []string{"start cluster one: etcd: exit status 0", filepath.Join("one", "etcd.log"), "no space left on device"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	summaries, err := cluster.Root(dir).List(t.Context())
	if err != nil || len(summaries) != 1 {
		t.Fatalf("clusters: %v, %v", summaries, err)
	}
	if got := summaries[0]; got.State != cluster.Stopped || len(got.Processes) != 0 || !strings.HasPrefix(got.Reason, "etcd: ") {
		t.Errorf("the cluster is %+v", got)
	}
	mustLaunch(t, "down", "--dir", dir, "--name", "one")
	if diff := cmp.Diff([]string{".lock"}, entries(t, dir)); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}

func TestWrongCommandLinesAreRefused(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no command":               {},
		"an unknown command":       {"reboot"},
		"an unknown flag":          {"up", "--nodes=3"},
		"a name that is a path":    {"down", "--name", "../one"},
		"restarting nothing":       {"restart"},
		"supervising no directory": {superviseVerb},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var progress strings.Builder
			if out, err := launch(t.Context(), &progress, args...); err == nil {
				t.Errorf("no error, but %q", out)
			}
		})
	}
}

// down is for cleanups, when a test's context has ended.
func down(t *testing.T, dir, name string) {
	t.Helper()
	if err := cluster.Root(dir).Down(t.Context(), name); err != nil {
		t.Error(err)
	}
}

// expectGone checks that nothing is left of the cluster that had this status.
func expectGone(t *testing.T, status, dir string) {
	t.Helper()
	if left := alive(t, status); len(left) != 0 {
		t.Errorf("processes are left: %v", left)
	}
	server := strings.TrimPrefix(field(t, status, "server"), "https://")
	dialer := net.Dialer{Timeout: time.Second}
	if connection, err := dialer.DialContext(t.Context(), "tcp", server); err == nil {
		_ = connection.Close()
		t.Errorf("%s is still open", server)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, entries(t, dir))
	}
}

// field returns a line of a status.
func field(t *testing.T, status, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^  ` + name + `: +(.*)$`).FindStringSubmatch(status)
	if found == nil {
		t.Fatalf("the status has no %q:\n%s", name, status)
	}
	return found[1]
}

// processes returns those that a status lists and that still run.
func processes(t *testing.T, status string) map[string]pid.ID {
	t.Helper()
	running := map[string]pid.ID{}
	for _, process := range strings.Split(field(t, status, "processes"), ", ") {
		name, number, _ := strings.Cut(process, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := pid.Of(n); err == nil {
			running[name] = id
		}
	}
	return running
}

func alive(t *testing.T, status string) []string {
	t.Helper()
	var names []string
	for name := range processes(t, status) {
		names = append(names, name)
	}
	return names
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return names
}

// eventually waits until reached returns true.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(time.Minute)
	for !reached() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("not reached: %s", what)
		}
	}
}
