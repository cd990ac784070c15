package lifecycle_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

// Revisions that cannot be read are neither counted nor forgotten.
func TestRevisionsThatCannotBeReadAreKept(t *testing.T) {
	t.Parallel()
	var history release.History
	for i, phase := range []release.Phase{release.Superseded, release.Superseded, release.Superseded, release.Deployed} {
		r := release.New("shop", "web", i+1)
		r.Status.Phase = phase
		history = append(history, r)
	}
	history[0].Record.Damage.Head = errors.New("x")
	planned := upgrade(t, plantest.Object("v1", "ConfigMap", "app"), nil, history)
	planned.Options.HistoryMax = 2
	kept, _, err := run(t, newCluster(), planned)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, write := range kept.writes {
		if strings.HasPrefix(write, "forget") {
			got = append(got, write)
		}
	}
	if diff := cmp.Diff([]string{"forget 2", "forget 3"}, got); diff != "" {
		t.Errorf("forgotten are (-want +got):\n%s", diff)
	}
}

// What failed so that it had to be taken back is looked into afterwards, however few revisions are to be kept.
func TestTheWayBackKeepsTheRecordOfTheFailure(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, plantest.Object("v1", "ConfigMap", "a"), plan.Options{})
	first.Release.Content.Manifest = plantest.Object("v1", "ConfigMap", "a")
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	text := plantest.Object("v1", "ConfigMap", "b") + plantest.Hook("x", "post-upgrade", "")
	failing := upgrade(t, text, first.Release.Inventory, release.History{first.Release})
	failing.Release.Content.Manifest, failing.Options.HistoryMax = text, 1
	cluster.outcomes["shop-x"] = exit3
	if kept, _, err := run(t, cluster, failing); err == nil || strings.Contains(strings.Join(kept.writes, "\n"), "forget") {
		t.Fatalf("it was written %v, error %v", kept.writes, err)
	}
	request := plantest.Rollback(t, first.Release, failing.Release)
	request.Options.HistoryMax = 1
	back, err := undoOf(failing, request)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := run(t, cluster, back)
	if err != nil {
		t.Fatal(err)
	}
	if writes := strings.Join(kept.writes, "\n"); !strings.Contains(writes, "forget 1") || strings.Contains(writes, "forget 2") {
		t.Errorf("it was written %v", kept.writes)
	}
}

// What is on its way out is not what the release has any more.
func TestWhatIsBeingDeletedIsNotShown(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	text := plantest.Object("v1", "ConfigMap", "a") + plantest.Object("v1", "ConfigMap", "b")
	first := mustPlan(t, strings.Replace(text, "{name: b}", "{name: b, annotations: {sherpack.io/resource-policy: keep}}", 1), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	planned := removal(t, text, first.Release, plan.Options{KeepHistory: true})
	if _, _, err := run(t, cluster, planned); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, resource := range planned.Release.Shown(0).Status.Resources {
		got = append(got, resource.Name)
	}
	if diff := cmp.Diff([]string{"b"}, got); diff != "" {
		t.Errorf("shown are (-want +got):\n%s", diff)
	}
}

func TestAPendingRevisionShowsThatItWasInterrupted(t *testing.T) {
	t.Parallel()
	r := plantest.Revision(t, 1, release.PendingInstall, plantest.Hook("a", "pre-install", "")+plantest.Hook("b", "pre-install", ""))
	r.Status.Operation = "install"
	r.Status.Hooks[0].State = release.HookRunning
	lifecycle.ShowInterrupted(r, "process 1 on host, last seen 3s ago")
	got := []string{string(r.Status.Phase), string(r.Status.Interrupted), r.Status.Message}
	for _, h := range r.Status.Hooks {
		got = append(got, h.Title+": "+h.Summary())
	}
	want := []string{
		"pending-install", "install", "interrupted during install: process 1 on host, last seen 3s ago",
		"pre-install/a: Failed (Interrupted)", "pre-install/b: Skipped (not reached)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shown is (-want +got):\n%s", diff)
	}
}
