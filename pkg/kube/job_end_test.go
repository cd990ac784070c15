package kube_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

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

func TestAJobThatBeginsToFailHasFailed(t *testing.T) {
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

func TestAJobThatBeginsToSucceedHasSucceededAndIsNotDeletedBeforeItsEnd(t *testing.T) {
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

func TestAJobOfAnotherControllerIsJudgedByItsConditionsAlone(t *testing.T) {
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
