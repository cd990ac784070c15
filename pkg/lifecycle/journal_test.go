package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	t.Run("a record may take as long as the work", aRecordMayTakeAsLongAsTheWork)
	t.Run("a log that is not to be shown is only recorded", aLogThatIsNotToBeShownIsOnlyRecorded)
	t.Run("a test records its hooks only", testRecordsItsHooksOnly)
	t.Run("an uninstallation that has not begun leaves the status", uninstallNotBegunLeavesStatus)
	t.Run("what was undone is not interrupted any more", whatWasUndoneIsNotInterruptedAnyMore)
	t.Run("what became of an installation that was undone is in its status", whatBecameOfAnUndoneInstallation)
	t.Run("the history is superseded and bounded", theHistoryIsSupersededAndBounded)
	t.Run("revisions that cannot be read are kept", revisionsThatCannotBeReadAreKept)
	t.Run("an undo keeps the record of the failure", anUndoKeepsTheRecordOfTheFailure)
	t.Run("a history that cannot be tidied up is a warning", aHistoryThatCannotBeTidiedUpIsAWarning)
	t.Run("a record that cannot be dropped says uninstalled", recordThatCannotBeDropped)
}

func aLogThatIsNotToBeShownIsOnlyRecorded(t *testing.T) {
	t.Parallel()
	for logs, want := range map[plan.Logs]string{"": "one\ntwo\n", plan.LogsOfFailed: "one\ntwo\n", plan.AllLogs: "one\ntwo\n", plan.NoLogs: ""} {
		cluster := newCluster()
		cluster.outcomes["shop-migrate"] = exit3
		kept, events, err := run(t, cluster, mustPlan(t, plantest.Hook("migrate", "pre-install", ""), plan.Options{Logs: logs}))
		if err == nil || kept.last.Status.Hooks[0].LogTail != "one\ntwo\n" {
			t.Errorf("--logs=%s: error %v, and the record is %+v", logs, err, kept.last.Status.Hooks[0])
		}
		told := slices.IndexFunc(events, func(event lifecycle.Event) bool { return event.Type == lifecycle.HookFinished })
		if told < 0 || events[told].LogTail != want {
			t.Errorf("--logs=%s: the events are %+v", logs, events)
		}
	}
}

// slowStore records a revision for as long as it may.
type slowStore struct {
	store
	// begun is called when a revision is to be recorded, and limit is the time there is for that; 0 is any.
	begun func()
	limit time.Duration
}

func (s *slowStore) Create(ctx context.Context, _ *release.Release) error {
	if until, limited := ctx.Deadline(); limited {
		s.limit = time.Until(until)
	}
	s.begun()
	<-ctx.Done()
	return ctx.Err()
}

// A record may be large and the line slow: writing it takes what time the operation has, and ends when that is interrupted.
// Then nothing has been done.
func aRecordMayTakeAsLongAsTheWork(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ timeout, least, most time.Duration }{
		"with a time limit":    {time.Hour, 50 * time.Minute, time.Hour},
		"without a time limit": {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			ctx, interrupt := context.WithCancel(t.Context())
			kept := &slowStore{begun: interrupt}
			runner := lifecycle.Runner{Cluster: cluster, Store: kept, Now: time.Now}
			_, err := runner.Run(ctx, mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{Timeout: test.timeout}).Plan)
			if !errors.Is(err, lifecycle.ErrInterrupted) {
				t.Errorf("not interrupted: %v", err)
			}
			if kept.limit < test.least || kept.limit > test.most {
				t.Errorf("there are %s to record the revision", kept.limit)
			}
			if len(kept.writes)+len(cluster.log) > 0 {
				t.Errorf("there was done %v %v", kept.writes, cluster.log)
			}
		})
	}
}

// A test changes nothing about the release but the records of its tests.
func testRecordsItsHooksOnly(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "test", "") + plantest.Hook("b", "test", "") + plantest.Hook("c", "test", "") + plantest.Hook("install", "pre-install", "")
	for name, test := range map[string]struct {
		keepGoing bool
		want      []string
	}{
		"up to the first that fails": {false, []string{"pre-install/install from 0: Pending", "test/a from 0: Succeeded", "test/b from 0: Failed (exit code 3)", "test/c from 0: Skipped (not reached)"}},
		"all of them":                {true, []string{"pre-install/install from 0: Pending", "test/a from 0: Succeeded", "test/b from 0: Failed (exit code 3)", "test/c from 0: Succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := plantest.Revision(t, 1, release.Deployed, text)
			r.Status.Operation = "install"
			planned, err := newWork(plan.Test(plan.Request{Release: r, Nodes: plantest.Nodes(t, text), Scopes: plantest.Scopes()}, plan.Tests{KeepGoing: test.keepGoing}))
			if err != nil {
				t.Fatal(err)
			}
			cluster := newCluster()
			cluster.outcomes["shop-b"] = exit3
			kept, _, err := run(t, cluster, planned)
			var failed *lifecycle.HookError
			if !errors.As(err, &failed) {
				t.Fatalf("no failed hook: %v", err)
			}
			got := plantest.Records(&kept.last)
			got[0] = strings.Replace(got[0], "Skipped (not reached)", "Pending", 1)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if status := kept.last.Status; status.Phase != release.Deployed || status.Operation != "install" || status.Message != "" {
				t.Errorf("status: %+v", status)
			}
		})
	}
}

// As long as nothing was deleted, a release that could not be uninstalled is what it was before.
func uninstallNotBegunLeavesStatus(t *testing.T) {
	t.Parallel()
	const said = "no matter what; not uninstalled: hook pre-delete/a failed"
	text := plantest.Hook("a", "pre-delete", "") + plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("b", "post-delete", "")
	for name, test := range map[string]struct {
		fails   string
		phase   release.Phase
		want    string
		message string
	}{
		"a second time":              {"shop-a", release.Deployed, "deployed install not uninstalled: hook pre-delete/a failed: ", "not uninstalled: hook pre-delete/a failed: "},
		"before anything is deleted": {"shop-a", release.Deployed, "deployed install no matter what; not uninstalled: hook pre-delete/a failed: ", said},
		"of a failed release":        {"shop-a", release.Failed, "failed install no matter what; not uninstalled: hook pre-delete/a failed: ", said},
		"of an interrupted release":  {"shop-a", release.PendingUpgrade, "failed install no matter what; not uninstalled: hook pre-delete/a failed: ", said},
		"after it":                   {"shop-b", release.Deployed, "failed uninstall hook post-delete/b failed: ", said},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := plantest.Revision(t, 1, test.phase, text)
			r.Status.Operation, r.Status.Message = "install", test.message
			cluster := newCluster()
			cluster.outcomes[test.fails] = exit3
			kept, _, err := run(t, cluster, removal(t, text, r, plan.Options{}))
			if err == nil {
				t.Fatal("no error")
			}
			status := kept.last.Status
			if got := fmt.Sprintf("%s %s %s", status.Phase, status.Operation, status.Message); !strings.HasPrefix(got, test.want) || strings.Count(got, "failed: ") != 1 {
				t.Errorf("got %q, want %q…", got, test.want)
			}
		})
	}
}

// What was interrupted and then undone must not be resumed: hooks would count as run whose work is gone.
func whatWasUndoneIsNotInterruptedAnyMore(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	ctx, cancel := context.WithCancel(t.Context())
	cluster.outcomes["shop-b"] = func(ctx context.Context) (kube.HookOutcome, error) {
		cancel()
		return kube.HookOutcome{}, ctx.Err()
	}
	failed := mustPlan(t, plantest.Hook("a", "pre-install", "")+plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("b", "post-install", ""), plan.Options{})
	if _, _, err := runIn(ctx, cluster, failed); err == nil || failed.Release.Status.Interrupted != release.OperationInstall {
		t.Fatalf("error %v, interrupted %q", err, failed.Release.Status.Interrupted)
	}
	undo, err := undoOf(failed, plan.Request{})
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := run(t, cluster, undo)
	if err != nil || kept.last.Status.Interrupted != "" {
		t.Errorf("error %v, interrupted %q", err, kept.last.Status.Interrupted)
	}
}

func theHistoryIsSupersededAndBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails bool
		want  []string
	}{
		"when one is deployed": {false, []string{"supersede 3", "supersede 4", "forget 1", "forget 2", "forget 3"}},
		// What is deployed is not forgotten.
		"when one fails": {true, []string{"forget 1", "forget 2", "forget 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var history release.History
			for i, phase := range []release.Phase{release.Failed, release.Superseded, release.Deployed, release.Deployed, release.Failed} {
				revision := release.New("shop", "web", i+1)
				revision.Status.Phase = phase
				history = append(history, revision)
			}
			cluster := newCluster()
			if test.fails {
				cluster.applyErr["app"] = errors.New("no")
			}
			kept, _, err := run(t, cluster, upgrade(t, plantest.Object("v1", "ConfigMap", "app"), nil, history))
			if (err != nil) != test.fails {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(kept.writes, func(write string) bool {
				return !strings.Contains(write, "supersede") && !strings.Contains(write, "forget")
			})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Revisions that cannot be read are neither counted nor forgotten.
func revisionsThatCannotBeReadAreKept(t *testing.T) {
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

// The record of what failed and was undone is read afterwards, however few revisions are to be kept.
func anUndoKeepsTheRecordOfTheFailure(t *testing.T) {
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
	undo, err := undoOf(failing, request)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, err := run(t, cluster, undo)
	if err != nil {
		t.Fatal(err)
	}
	if writes := strings.Join(kept.writes, "\n"); !strings.Contains(writes, "forget 1") || strings.Contains(writes, "forget 2") {
		t.Errorf("it was written %v", kept.writes)
	}
}

// A history that cannot be tidied up makes no failure of a success.
func aHistoryThatCannotBeTidiedUpIsAWarning(t *testing.T) {
	t.Parallel()
	deployed := release.New("shop", "web", 1)
	deployed.Status.Phase = release.Deployed
	planned := upgrade(t, plantest.Object("v1", "ConfigMap", "app"), nil, release.History{deployed})
	kept, events, err := runWith(t.Context(), newCluster(), &store{tidyErr: errors.New("forbidden")}, planned, time.Now)
	if err != nil || kept.last.Status.Phase != release.Deployed {
		t.Fatalf("%v, %s", err, kept.last.Status.Phase)
	}
	said := ""
	for _, event := range events {
		if event.Type == lifecycle.Warning {
			said += event.Message
		}
	}
	if !strings.Contains(said, "forbidden") {
		t.Errorf("said %q", said)
	}
}

// A release that is gone, but for its record, says so.
func recordThatCannotBeDropped(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "app")
	r := plantest.Revision(t, 1, release.Deployed, text)
	kept, _, err := runWith(t.Context(), newCluster(), &store{tidyErr: errors.New("forbidden")}, removal(t, text, r, plan.Options{}), time.Now)
	if err == nil || kept.last.Status.Phase != release.Uninstalled {
		t.Errorf("%v, %s", err, kept.last.Status.Phase)
	}
}

// Who asks later, without the output of the command, must not take the failed release for one that is half there.
func whatBecameOfAnUndoneInstallation(t *testing.T) {
	t.Parallel()
	const kept = "apiVersion: v1\nkind: Secret\nmetadata: {name: key, annotations: {sherpack.io/resource-policy: keep}}\n---\n"
	for name, test := range map[string]struct {
		more    string
		refused error
		want    string
	}{
		"deleted":           {"", nil, "never ready; everything it had created was deleted"},
		"not deleted":       {"", errRefused, "never ready; the rollback failed, too: refused"},
		"CRDs are kept":     {plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "b"), nil, "never ready; everything it had created was deleted, except CustomResourceDefinition/b"},
		"the policy keeps":  {kept, nil, "never ready; everything it had created was deleted, except Secret/key"},
		"it has found some": {plantest.Object("v1", "Namespace", "extra"), nil, "never ready; everything it had created was deleted"},
	} {
		cluster := newCluster()
		put(cluster, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{
			"name": "extra", "annotations": marks("shop"), "labels": ownLabels(),
		}})
		first := mustPlan(t, plantest.Object("v1", "ConfigMap", "app")+test.more, plan.Options{Wait: true})
		cluster.waitErr = errors.New("never ready")
		if _, _, err := run(t, cluster, first); err == nil {
			t.Fatal("it has not failed")
		}
		undo, err := undoOf(first, plan.Request{})
		if err != nil {
			t.Fatal(err)
		}
		cluster.deleteErr = map[string]error{"app": test.refused}
		kept, _, err := run(t, cluster, undo)
		if (err != nil) != (test.refused != nil) {
			t.Fatalf("%s: %v", name, err)
		}
		status := kept.last.Status
		if status.Message != test.want || status.Cause != "never ready" || status.Conditions[0].Message != status.Message {
			t.Errorf("%s: the status says %q, in short %q", name, status.Message, status.Cause)
		}
	}
}
