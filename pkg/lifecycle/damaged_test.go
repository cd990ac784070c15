package lifecycle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestAnInventoryIsCompletedFromWhatElseIsKnown(t *testing.T) {
	t.Parallel()
	entry := func(name, uid string) release.Entry {
		return release.Entry{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: name, UID: "", Hash: uid}
	}
	r := release.New("shop", "web", 3)
	r.Inventory = []release.Entry{entry("a", "3")}
	text := plantest.Object("v1", "ConfigMap", "b") + plantest.Object("v1", "ConfigMap", "d") + plantest.Hook("clean", "post-delete", "") + plantest.Object("example.com/v1", "Unknown", "x")
	request := plan.Request{Release: r, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}
	if err := plan.CompleteInventory(request, []release.Entry{entry("a", "2"), entry("b", "2")}, []release.Entry{entry("b", "1"), entry("c", "1")}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range r.Inventory {
		got = append(got, fmt.Sprintf("%s/%s/%s %s", entry.Kind, entry.Namespace, entry.Name, entry.Hash))
	}
	want := []string{"ConfigMap/web/a 3", "ConfigMap/web/b 2", "ConfigMap/web/c 1", "ConfigMap/web/d ", "Job/web/shop-clean "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the inventory (-want +got):\n%s", diff)
	}
}

// Nobody knows how far a damaged revision got, so that hooks which it may have left running are looked for.
func TestADamagedRevisionCountsAsOneThatFailed(t *testing.T) {
	t.Parallel()
	r := plantest.Revision(t, 1, release.Deployed, plantest.Object("v1", "ConfigMap", "a")+plantest.Hook("x", "post-install", ""))
	for name, damage := range map[string]release.Damage{
		"its content": {Content: errors.New("x")}, "its inventory": {Inventory: errors.New("x")}, "its head": {Head: errors.New("x")},
	} {
		damaged := *r
		damaged.Record.Damage = damage
		planned := removal(t, "", &damaged, plan.Options{})
		if !planned.MayHaveLeftovers {
			t.Errorf("%s: it counts as one that came to a good end", name)
		}
	}
}

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

func TestNamesThatLeadElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a name":      plantest.Object("v1", "ConfigMap", `".."`),
		"a namespace": strings.Replace(plantest.Object("v1", "ConfigMap", "a"), "{name: a", `{namespace: "a/b", name: a`, 1),
		"a hook":      strings.Replace(plantest.Hook("x", "pre-install", ""), "name: shop-x", "name: a%2Fb", 1),
	} {
		_, err := plan.New(plantest.Installation(t, text, plan.Options{}))
		var invalid *plan.InputError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "may not") {
			t.Errorf("%s: %v", name, err)
		}
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
