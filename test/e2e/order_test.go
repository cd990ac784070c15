package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// run runs the program in the session's namespace and returns what it printed.
func (s *session) run(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	command := exec.Command(program(t), append(args, "--kubeconfig", s.kubeconfig, "--namespace", s.namespace)...)
	command.Env = append(os.Environ(), "HOME="+t.TempDir())
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		t.Fatalf("kubectl sherpack %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), errs.String()
}

type event struct {
	Time time.Time `json:"time"`
	Seq  int       `json:"seq"`
	Type string    `json:"type"`
	Hook *struct {
		Kind, Name string
	} `json:"hook"`
	Result string `json:"result"`
}

func events(t *testing.T, text string) []event {
	t.Helper()
	var found []event
	for scanner := bufio.NewScanner(strings.NewReader(text)); scanner.Scan(); {
		var next event
		if err := json.Unmarshal(scanner.Bytes(), &next); err != nil {
			t.Fatalf("not a line of JSON: %q: %v", scanner.Text(), err)
		}
		found = append(found, next)
	}
	return found
}

// Hooks of one phase run by weight, one at a time; what a later one needs is there before it starts.
func TestHooksRunInTheOrderOfTheirWeights(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	_, stderr := session.run(t, "install", "myapp", "testdata/packs/weights", "--events", "json")
	var got []string
	found := events(t, stderr)
	for i, event := range found {
		if event.Seq != i+1 {
			t.Errorf("event %d has number %d", i+1, event.Seq)
		}
		if event.Hook != nil && (event.Type == "hook-started" || event.Type == "hook-finished") {
			got = append(got, strings.TrimPrefix(event.Type, "hook-")+" "+event.Hook.Kind+"/"+event.Hook.Name)
		}
	}
	want := []string{
		"started ServiceAccount/myapp-migrate", "finished ServiceAccount/myapp-migrate",
		"started RoleBinding/myapp-migrate", "finished RoleBinding/myapp-migrate",
		"started Job/myapp-first", "finished Job/myapp-first",
		"started Job/myapp-second", "finished Job/myapp-second",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	created := session.created(t, "serviceaccount/myapp-migrate", "rolebinding/myapp-migrate", "job/myapp-first", "job/myapp-second", "configmap/myapp")
	if !slices.IsSortedFunc(created, time.Time.Compare) {
		t.Errorf("not created in this order: %v", created)
	}
	if !created[2].Before(created[3]) {
		t.Errorf("the second Job was created at %v, no later than the first at %v, which takes a second", created[3], created[2])
	}
}

// kubectl runs kubectl in the session's namespace and returns what it printed.
func (s *session) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	output, err := s.tryKubectl(t, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, output)
	}
	return output
}

func (s *session) tryKubectl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	command := exec.Command(clustertest.Kubectl(t), append(args, "--kubeconfig", s.kubeconfig, "--namespace", s.namespace)...)
	output, err := command.CombinedOutput()
	return string(output), err
}

// awaitActive waits until a Job runs. Where one of its name that an earlier command left is still there and is deleted
// meanwhile, the next one counts.
func (s *session) awaitActive(t *testing.T, job string) {
	t.Helper()
	for {
		s.kubectl(t, "wait", "--for=create", "--timeout=2m", "job/"+job)
		output, err := s.tryKubectl(t, "wait", "--for=jsonpath={.status.active}=1", "--timeout=2m", "job/"+job)
		if err == nil {
			return
		}
		if !strings.Contains(output, "not found") {
			t.Fatalf("waiting for job/%s to run: %v: %s", job, err, output)
		}
	}
}

// created returns when objects were created, to the second.
func (s *session) created(t *testing.T, names ...string) []time.Time {
	t.Helper()
	var times []time.Time
	for _, name := range names {
		moment, err := time.Parse(time.RFC3339, s.kubectl(t, "get", name, "-o", "jsonpath={.metadata.creationTimestamp}"))
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, moment)
	}
	return times
}

// An installation costs few requests: those for its objects, and a fixed number around them.
func TestAnInstallationCostsFewRequests(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	session.run(t, "install", "myapp", "testdata/packs/webapp")
	requests := slices.DeleteFunc(session.proxy.Requests(), func(r proxy.Request) bool {
		// The lock is renewed while the hooks run, however long that takes. A renewal that is slow, or under way at the end, is
		// not waited for: the next request for the lock is a conflict then, and it is read again.
		return strings.Contains(r.Path, "/leases/") &&
			(r.Method == http.MethodPut || r.Method == http.MethodGet || r.Status == http.StatusConflict)
	})
	for _, request := range requests {
		t.Logf("%-6s %d %s?%s", request.Method, request.Status, request.Path, request.Query.Encode())
	}
	// Three ask what the cluster can do, and are answered from a cache the next time. Two take and release
	// the lock. Two read the history, before and after it. Four look for existing objects, and again after the first hook.
	// Five try the objects and hooks, because a hook comes before them, and three their Pods. Three are for the hook that test
	// runs later: its name is looked for, it is tried, and so is its Pod. Three write the record, beside one that looks for what
	// others have left of it; seven keep it up to date. Two watch Jobs and Pods, and two read the ends of their logs. Five apply
	// the objects and hooks, one deletes the finished notification. One asks who the user is, beside the others, because the
	// record says who made a revision.
	const most = 3 + 2 + 2 + 4 + 4 + 5 + 3 + 3 + 3 + 1 + 7 + 2 + 2 + 5 + 1 + 1
	if len(requests) > most {
		t.Errorf("%d requests, at most %d are allowed", len(requests), most)
	}
}

// An upgrade that changes nothing looks at regular objects, labels and annotations included, by one request per kind, once
// more after hooks, and sends nothing for them.
func TestAnUpgradeOfWhatIsAsItWasOnlyLists(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	session.run(t, "install", "myapp", "testdata/packs/webapp")
	session.proxy.Reset()
	session.run(t, "upgrade", "myapp", "testdata/packs/webapp")
	asked := map[string]int{}
	for _, request := range session.proxy.Requests() {
		for _, kind := range []string{"deployments", "configmaps", "services"} {
			if !strings.Contains(request.Path, "/"+kind) {
				continue
			}
			if asked[kind]++; request.Method != http.MethodGet {
				t.Errorf("%s %s", request.Method, request.Path)
			}
		}
	}
	const looks = 2
	for kind, requests := range asked {
		if requests > looks {
			t.Errorf("%d requests for %s", requests, kind)
		}
	}
	if len(asked) == 0 {
		t.Error("nobody has looked")
	}
}
