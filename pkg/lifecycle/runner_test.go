package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/lifecycle"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/plantest"
)

func TestRunner(t *testing.T) {
	t.Parallel()
	t.Run("an installation is recorded step by step", anInstallationIsRecordedStepByStep)
	t.Run("a rejected object fails the operation", aRejectedObjectFailsTheOperation)
	t.Run("a hook that fails before any change leaves nothing to undo", hookFailsBeforeAnyChange)
	t.Run("the extent of a change", extentOfChange)
	t.Run("notices of the cluster are warnings", noticesAreWarnings)
}

func anInstallationIsRecordedStepByStep(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	kept, events, err := run(t, cluster, mustPlan(t, plantest.Hook("migrate", "pre-install", "")+plantest.Object("v1", "ConfigMap", "app")+plantest.Hook("notify", "post-install", policy("hook-succeeded")), plan.Options{Wait: true}))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"create pending-install Pending Pending",
		"status pending-install Running Pending",
		"status pending-install Succeeded Pending",
		"inventory",
		"status pending-install Succeeded Running",
		"status pending-install Succeeded Succeeded",
		"inventory",
		"status deployed Succeeded Succeeded",
	}
	if diff := cmp.Diff(want, kept.writes); diff != "" {
		t.Error(diff)
	}
	wantLog := []string{
		"apply Job/shop-migrate", "apply ConfigMap/app", "wait ConfigMap/app sherpack.io/release=shop", "apply Job/shop-notify",
		"delete Job/shop-notify Background",
	}
	if diff := cmp.Diff(wantLog, cluster.log); diff != "" {
		t.Error(diff)
	}
	var types []string
	for i, event := range events {
		if event.Seq != i+1 || event.Release != "shop" || event.Revision != 1 {
			t.Errorf("event %d: %+v", i, event)
		}
		types = append(types, string(event.Type))
	}
	wantTypes := []string{
		"check-started", "check-finished", "operation-started", "phase-started", "hook-started", "hook-finished", "phase-finished", "wave-started", "object-applied",
		"wave-finished", "wait-started", "wait-finished", "phase-started", "hook-started", "hook-finished",
		"deletion-started", "object-deleted", "deletion-finished", "phase-finished", "operation-finished",
	}
	if diff := cmp.Diff(wantTypes, types); diff != "" {
		t.Error(diff)
	}
	for _, entry := range kept.last.Inventory {
		if deleted := entry.Name == "shop-notify"; deleted != (entry.UID == "") || deleted != (entry.Origin == "") || deleted != (entry.Hash == "") {
			t.Errorf("inventory: %+v", entry)
		}
	}
}

func aRejectedObjectFailsTheOperation(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.applyErr["db"] = errors.New("apply Secret/web/db: no")
	kept, _, err := run(t, cluster, mustPlan(t, plantest.Application(), plan.Options{}))
	if err == nil || err.Error() != "templates/a.yaml:12: apply Secret/web/db: no" {
		t.Fatalf("got %v", err)
	}
	if kept.last.Status.Phase != release.Failed || kept.last.Status.Hooks[1].Summary() != "Skipped (not reached)" {
		t.Errorf("status: %+v", kept.last.Status)
	}
	if slices.Contains(cluster.log, "apply Deployment/web") {
		t.Error("a later wave was applied")
	}
	var known []string
	for _, entry := range kept.last.Inventory {
		known = append(known, fmt.Sprint(entry.Name, " ", entry.UID != ""))
	}
	want := []string{"extra true", "web true", "app true", "db false", "web false", "shop-migrate true", "shop-notify false", "shop-test false"}
	if diff := cmp.Diff(want, known); diff != "" {
		t.Error(diff)
	}
}

// What the hook needs and has not changed is nothing to undo.
func hookFailsBeforeAnyChange(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	second := upgrade(t, versioned("1"), first.Release.Inventory, nil)
	if _, _, err := run(t, cluster, second); err == nil || strings.Contains(err.Error(), "applied before") || second.result.Extent != plan.ExtentNone {
		t.Errorf("%v, extent %d", err, second.result.Extent)
	}
}

// versioned is a manifest whose hook reads a Secret and a ConfigMap that say which version they are of.
func versioned(version string, more ...string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {version: '%s'}\n---\n", version) +
		plantest.Object("v1", "ConfigMap", "same") + plantest.Object("v1", "ConfigMap", "later") + strings.Join(more, "") +
		plantest.PodHook("pre-install,pre-upgrade", "", ", envFrom: [{secretRef: {name: db}}, {secretRef: {name: new}}, {configMapRef: {name: same}}]", "")
}

// CRDs that were applied are no change that has to be undone.
func extentOfChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first string
		want  plan.Extent
	}{
		"nothing before the hook": {"", plan.ExtentNone},
		"a definition of a kind":  {plantest.Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things.example.com"), plan.ExtentNone},
		"a Namespace":             {plantest.Object("v1", "Namespace", "extra"), plan.ExtentEarly},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			cluster.outcomes["shop-a"] = exit3
			planned := upgrade(t, test.first+plantest.Hook("a", "pre-upgrade", "")+plantest.Object("v1", "ConfigMap", "app"), nil, nil)
			if _, _, err := run(t, cluster, planned); err == nil || planned.result.Extent != test.want {
				t.Errorf("%v, extent %d, want %d", err, planned.result.Extent, test.want)
			}
		})
	}
}

// What the cluster notices is a warning among the events, in order and numbered like all of them.
func noticesAreWarnings(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.notices = []string{"no right to list", "no right to watch"}
	_, events, err := run(t, cluster, mustPlan(t, plantest.Object("v1", "ConfigMap", "app"), plan.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	type said struct {
		Seq     int
		Type    lifecycle.EventType
		Message string
	}
	var got []said
	for _, event := range events[:3] {
		got = append(got, said{event.Seq, event.Type, event.Message})
	}
	want := []said{{1, lifecycle.Warning, "no right to list"}, {2, lifecycle.Warning, "no right to watch"}, {3, lifecycle.OperationStarted, ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	t.Run("what was applied early is restored", undoRestoresAppliedEarly)
	t.Run("what an earlier failure left is restored", undoRestoresAfterEarlierFailure)
	t.Run("what has become a hook is restored", undoRestoresWhatBecameHook)
	t.Run("what the operation recreated may be recreated", undoRecreates)
	t.Run("what the operation has not come to is given back", undoGivesBackWhatWasNotReached)
	t.Run("what was there before stays", undoLeavesWhatWasThere)
	t.Run("what somebody made meanwhile stays", undoLeavesWhatOthersMade)
	t.Run("a hook that fails or hangs does not end it", undoGoesOnWithoutHook)
}

// With --atomic what was applied for the hook is as it was before, and what was made for it is gone.
func undoRestoresAppliedEarly(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	first.Release.Content.Manifest = versioned("1")
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	failed := upgrade(t, versioned("2", plantest.Object("v1", "Secret", "new")), first.Release.Inventory, nil)
	failed.Release.Content.Manifest = versioned("2", plantest.Object("v1", "Secret", "new"))
	if _, _, err := run(t, cluster, failed); err == nil || failed.result.Extent != plan.ExtentEarly {
		t.Fatalf("%v, extent %d", err, failed.result.Extent)
	}
	undo, err := undoOf(failed, plantest.Rollback(t, first.Release, failed.Release))
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, undo); err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(cluster.log, func(line string) bool { return strings.Contains(line, "Job/") })
	if diff := cmp.Diff([]string{"apply Secret/db", "delete Secret/new Background"}, got); diff != "" {
		t.Error(diff)
	}
}

// What a failure before this one has left goes back, too, although this one has changed nothing.
func undoRestoresAfterEarlierFailure(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	first := mustPlan(t, versioned("1"), plan.Options{})
	first.Release.Content.Manifest = versioned("1")
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	cluster.outcomes["shop-migrate"] = exit3
	plain := upgrade(t, versioned("2"), first.Release.Inventory, release.History{first.Release})
	if _, _, err := run(t, cluster, plain); err == nil {
		t.Fatal("the hook succeeded")
	}
	plain.Release.Content.Manifest = versioned("2")
	again := upgrade(t, versioned("2"), plain.Release.Inventory, release.History{first.Release, plain.Release})
	if _, _, err := run(t, cluster, again); err == nil || again.result.Extent != plan.ExtentNone {
		t.Fatalf("%v, extent %d", err, again.result.Extent)
	}
	again.Release.Content.Manifest = versioned("2")
	undo, err := undoOf(again, plantest.Rollback(t, first.Release, again.Release))
	if err != nil {
		t.Fatal(err)
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, undo); err != nil {
		t.Fatal(err)
	}
	if got := slices.DeleteFunc(cluster.log, func(line string) bool { return strings.Contains(line, "Job/") }); !slices.Equal(got, []string{"apply Secret/db"}) {
		t.Errorf("it did %v", got)
	}
}

// A regular resource that has become a hook, and was applied as one, is restored.
func undoRestoresWhatBecameHook(t *testing.T) {
	t.Parallel()
	one := plantest.Object("v1", "ConfigMap", "settings")
	two := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, annotations: {sherpack.io/hook: pre-upgrade, sherpack.io/hook-weight: '-1'}}\ndata: {a: b}\n---\n" + plantest.Hook("a", "pre-upgrade", "")
	cluster := newCluster()
	cluster.outcomes["shop-a"] = exit3
	replaced(t, cluster, one, two)
	if !slices.Contains(cluster.log, "apply ConfigMap/settings") {
		t.Errorf("it did %v", cluster.log)
	}
}

// undone runs a plan that must fail, and then its undo, which must be needed. request is that of plan.Undo, after the failure.
// It returns the undo; what that did is what is in the log of the cluster.
func undone(t *testing.T, cluster *cluster, failing *work, request func() plan.Request) *work {
	t.Helper()
	if _, _, err := run(t, cluster, failing); err == nil {
		t.Fatal("no error")
	}
	undo, err := undoOf(failing, request())
	if err != nil {
		t.Fatal(err)
	}
	if undo == nil {
		t.Fatal("nothing is undone")
	}
	cluster.log = nil
	if _, _, err := run(t, cluster, undo); err != nil {
		t.Fatal(err)
	}
	return undo
}

// replaced installs one text, has another, which must fail, take its place, and runs the undo.
func replaced(t *testing.T, cluster *cluster, one, two string) {
	t.Helper()
	first := mustPlan(t, one, plan.Options{})
	first.Release.Content.Manifest = one
	if _, _, err := run(t, cluster, first); err != nil {
		t.Fatal(err)
	}
	failing := upgrade(t, two, first.Release.Inventory, nil)
	failing.Release.Content.Manifest = two
	undone(t, cluster, failing, func() plan.Request { return plantest.Rollback(t, first.Release, failing.Release) })
}

// What the operation has recreated, because the object said so, the undo may recreate although the revision before did not say so.
func undoRecreates(t *testing.T) {
	t.Parallel()
	one := plantest.Object("apps/v1", "Deployment", "a")
	two := strings.Replace(one, "{name: ", "{annotations: {sherpack.io/on-immutable: recreate}, name: ", 1) + plantest.Hook("b", "post-upgrade", "")
	cluster := newCluster()
	cluster.frozen, cluster.outcomes["shop-b"] = []string{"a"}, exit3
	replaced(t, cluster, one, two)
}

// What an installation finds with its marks is given back by the undo also where the work did not get as far as applying it.
func undoGivesBackWhatWasNotReached(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	putMarked(cluster, "data")
	planned := mustPlan(t, plantest.Object("v1", "ConfigMap", "data")+plantest.Hook("a", "pre-install", ""), plan.Options{})
	cluster.outcomes["shop-a"] = exit3
	undone(t, cluster, planned, noRequest)
	if diff := cmp.Diff([]string{"give back ConfigMap/data", "delete Job/shop-a Foreground"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

func noRequest() plan.Request { return plan.Request{} }

// A failed installation leaves what was there before it.
func undoLeavesWhatWasThere(t *testing.T) {
	t.Parallel()
	text := plantest.Object("v1", "ConfigMap", "data") + plantest.Object("v1", "ConfigMap", "more")
	removed := plantest.Revision(t, 1, release.Uninstalled, plantest.Object("v1", "ConfigMap", "data"))
	removed.Inventory[0].Origin, removed.Inventory[0].UID = release.Created, "uid-1"
	for name, previous := range map[string]*release.Release{"with its history": removed, "without": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster()
			putMarked(cluster, "data")
			planned, err := newWork(plan.New(plan.Request{
				Operation: release.OperationInstall, Release: release.New("shop", "web", 2), Previous: previous, Nodes: plantest.Nodes(t, text+plantest.Hook("a", "post-install", "")), Scopes: plantest.Scopes(),
			}))
			if err != nil {
				t.Fatal(err)
			}
			cluster.outcomes["shop-a"] = exit3
			undone(t, cluster, planned, noRequest)
			if diff := cmp.Diff([]string{"give back ConfigMap/data", "delete Job/shop-a Foreground", "delete ConfigMap/more Background"}, cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What somebody makes between the refresh and the apply was there before the installation, as far as anybody knows: its undo
// deletes only what it has made itself.
func undoLeavesWhatOthersMade(t *testing.T) {
	t.Parallel()
	cluster := newCluster()
	cluster.meanwhile = func() {
		putTheirs(cluster)
		cluster.meanwhile = nil
	}
	cluster.outcomes["shop-a"] = exit3
	undone(t, cluster, mustPlan(t, theirs()+plantest.Object("v1", "ConfigMap", "made")+plantest.Hook("a", "post-install", ""), plan.Options{}), noRequest)
	if diff := cmp.Diff([]string{"delete Job/shop-a Foreground", "delete ConfigMap/made Background"}, cluster.log); diff != "" {
		t.Error(diff)
	}
}

// The undo goes on when its first hook fails, or hangs: half of the time is left then.
func undoGoesOnWithoutHook(t *testing.T) {
	t.Parallel()
	for name, outcome := range map[string]func(context.Context) (kube.HookOutcome, error){"fails": exit3, "hangs": hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { undoWith(t, outcome) })
		})
	}
}

// undoWith runs an undo whose first hook ends as it is told, in a time that only passes when nothing else is to do.
func undoWith(t *testing.T, outcome func(context.Context) (kube.HookOutcome, error)) {
	t.Helper()
	text := plantest.Object("v1", "ConfigMap", "app") + plantest.Hook("a", "pre-rollback", "")
	deployed, newest := plantest.Revision(t, 1, release.Deployed, text), plantest.Revision(t, 2, release.Failed, text)
	request := plantest.Rollback(t, deployed, newest)
	request.Options.Timeout = time.Minute
	undo, err := undoOf(failedWork(release.OperationUpgrade, newest, plan.ExtentAll), request)
	if err != nil {
		t.Fatal(err)
	}
	cluster := newCluster()
	cluster.outcomes["shop-a"] = outcome
	started := time.Now()
	kept, events, err := runOn(t.Context(), cluster, undo, time.Now)
	if err != nil || kept.last.Status.Phase != release.Deployed || time.Since(started) > time.Minute/2 {
		t.Fatalf("%v, %s after %s", err, kept.last.Status.Phase, time.Since(started))
	}
	if records := plantest.Records(&kept.last); !strings.Contains(records[0], "Failed") {
		t.Errorf("records: %v", records)
	}
	said := false
	for _, event := range events {
		said = said || event.Type == lifecycle.Warning && strings.Contains(event.Message, "hook pre-rollback/a failed")
	}
	if !said {
		t.Errorf("nothing was said: %+v", events)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	t.Run("a hook with other content runs again", resumeRunsChangedHook)
	t.Run("hooks that were skipped stay skipped", resumeSkipsSkippedHooks)
}

// A migration that is not the one that has run is not skipped: the application would come up on what it has not migrated.
func resumeRunsChangedHook(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-upgrade", "") + settings("two") + plantest.Hook("b", "post-upgrade", "")
	for name, test := range map[string]struct {
		text  string
		again bool
	}{
		"it is what has run": {text, false},
		"it is another":      {strings.Replace(text, "hook: pre-upgrade\n", "hook: pre-upgrade\n    changed: \"true\"\n", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
			s.cutShort(t, ctrlC, "shop-b", s.plan(t, release.OperationUpgrade, text, plan.Options{}))
			s.texts[2] = test.text
			s.must(t, s.resumption(t))
			if slices.Contains(s.cluster.log, "apply Job/shop-a") != test.again {
				t.Errorf("it did %v", s.cluster.log)
			}
		})
	}
}

// Who has said --no-hooks does not have to say it again, and gets no migration that was not wanted.
func resumeSkipsSkippedHooks(t *testing.T) {
	t.Parallel()
	text := plantest.Hook("a", "pre-upgrade", "") + settings("two") + plantest.Object("apps/v1", "Deployment", "late") + plantest.Hook("b", "post-upgrade", "")
	for name, test := range map[string]struct {
		skipped []hook.Phase
		want    []string
	}{
		"all hooks":             {hook.Phases(), []string{"apply Deployment/late"}},
		"those before the work": {[]hook.Phase{hook.PreUpgrade}, []string{"apply Deployment/late", "apply Job/shop-b"}},
		"those after it":        {[]hook.Phase{hook.PostUpgrade}, []string{"apply Deployment/late"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory()
			s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
			ctx, cancel := context.WithCancel(t.Context())
			s.cluster.meanwhile = cancel
			if _, err := s.run(ctx, s.plan(t, release.OperationUpgrade, text, plan.Options{SkipPhases: test.skipped})); !errors.Is(err, lifecycle.ErrInterrupted) {
				t.Fatalf("got %v", err)
			}
			s.cluster.meanwhile = nil
			s.must(t, s.resumption(t))
			if diff := cmp.Diff(test.want, s.cluster.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}
