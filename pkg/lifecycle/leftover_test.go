package lifecycle_test

import (
	"context"
	"errors"
	"maps"
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

func TestLeftover(t *testing.T) {
	t.Parallel()
	t.Run("it does not count as run for the next command", leftoverDoesNotCountForNextCommand)
	t.Run("how it ends decides nothing", endOfLeftoverDecidesNothing)
	t.Run("an interrupt leaves it running", interruptLeavesLeftoverRunning)
	t.Run("a resumed operation counts its own hooks", aResumedOperationCountsItsOwnHooks)
	t.Run("a resumed operation does not count others' hooks", resumedOperationIgnoresOthersHooks)
	t.Run("an operation is resumed twice", anOperationIsResumedTwice)
	t.Run("one without marks is ended", leftoverWithoutMarksIsEnded)
	t.Run("a hook whose Pod goes on is none", hookThatGoesOnIsNoLeftover)
	t.Run("nor is it one for later revisions", hookThatGoesOnIsNoLeftoverLater)
	t.Run("it is what was applied as a hook", leftoverIsWhatWasAppliedAsHook)
	t.Run("an undo gets past it", undoGetsPastLeftover)
}

// sequence is a command that leaves a hook running, and one that comes after it.
type sequence struct {
	// before was deployed before, each in a revision of its own.
	before []string
	// first leaves the hook running, and second comes after it, with the manifests or, for rollbacks, as many dots as the
	// number of the revision that is restored.
	first, second         release.Operation
	firstText, secondText string
	hanging               string
	options               plan.Options
	want                  []string
}

// A hook that an earlier command left running never counts as run for the next one: each hook runs at its turn, with the
// state of the release that it was written for. One of a phase before the work that is just the same is awaited first.
func leftoverDoesNotCountForNextCommand(t *testing.T) {
	t.Parallel()
	all := equalLeftovers()
	maps.Copy(all, otherLeftovers())
	for name, test := range all {
		for _, how := range []string{outOfTime, ctrlC, sigkill} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newStory()
					operation := release.OperationInstall
					for _, text := range test.before {
						s.must(t, s.plan(t, operation, text, plan.Options{}))
						operation = release.OperationUpgrade
					}
					s.cutShort(t, how, test.hanging, s.plan(t, test.first, test.firstText, plan.Options{}))
					said := s.must(t, s.plan(t, test.second, test.secondText, test.options))
					if diff := cmp.Diff(test.want, s.cluster.log); diff != "" {
						t.Error(diff)
					}
					if len(said) == 0 || !strings.Contains(said[0], test.hanging+", which an earlier command left running") {
						t.Errorf("it said %q", said)
					}
					for _, h := range s.newest().Status.Hooks {
						skipped := len(test.options.SkipPhases) > 0 || h.State == release.HookSkipped
						if h.State != release.HookSucceeded && !skipped {
							t.Errorf("%s: %s", h.Title, h.Summary())
						}
					}
				})
			})
		}
	}
}

// afterAll is an application with a hook that runs after each of its operations.
func afterAll(text string) string {
	return settings(text) + plantest.Hook("n", "post-install,post-upgrade,post-rollback", "")
}

// equalLeftovers are sequences whose second command has the hook just as the first had it.
func equalLeftovers() map[string]sequence {
	install, upgrade, rollback := release.OperationInstall, release.OperationUpgrade, release.OperationRollback
	order := reader("migrate") + plantest.Hook("backup", "pre-upgrade", weight("-10"))
	return map[string]sequence{
		"a Job of post-upgrade": {
			[]string{afterAll("one")},
			upgrade, upgrade, afterAll("two"), afterAll("three"), "shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply ConfigMap/app", "apply Job/shop-n"},
		},
		"a Job of post-install": {
			nil, install, install, afterAll("one"), afterAll("two"), "shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply ConfigMap/app", "apply Job/shop-n"},
		},
		"a Job of post-rollback, with another target": {
			[]string{afterAll("one"), afterAll("two"), afterAll("three")},
			rollback, rollback, ".", "..", "shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply ConfigMap/app", "apply Job/shop-n"},
		},
		"a Pod of post-upgrade": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + pod("n", "post-upgrade", ""), settings("three") + pod("n", "post-upgrade", ""),
			"shop-n",
			plan.Options{},
			[]string{"delete Pod/shop-n Foreground", "apply ConfigMap/app", "apply Pod/shop-n"},
		},
		"a Job of pre-upgrade is awaited, and runs again": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + plantest.Hook("n", "pre-upgrade", ""), settings("three") + plantest.Hook("n", "pre-upgrade", ""),
			"shop-n",
			plan.Options{},
			[]string{"follow Job/shop-n", "delete Job/shop-n Background", "apply Job/shop-n", "apply ConfigMap/app"},
		},
		"a Pod of pre-upgrade is awaited, and runs again": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + pod("n", "pre-upgrade", ""), settings("three") + pod("n", "pre-upgrade", ""),
			"shop-n",
			plan.Options{},
			[]string{"follow Pod/shop-n", "delete Pod/shop-n Background", "apply Pod/shop-n", "apply ConfigMap/app"},
		},
		"a Job of pre-install is awaited, and runs again": {
			nil, install, install, settings("one") + plantest.Hook("n", "pre-install", ""), settings("two") + plantest.Hook("n", "pre-install", ""),
			"shop-n",
			plan.Options{},
			[]string{"follow Job/shop-n", "delete Job/shop-n Background", "apply Job/shop-n", "apply ConfigMap/app"},
		},
		"the order is that of the weights": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + order, settings("two") + order + plantest.Object("v1", "Secret", "new"), "shop-migrate",
			plan.Options{},
			[]string{
				"follow Job/shop-migrate", "delete Job/shop-backup Background", "apply Job/shop-backup",
				"delete Job/shop-migrate Background", "apply Job/shop-migrate", "apply Secret/new",
			},
		},
	}
}

// otherLeftovers are sequences whose second command has another hook, or another use for it.
func otherLeftovers() map[string]sequence {
	upgrade, rollback := release.OperationUpgrade, release.OperationRollback
	return map[string]sequence{
		"one that reads what has changed since is not awaited": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + reader("n"), settings("three") + reader("n"),
			"shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply ConfigMap/app", "apply Job/shop-n"},
		},
		"one that reads a hook that has changed since is not awaited": {
			[]string{plantest.Object("v1", "Secret", "s")},
			upgrade, upgrade,
			configHook("two") + reader("n"), configHook("three") + reader("n"),
			"shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply ConfigMap/app", "apply Job/shop-n", "delete Secret/s Background"},
		},
		"one that has changed is not awaited": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + plantest.Hook("n", "pre-upgrade", ""), settings("two") + plantest.Hook("n", "pre-upgrade", "    a: b\n"),
			"shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply Job/shop-n", "apply ConfigMap/app"},
		},
		"one that has left the pack": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + plantest.Hook("n", "pre-upgrade", ""), settings("two") + plantest.Hook("o", "pre-upgrade", ""),
			"shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply Job/shop-o", "apply ConfigMap/app"},
		},
		"with --no-hooks": {
			[]string{settings("one")},
			upgrade, upgrade, settings("two") + plantest.Hook("n", "pre-upgrade", ""), settings("three") + plantest.Hook("n", "pre-upgrade", ""),
			"shop-n",
			plan.Options{SkipPhases: hook.Phases()},
			[]string{"delete Job/shop-n Foreground", "apply ConfigMap/app"},
		},
		"a rollback after an upgrade": {
			[]string{afterAll("one")},
			upgrade, rollback, afterAll("two"), ".", "shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply ConfigMap/app", "apply Job/shop-n"},
		},
		"a Job of pre-delete is awaited": {
			[]string{settings("one") + plantest.Hook("n", "pre-delete", "")},
			release.OperationUninstall, release.OperationUninstall, "", "", "shop-n",
			plan.Options{},
			[]string{"follow Job/shop-n", "delete Job/shop-n Background", "apply Job/shop-n", "delete Job/shop-n Foreground", "delete ConfigMap/app Background"},
		},
		"a test": {
			[]string{plantest.Hook("n", "test", "")},
			release.OperationTest, release.OperationTest, "", "", "shop-n",
			plan.Options{},
			[]string{"delete Job/shop-n Foreground", "apply Job/shop-n"},
		},
	}
}

// configHook is the ConfigMap app as a hook that comes before others.
func configHook(text string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\n  annotations:\n    sherpack.io/hook: pre-upgrade\n" + weight("-20") + "data: {v: " + text + "}\n---\n"
}

// How a hook ended that was awaited for another command is a warning.
func endOfLeftoverDecidesNothing(t *testing.T) {
	t.Parallel()
	const job = "Job/web/shop-n, which an earlier command left running"
	runsAgain := []string{"follow Job/shop-n", "delete Job/shop-n Background", "apply Job/shop-n"}
	ended := []string{"follow Job/shop-n", "delete Job/shop-n Foreground", "apply Job/shop-n"}
	for name, test := range map[string]struct {
		more    string
		outcome func(context.Context) (kube.HookOutcome, error)
		want    []string
		said    []string
	}{
		"it succeeds": {"", succeeds, runsAgain, []string{
			"waiting up to 30s for " + job + "; pre-upgrade/n runs again after it", job + ", succeeded; pre-upgrade/n runs again",
		}},
		"it fails": {"", exit3, runsAgain, []string{
			"waiting up to 30s for " + job + "; pre-upgrade/n runs again after it", job + `, failed: container "c" exited with code 3; pre-upgrade/n runs again`,
		}},
		"it takes more than half of the time": {"", hang, ended, []string{
			"waiting up to 30s for " + job + "; pre-upgrade/n runs again after it", job + ", has not finished in time", job + ", is deleted",
		}},
		"it takes more than its own time": {hookTimeout, hang, ended, []string{
			"waiting up to 10s for " + job + "; pre-upgrade/n runs again after it", job + ", has not finished in time", job + ", is deleted",
		}},
		"it cannot be followed": {"", refuses, ended, []string{
			"waiting up to 30s for " + job + "; pre-upgrade/n runs again after it", job + ", cannot be followed: no watch for you", job + ", is deleted",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStory()
				s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
				text := settings("one") + plantest.Hook("n", "pre-upgrade", test.more)
				s.cutShort(t, ctrlC, "shop-n", s.plan(t, release.OperationUpgrade, text, plan.Options{}))
				// Only the run that is found ends like that; the next one succeeds.
				s.cluster.outcomes["shop-n"] = func(ctx context.Context) (kube.HookOutcome, error) {
					delete(s.cluster.outcomes, "shop-n")
					return test.outcome(ctx)
				}
				said := s.must(t, s.plan(t, release.OperationUpgrade, text, plan.Options{Timeout: time.Minute}))
				if diff := cmp.Diff(test.want, s.cluster.log); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(test.said, said); diff != "" {
					t.Error(diff)
				}
				if record := s.newest().Status.Hooks[0]; record.State != release.HookSucceeded {
					t.Errorf("record: %s", record.Summary())
				}
			})
		})
	}
}

func succeeds(context.Context) (kube.HookOutcome, error) {
	return kube.HookOutcome{Succeeded: true}, nil
}

func refuses(context.Context) (kube.HookOutcome, error) {
	return kube.HookOutcome{}, errors.New("no watch for you")
}

// Ctrl-C while a leftover is awaited leaves it running, as Ctrl-C leaves any hook.
func interruptLeavesLeftoverRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStory()
		text := plantest.Hook("n", "pre-install", "")
		s.cutShort(t, ctrlC, "shop-n", s.plan(t, release.OperationInstall, text, plan.Options{}))
		ctx, cancel := context.WithCancel(t.Context())
		s.cluster.outcomes["shop-n"] = func(limited context.Context) (kube.HookOutcome, error) {
			cancel()
			return hang(limited)
		}
		_, err := s.run(ctx, s.plan(t, release.OperationInstall, text, plan.Options{Timeout: time.Minute}))
		if !errors.Is(err, lifecycle.ErrInterrupted) || !strings.Contains(err.Error(), "waiting for Job/web/shop-n, which an earlier command left running") {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{"follow Job/shop-n"}, s.cluster.log); diff != "" {
			t.Error(diff)
		}
	})
}

// What a command left running is its own when it is resumed: it is awaited, and has run then.
func aResumedOperationCountsItsOwnHooks(t *testing.T) {
	t.Parallel()
	text := settings("two") + plantest.Hook("a", "pre-upgrade", weight("-1")) + reader("b") + plantest.Hook("c", "post-upgrade", "")
	for name, test := range map[string]struct {
		hanging string
		want    []string
	}{
		"before the work": {"shop-b", []string{"follow Job/shop-b", "apply Job/shop-c"}},
		"after the work":  {"shop-c", []string{"follow Job/shop-c"}},
	} {
		for _, how := range []string{ctrlC, sigkill} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newStory()
					s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
					s.cutShort(t, how, test.hanging, s.plan(t, release.OperationUpgrade, text, plan.Options{}))
					s.must(t, s.resumption(t))
					if diff := cmp.Diff(test.want, s.cluster.log); diff != "" {
						t.Error(diff)
					}
					for _, h := range s.newest().Status.Hooks {
						if h.State != release.HookSucceeded {
							t.Errorf("%s: %s", h.Title, h.Summary())
						}
					}
				})
			})
		}
	}
}

// What the command before the one that is resumed left running is not its own.
func resumedOperationIgnoresOthersHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStory()
		s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
		n := plantest.Hook("n", "post-upgrade", "")
		s.cutShort(t, outOfTime, "shop-n", s.plan(t, release.OperationUpgrade, settings("two")+n, plan.Options{}))
		// The next one is killed as soon as it is recorded.
		killed := s.plan(t, release.OperationUpgrade, settings("three")+n, plan.Options{})
		killed.Release.Status.Phase, killed.Release.Status.Operation, killed.Release.ResourceVersion = release.PendingUpgrade, "upgrade", "1"
		lifecycle.CloseInterrupted(killed.Release, "process 1 on host", time.Now())
		s.history = append(s.history, killed.Release)
		s.must(t, s.resumption(t))
		want := []string{"delete Job/shop-n Foreground", "apply ConfigMap/app", "apply Job/shop-n"}
		if diff := cmp.Diff(want, s.cluster.log); diff != "" {
			t.Error(diff)
		}
	})
}

// A resumption that is killed before it comes to the hook that runs leaves that its own.
func anOperationIsResumedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStory()
		s.must(t, s.plan(t, release.OperationInstall, settings("one"), plan.Options{}))
		s.cutShort(t, sigkill, "shop-n", s.plan(t, release.OperationUpgrade, settings("two")+plantest.Hook("n", "post-upgrade", ""), plan.Options{}))
		killed := s.resumption(t)
		killed.Release.Status.Phase = release.PendingUpgrade
		lifecycle.CloseInterrupted(killed.Release, "process 2 on host", time.Now())
		s.must(t, s.resumption(t))
		if diff := cmp.Diff([]string{"follow Job/shop-n"}, s.cluster.log); diff != "" {
			t.Error(diff)
		}
	})
}

// What is on record by its UID is a leftover, whatever became of its labels and annotations.
func leftoverWithoutMarksIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStory()
		s.cutShort(t, outOfTime, "shop-n", s.plan(t, release.OperationInstall, settings("one")+plantest.Hook("n", "post-install", ""), plan.Options{}))
		for _, object := range s.cluster.objects {
			if object.GetName() == "shop-n" {
				object.SetLabels(nil)
				object.SetAnnotations(nil)
			}
		}
		s.must(t, s.plan(t, release.OperationInstall, settings("two")+plantest.Hook("n", "post-install", ""), plan.Options{SkipPhases: hook.Phases()}))
		if diff := cmp.Diff([]string{"delete Job/shop-n Foreground", "apply ConfigMap/app"}, s.cluster.log); diff != "" {
			t.Error(diff)
		}
	})
}

// A hook that was done while its Pod went on, because it said so, is no leftover.
func hookThatGoesOnIsNoLeftover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStory()
		check := pod("check", "pre-install", "    sherpack.io/ready-when: condition=Ready\n")
		s.cluster.outcomes["shop-n"] = exit3
		if _, err := s.run(t.Context(), s.plan(t, release.OperationInstall, check+plantest.Hook("n", "post-install", ""), plan.Options{})); err == nil {
			t.Fatal("no error")
		}
		said := s.must(t, s.plan(t, release.OperationInstall, settings("two"), plan.Options{}))
		if len(said) > 0 {
			t.Errorf("it said %q", said)
		}
	})
}

// Nor does it become one when revisions that fail come between, whose journals do not know of it.
func hookThatGoesOnIsNoLeftoverLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStory()
		check := pod("check", "pre-install", "    sherpack.io/ready-when: condition=Ready\n")
		s.must(t, s.plan(t, release.OperationInstall, settings("one")+check, plan.Options{}))
		s.cluster.outcomes["shop-n"] = exit3
		for range 2 {
			said, err := s.run(t.Context(), s.plan(t, release.OperationUpgrade, settings("two")+check+plantest.Hook("n", "pre-upgrade", ""), plan.Options{}))
			if err == nil || len(said) > 0 {
				t.Fatalf("got %v, it said %q", err, said)
			}
			expectNoDeletion(t, s, "Pod/")
		}
		if said := s.must(t, s.plan(t, release.OperationUpgrade, settings("three")+check, plan.Options{})); len(said) > 0 {
			t.Errorf("it said %q", said)
		}
		expectNoDeletion(t, s, "Pod/")
	})
}

// Whether something is a leftover goes by what it was applied as: a worker of the application that is to become a hook is
// none, and a hook that is to become a worker is one.
func leftoverIsWhatWasAppliedAsHook(t *testing.T) {
	t.Parallel()
	worker := plantest.Object("batch/v1", "Job", "shop-n")
	for name, test := range map[string]struct {
		first, second, third string
		want                 bool
	}{
		"a worker that was to become a hook": {worker, plantest.Hook("fails", "pre-upgrade", "") + plantest.Hook("n", "post-upgrade", ""), plantest.Hook("n", "post-upgrade", ""), false},
		"a hook that becomes a worker":       {"", plantest.Hook("n", "post-upgrade", ""), worker, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStory()
				s.must(t, s.plan(t, release.OperationInstall, settings("one")+test.first, plan.Options{}))
				s.cluster.outcomes["shop-fails"] = exit3
				failed := s.plan(t, release.OperationUpgrade, settings("two")+test.second, plan.Options{})
				if test.want {
					s.cutShort(t, outOfTime, "shop-n", failed)
				} else if _, err := s.run(t.Context(), failed); err == nil {
					t.Fatal("no error")
				}
				said := s.must(t, s.plan(t, release.OperationUpgrade, settings("three")+test.third, plan.Options{}))
				if left := slices.ContainsFunc(said, func(line string) bool { return strings.Contains(line, "left running") }); left != test.want {
					t.Errorf("it said %q", said)
				}
			})
		})
	}
}

// An undo does not fail because a Pod takes longer to end than the undo may take.
func undoGetsPastLeftover(t *testing.T) {
	t.Parallel()
	two := settings("two") + plantest.Object("v1", "Secret", "new")
	for name, test := range map[string]struct {
		first, second string
		// leaving says that what the failed operation left running is on its way out already.
		leaving bool
		want    []string
	}{
		"of an upgrade": {settings("one"), two + plantest.Hook("n", "post-upgrade", ""), false, []string{
			"delete Job/shop-n in vain", "apply ConfigMap/app", "delete Job/shop-n in vain", "delete Secret/new Background",
		}},
		"of an upgrade, with the hook in both": {settings("one") + plantest.Hook("n", "pre-rollback", ""), two + plantest.Hook("n", "post-upgrade,pre-rollback", ""), true, []string{
			"delete Job/shop-n in vain", "delete Job/shop-n in vain", "apply ConfigMap/app", "delete Secret/new Background",
		}},
		"of an installation": {"", two + plantest.Hook("n", "post-install", ""), false, []string{
			"delete Job/shop-n in vain", "delete Job/shop-n in vain", "delete ConfigMap/app Background", "delete Secret/new Background",
		}},
		"of an installation, which has begun to delete it": {"", two + plantest.Hook("n", "post-install", policy("hook-failed")), true, []string{
			"delete Job/shop-n in vain", "delete Job/shop-n in vain", "delete ConfigMap/app Background", "delete Secret/new Background",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStory()
				operation := release.OperationInstall
				if test.first != "" {
					s.must(t, s.plan(t, operation, test.first, plan.Options{}))
					operation = release.OperationUpgrade
				}
				s.cluster.stubborn = []string{"shop-n"}
				failed := s.plan(t, operation, test.second, plan.Options{})
				s.cutShort(t, outOfTime, "shop-n", failed)
				if test.leaving {
					for _, object := range s.cluster.objects {
						if object.GetName() == "shop-n" {
							object.SetDeletionTimestamp(s.newest().Status.FinishedAt)
						}
					}
				}
				s.undo(t, failed)
				slices.Sort(s.cluster.log[max(0, len(s.cluster.log)-2):])
				if diff := cmp.Diff(test.want, s.cluster.log); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}
