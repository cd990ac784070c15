package kube_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

// job is a Job hook; what its Pods do is told by annotations of the simulated
// kubelet, and its shape by fields of the Job.
func (b *bench) job(annotations, fields string) kube.HookRun {
	b.Helper()
	if fields != "" {
		fields += ","
	}
	return b.hook(`
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, labels: {hook-of: r}}
spec: {backoffLimit: 0, ` + fields + `
  template: {metadata: {annotations: {` + annotations + `}}, spec: {
    restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [{name: main, image: busybox}]}}}
`)
}

func (b *bench) hook(text string) kube.HookRun {
	b.Helper()
	return kube.HookRun{
		Object: b.object(text), Selector: "hook-of=r", PodSelector: "batch.kubernetes.io/job-name in (migrate,other)",
	}
}

// run runs a hook that ends by itself.
func (b *bench) run(hook kube.HookRun) kube.HookOutcome {
	b.Helper()
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	if live := b.live(hook.Object); live.GetUID() != outcome.Applied.Ref.UID {
		b.Errorf("UID %s, want %s", outcome.Applied.Ref.UID, live.GetUID())
	}
	return outcome
}

func (b *bench) check(want, got kube.HookOutcome) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(kube.HookOutcome{}, "Applied")); diff != "" {
		b.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	t.Run("a Job that succeeds costs four requests", aJobThatSucceedsCostsFourRequests)
	t.Run("a Job that does not carry the label is followed", aJobThatDoesNotCarryTheLabelIsFollowed)
	t.Run("a Job that fails says why", aJobThatFailsSaysWhy)
	t.Run("a hook out of time says what it was at", aHookOutOfTimeSaysWhatItWasAt)
	t.Run("a Job that is deleted while it runs is a failure at once", aJobThatIsDeletedWhileItRunsIsAFailureAtOnce)
	t.Run("a Job that is removed once it has finished counts as it was", aJobThatIsRemovedOnceItHasFinishedCountsAsItWas)
	t.Run("a suspended Job is waited for", aSuspendedJobIsWaitedFor)
	t.Run("a Job whose Pods are refused says so as it happens", aJobWhosePodsAreRefusedSaysSoAsItHappens)
	t.Run("progress tells of each attempt", progressTellsOfEachAttempt)
	t.Run("the log of a restarted container is that of the run that failed", theLogOfARestartedContainerIsThatOfTheRunThatFailed)
	t.Run("without the right to logs the termination message is shown", withoutTheRightToLogsTheTerminationMessageIsShown)
	t.Run("without the right to watch it asks", withoutTheRightToWatchItAsks)
	t.Run("a watch that breaks is opened again", aWatchThatBreaksIsOpenedAgain)
	t.Run("what is deleted while the watch is broken is noticed", whatIsDeletedWhileTheWatchIsBrokenIsNoticed)
	t.Run("a Job that begins to fail has failed", aJobThatBeginsToFailHasFailed)
	t.Run("a Job that begins to succeed is not deleted before its end", aJobThatBeginsToSucceedIsNotDeletedBeforeItsEnd)
	t.Run("a Job of another controller is judged by its conditions alone", aJobOfAnotherControllerIsJudgedByItsConditionsAlone)
}

func aJobThatSucceedsCostsFourRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.check(kube.HookOutcome{Succeeded: true, Attempts: 1}, b.run(b.job("", "")))
	if diff := cmp.Diff([]string{"GET pods/*/log", "PATCH jobs/*", "WATCH jobs", "WATCH pods"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	next := b.job("", "")
	next.Object.SetName("other")
	b.run(next)
	if diff := cmp.Diff([]string{"GET pods/*/log", "PATCH jobs/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests of the next (-want +got):\n%s", diff)
	}
}

// An admission webhook may drop the label that is selected.
func aJobThatDoesNotCarryTheLabelIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job("sim.sherpack.io/run-for: 1s", "")
	hook.Object.SetLabels(nil)
	outcome := b.run(hook)
	b.check(kube.HookOutcome{Succeeded: true, Attempts: 1}, outcome)
	hook.Object.SetUID(outcome.Applied.Ref.UID)
	hook.Object.SetResourceVersion(outcome.Applied.Ref.ResourceVersion)
	again, err := b.FollowHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	b.check(kube.HookOutcome{Succeeded: true, Attempts: 1}, again)
}

func aJobThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		annotations, fields string
		want                kube.HookOutcome
	}{
		"with an exit code and a log": {
			annotations: `sim.sherpack.io/exit-code: "3", sim.sherpack.io/log: "connecting\nno such table"`,
			want: kube.HookOutcome{
				Reason: "Error", Container: "main", ExitCode: new(int32(3)), Attempts: 1, LogTail: "connecting\nno such table",
				Message: `container "main" exited with code 3; Job has reached the specified backoff limit`,
			},
		},
		"out of memory": {
			annotations: `sim.sherpack.io/reason: OOMKilled`,
			want: kube.HookOutcome{
				Reason: "OOMKilled", Container: "main", ExitCode: new(int32(137)), Attempts: 1,
				Message: `container "main" exited with code 137 (OOMKilled); Job has reached the specified backoff limit`,
			},
		},
		"after its own deadline": {
			annotations: `sim.sherpack.io/run-for: forever`, fields: "activeDeadlineSeconds: 2",
			want: kube.HookOutcome{
				Reason: "DeadlineExceeded", Container: "main", Attempts: 1,
				Message: `container "main" was still running; Job was active longer than specified deadline`,
			},
		},
		"after its own deadline, for want of an image": {
			annotations: `sim.sherpack.io/waiting: ImagePullBackOff`, fields: "activeDeadlineSeconds: 2",
			want: kube.HookOutcome{
				Reason: "ImagePullBackOff", Container: "main", Attempts: 1,
				Message: `container "main" is waiting: ImagePullBackOff: Back-off pulling image "busybox"; Job was active longer than specified deadline`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			got := b.run(b.job(test.annotations, test.fields))
			if test.want.LogTail == "" {
				got.LogHint = ""
			}
			b.check(test.want, got)
		})
	}
}

// late is a context whose time is over when a test says so.
type late struct{ context.Context }

func (c late) Err() error {
	if c.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

func (b *bench) outOfTime() (context.Context, func()) {
	ctx, cancel := context.WithCancel(b.timeout(time.Minute))
	return late{ctx}, cancel
}

func aHookOutOfTimeSaysWhatItWasAt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		annotations string
		want        kube.HookOutcome
	}{
		"for want of an image": {
			annotations: `sim.sherpack.io/waiting: ImagePullBackOff`,
			want: kube.HookOutcome{
				Reason: "ImagePullBackOff", Container: "main", Attempts: 1,
				Message: `container "main" is waiting: ImagePullBackOff: Back-off pulling image "busybox"`,
			},
		},
		"while it runs": {
			annotations: `sim.sherpack.io/run-for: forever, sim.sherpack.io/log: "still at it"`,
			want: kube.HookOutcome{
				Container: "main", Attempts: 1, LogTail: "still at it", Message: `container "main" was still running`,
			},
		},
		"between two attempts": {
			annotations: `sim.sherpack.io/exit-code: "3", sim.sherpack.io/log: "no such table"`,
			want: kube.HookOutcome{
				Reason: "Error", Container: "main", ExitCode: new(int32(3)), Attempts: 1, LogTail: "no such table",
				Message: `container "main" exited with code 3`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			hook := b.job(test.annotations, "")
			b.must(setField(hook.Object, int64(6), "spec", "backoffLimit"))
			ctx, over := b.outOfTime()
			got, err := b.RunHook(ctx, hook, func(progress kube.HookProgress) {
				if progress.Container != "" && progress.Reason == test.want.Reason {
					over()
				}
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v", err)
			}
			if test.want.LogTail == "" {
				got.LogHint = ""
			}
			b.check(test.want, got)
		})
	}
}

func aJobThatIsDeletedWhileItRunsIsAFailureAtOnce(t *testing.T) {
	t.Parallel()
	for _, propagation := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
		b := newBench(t)
		hook := b.job("sim.sherpack.io/run-for: forever", "")
		deleted := false
		outcome, err := b.RunHook(b.timeout(time.Minute), hook, func(kube.HookProgress) {
			if !deleted {
				deleted = true
				b.must(b.admin.BatchV1().Jobs(b.namespace).Delete(t.Context(), "migrate", metav1.DeleteOptions{PropagationPolicy: &propagation}))
			}
		})
		b.must(err)
		if outcome.Succeeded || outcome.Reason != "Deleted" || !strings.Contains(outcome.Message, "deleted") {
			t.Errorf("%s: %+v", propagation, outcome)
		}
	}
}

func aJobThatIsRemovedOnceItHasFinishedCountsAsItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job("", "ttlSecondsAfterFinished: 0")
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	b.check(kube.HookOutcome{Succeeded: true, Attempts: 1}, outcome)
}

func aSuspendedJobIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	suspended := false
	outcome, err := b.RunHook(b.timeout(time.Minute), b.job("", "suspend: true"), func(progress kube.HookProgress) {
		if progress.Suspended && !suspended {
			suspended = true
			_, err := b.admin.BatchV1().Jobs(b.namespace).Patch(t.Context(), "migrate", types.MergePatchType, []byte(`{"spec":{"suspend":false}}`), metav1.PatchOptions{})
			b.must(err)
		}
	})
	b.must(err)
	if !suspended || !outcome.Succeeded {
		t.Errorf("suspended %v, outcome %+v", suspended, outcome)
	}
}

func aJobWhosePodsAreRefusedSaysSoAsItHappens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job("", "")
	b.must(setField(hook.Object, "absent", "spec", "template", "spec", "serviceAccountName"))
	ctx, cancel := context.WithCancel(b.timeout(time.Minute))
	defer cancel()
	var seen kube.HookProgress
	outcome, err := b.RunHook(ctx, hook, func(progress kube.HookProgress) {
		if seen = progress; progress.Reason == "FailedCreate" {
			cancel()
		}
	})
	const want = `serviceaccount "absent" not found`
	if !errors.Is(err, context.Canceled) || !strings.Contains(seen.Message, want) {
		t.Errorf("progress %+v, %v", seen, err)
	}
	if outcome.Reason != "FailedCreate" || !strings.Contains(outcome.Message, want) {
		t.Errorf("outcome %+v", outcome)
	}
}

func progressTellsOfEachAttempt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job(`sim.sherpack.io/fail-times: "1", sim.sherpack.io/exit-code: "4"`, "")
	b.must(setField(hook.Object, int64(2), "spec", "backoffLimit"))
	var seen []kube.HookProgress
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, func(progress kube.HookProgress) { seen = append(seen, progress) })
	b.must(err)
	b.check(kube.HookOutcome{Succeeded: true, Attempts: 2}, outcome)
	failed := kube.HookProgress{
		Attempts: 1, Container: "main", Reason: "Error", Message: `container "main" exited with code 4`, ExitCode: new(int32(4)),
	}
	if !slices.ContainsFunc(seen, func(got kube.HookProgress) bool { return cmp.Equal(failed, got) }) {
		t.Errorf("no progress tells of the failed attempt:\n%+v", seen)
	}
}

func theLogOfARestartedContainerIsThatOfTheRunThatFailed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job(`sim.sherpack.io/exit-code: "4", sim.sherpack.io/log: "no such table"`, "")
	b.must(setField(hook.Object, int64(1), "spec", "backoffLimit"))
	b.must(setField(hook.Object, "OnFailure", "spec", "template", "spec", "restartPolicy"))
	outcome := b.run(hook)
	if outcome.ExitCode == nil || *outcome.ExitCode != 4 || outcome.LogTail != "no such table" || outcome.Attempts < 2 {
		t.Errorf("outcome %+v", outcome)
	}
}

// runner may run Job hooks, but not read logs.
func runner() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{may("get list watch create patch", "jobs", "batch"), may("get list watch", "pods", "")}
}

func withoutTheRightToLogsTheTerminationMessageIsShown(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, runner()...)
	for _, name := range []string{"one", "two"} {
		hook := b.job(`sim.sherpack.io/exit-code: "3", sim.sherpack.io/log: "no such table"`, "")
		hook.Object.SetName(name)
		outcome := b.run(hook)
		if outcome.LogTail != "no such table" || outcome.LogHint != "" {
			t.Errorf("outcome %+v", outcome)
		}
	}
	b.missed("get pods/log: showing the termination message instead of the log")
	b.missed()
}

func withoutTheRightToWatchItAsks(t *testing.T) {
	t.Parallel()
	watchJobs, listJobs := "watch jobs.batch: polling every 2s instead", "list jobs.batch: falling back to get"
	// Whether events are looked at depends on how soon there is a Pod.
	events := may("list watch", "events", "")
	watchPods, listPods := "watch pods: polling every 2s instead", "list pods: falling back to get"
	for name, test := range map[string]struct {
		rules []rbacv1.PolicyRule
		want  []string
	}{
		"but to list": {
			rules: []rbacv1.PolicyRule{may("get list create patch", "jobs", "batch"), may("get list", "pods pods/log", ""), events},
			want:  []string{watchJobs, watchPods},
		},
		"but to read by name": {
			rules: []rbacv1.PolicyRule{may("get create patch", "jobs", "batch"), may("get list", "pods pods/log", ""), events},
			want:  []string{listJobs, watchJobs, watchPods},
		},
		"and without any Pods": {
			rules: []rbacv1.PolicyRule{may("get create patch", "jobs", "batch")},
			want:  []string{listJobs, listPods, "watch events: reasons that only events show are missing", watchJobs, watchPods},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newLimitedBench(t, test.rules...)
			hook := b.job(`sim.sherpack.io/exit-code: "3", sim.sherpack.io/run-for: 3s`, "")
			outcome := b.run(hook)
			b.missed(test.want...)
			if blind := name == "and without any Pods"; blind {
				b.check(kube.HookOutcome{
					Reason: "BackoffLimitExceeded", Attempts: 1, Message: "Job has reached the specified backoff limit",
				}, outcome)
			} else if outcome.ExitCode == nil || *outcome.ExitCode != 3 {
				t.Errorf("outcome %+v", outcome)
			}
		})
	}
}

func aWatchThatBreaksIsOpenedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cut := false
	hook := b.job(`sim.sherpack.io/exit-code: "3", sim.sherpack.io/run-for: 2s`, "")
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, func(kube.HookProgress) {
		if !cut {
			cut = true
			b.requests.cut()
		}
	})
	b.must(err)
	if !cut || outcome.ExitCode == nil || *outcome.ExitCode != 3 {
		t.Errorf("cut %v, outcome %+v", cut, outcome)
	}
	watches := slices.DeleteFunc(b.requests.take(), func(line string) bool { return !strings.HasPrefix(line, "WATCH") })
	if len(watches) < 4 {
		t.Errorf("the watches were %v", watches)
	}
}

func whatIsDeletedWhileTheWatchIsBrokenIsNoticed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.hook("{apiVersion: v1, kind: ConfigMap, metadata: {name: gate, labels: {hook-of: r}}}")
	hook.Ready = b.conditions("jsonpath={.data.state}=done")
	var deleting sync.WaitGroup
	defer deleting.Wait()
	deleting.Go(func() {
		b.eventually(func() bool { return !b.absent(b.ref("v1", "ConfigMap", "gate")) })
		b.requests.cut()
		if err := b.admin.CoreV1().ConfigMaps(b.namespace).Delete(t.Context(), "gate", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	b.check(kube.HookOutcome{Reason: "Deleted", Message: "it was deleted before it finished"}, outcome)
}

// is reports whether a condition of the Job called migrate is true.
func (b *bench) is(kind batchv1.JobConditionType) bool {
	b.Helper()
	job, err := b.admin.BatchV1().Jobs(b.namespace).Get(b.Context(), "migrate", metav1.GetOptions{})
	b.must(err)
	return slices.ContainsFunc(job.Status.Conditions, func(found batchv1.JobCondition) bool {
		return found.Type == kind && found.Status == corev1.ConditionTrue
	})
}

// say gives the Job called migrate a status, as its controller does.
func (b *bench) say(status string) {
	b.Helper()
	_, err := b.admin.BatchV1().Jobs(b.namespace).Patch(b.Context(), "migrate", types.MergePatchType, []byte(`{"status":`+status+`}`), metav1.PatchOptions{}, "status")
	b.must(err)
}

// sayOnce gives a Job that is about to be made a status, and closes what it returns then.
func (b *bench) sayOnce(hook kube.HookRun, status string) <-chan struct{} {
	said := make(chan struct{})
	go func() {
		defer close(said)
		b.eventually(func() bool { return !b.absent(refTo(hook.Object)) })
		b.say(status)
	}()
	return said
}

const (
	succeeding = `{"startTime":"2026-01-01T10:00:00Z","conditions":[{"type":"SuccessCriteriaMet","status":"True","lastTransitionTime":"2026-01-01T10:00:00Z"}]}`
	complete   = `{"completionTime":"2026-01-01T10:00:10Z","conditions":[{"type":"SuccessCriteriaMet","status":"True","lastTransitionTime":"2026-01-01T10:00:00Z"},` +
		`{"type":"Complete","status":"True","lastTransitionTime":"2026-01-01T10:00:10Z"}]}`
)

func aJobThatBeginsToFailHasFailed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// Its Pod takes its time to end.
	hook := b.job("sim.sherpack.io/run-for: forever, sim.sherpack.io/delete-after: 8s", "activeDeadlineSeconds: 2")
	outcome := b.run(hook)
	if b.is("Failed") || !b.is("FailureTarget") {
		t.Error("it was awaited until its Pods had ended")
	}
	outcome.LogHint = ""
	b.check(kube.HookOutcome{
		Reason: "DeadlineExceeded", Container: "main", Attempts: 1,
		Message: `container "main" was still running; Job was active longer than specified deadline`,
	}, outcome)
	pods := b.admin.CoreV1().Pods(b.namespace)
	before, err := pods.List(t.Context(), metav1.ListOptions{})
	b.must(err)
	if len(before.Items) != 1 {
		t.Fatalf("it has %d Pods", len(before.Items))
	}
	b.requests.take()
	b.must(b.Delete(b.timeout(time.Minute), []kube.Deletion{{Ref: outcome.Applied.Ref, AfterEnd: true, Propagation: metav1.DeletePropagationBackground}}, nil))
	after, err := pods.List(t.Context(), metav1.ListOptions{})
	b.must(err)
	if slices.ContainsFunc(after.Items, func(pod corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }) {
		t.Error("it was deleted before its Pods had ended")
	}
	if lines := b.requests.take(); slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, "WATCH") && line != "WATCH jobs" }) {
		t.Errorf("the requests were %q", lines)
	}
}

func aJobThatBeginsToSucceedIsNotDeletedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job("", "managedBy: sherpack.io/test")
	said := b.sayOnce(hook, succeeding)
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	<-said
	b.check(kube.HookOutcome{Succeeded: true}, outcome)
	target := []kube.Deletion{{Ref: outcome.Applied.Ref, AfterEnd: true}}
	err = b.Delete(b.timeout(time.Second), target, nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "its Pods have not ended") {
		t.Errorf("the error is %v", err)
	}
	if b.live(hook.Object).GetDeletionTimestamp() != nil {
		t.Fatal("it was deleted while it was ending")
	}
	// Another connection has no watch of it yet.
	b.connect("")
	ended := make(chan error, 1)
	go func() { ended <- b.Delete(b.timeout(time.Minute), target, nil) }()
	b.eventually(func() bool { return slices.Contains(b.requests.take(), "WATCH jobs") })
	b.say(complete)
	b.must(<-ended)
	if !b.absent(outcome.Applied.Ref) {
		t.Error("it is still there")
	}
}

func aJobOfAnotherControllerIsJudgedByItsConditionsAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job("", "managedBy: sherpack.io/test, suspend: true")
	said := b.sayOnce(hook, `{"startTime":"2026-01-01T10:00:00Z","failed":3,"conditions":[{"type":"FailureTarget","status":"True","reason":"Elsewhere","message":"no luck","lastTransitionTime":"2026-01-01T10:00:00Z"}]}`)
	var seen []kube.HookProgress
	outcome, err := b.RunHook(b.timeout(time.Minute), hook, func(progress kube.HookProgress) {
		seen = append(seen, progress)
	})
	b.must(err)
	<-said
	b.check(kube.HookOutcome{Reason: "Elsewhere", Message: "no luck"}, outcome)
	if slices.ContainsFunc(seen, func(progress kube.HookProgress) bool { return progress.Suspended || progress.Attempts > 0 }) {
		t.Errorf("progress %+v", seen)
	}
}

func TestFollowHook(t *testing.T) {
	t.Parallel()
	t.Run("a hook that runs already is followed", aHookThatRunsAlreadyIsFollowed)
}

func aHookThatRunsAlreadyIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hook := b.job("sim.sherpack.io/run-for: 2s", "")
	b.apply(hook.Object)
	b.requests.take()
	hook.Object = b.live(hook.Object)
	outcome, err := b.FollowHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	b.check(kube.HookOutcome{Succeeded: true, Attempts: 1}, outcome)
	if diff := cmp.Diff([]string{"GET pods/*/log", "WATCH jobs", "WATCH pods"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	hook.Object.SetUID("11111111-1111-1111-1111-111111111111")
	hook.Object.SetName("absent")
	outcome, err = b.FollowHook(b.timeout(time.Minute), hook, nil)
	b.must(err)
	if outcome.Reason != "Deleted" {
		t.Errorf("of what is gone: %+v", outcome)
	}
}
