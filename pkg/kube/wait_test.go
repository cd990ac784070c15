package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

// targets applies objects and returns them as targets.
func (b *bench) targets(texts ...string) []kube.WaitTarget {
	b.Helper()
	objects := make([]*unstructured.Unstructured, len(texts))
	for i, text := range texts {
		objects[i] = b.object(text)
		objects[i].SetLabels(map[string]string{"sherpack.io/release": "r"})
	}
	targets := make([]kube.WaitTarget, len(texts))
	for i, applied := range b.apply(objects...) {
		targets[i].Ref = applied.Ref
	}
	return targets
}

const selector = "sherpack.io/release=r"

func web(name, annotations string) string {
	text := strings.ReplaceAll(deployment, "web", name)
	return strings.Replace(text, "labels: {app: "+name+"}}", "labels: {app: "+name+"}, annotations: {"+annotations+"}}", 1)
}

func TestWait(t *testing.T) {
	t.Parallel()
	t.Run("a Deployment past its progress deadline is late", aDeploymentPastItsProgressDeadlineIsLate)
	t.Run("it ends once all are ready", waitEndsOnceAllAreReady)
	t.Run("what does not carry the label is waited for", whatDoesNotCarryTheLabelIsWaitedFor)
	t.Run("out of time it lists the reasons", outOfTimeItListsTheReasons)
	t.Run("it ends at once for what has failed", waitEndsAtOnceForWhatHasFailed)
	t.Run("it ends at once for what is deleted", waitEndsAtOnceForWhatIsDeleted)
	t.Run("it reports what it does not wait for", waitReportsWhatItDoesNotWaitFor)
	t.Run("conditions may stand in for the kind's readiness", waitByConditions)
	t.Run("why an object is not ready is said in short by the Pod that waits", whyAnObjectIsNotReadyInShort)
	t.Run("an interrupt ends it", interruptEndsTheWait)
	t.Run("a claim that waits for its first consumer is ready", aClaimThatWaitsForItsFirstConsumerIsReady)
	t.Run("a claim's events tell where its class cannot be read", aClaimsEventsTellWhereItsClassCannotBeRead)
	t.Run("without the right to watch it polls", waitWithoutTheRightToWatch)
	t.Run("a custom resource and its definition are waited for", aCustomResourceAndItsDefinitionAreWaitedFor)
	t.Run("a Job that has completed and gone is ready", aJobThatHasCompletedAndGoneIsReady)
}

func aDeploymentPastItsProgressDeadlineIsLate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	late := strings.Replace(web("late", `sim.sherpack.io/never-ready: "true"`), "replicas: 1", "replicas: 1\n  progressDeadlineSeconds: 1", 1)
	err := b.Wait(b.timeout(time.Minute), b.targets(late, configMap), selector, nil)
	var unready *kube.NotReadyError
	if !errors.As(err, &unready) || !errors.Is(err, kube.ErrProgressDeadline) || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the error is %v", err)
	}
	if !strings.HasPrefix(err.Error(), "1 failed\n") || !strings.Contains(err.Error(), "exceeded its progress deadline") {
		t.Errorf("it says %v", err)
	}
}

func waitEndsOnceAllAreReady(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(
		web("one", ""), web("two", "sim.sherpack.io/ready-after: 2s"), configMap,
		`{apiVersion: v1, kind: Service, metadata: {name: one}, spec: {ports: [{port: 80}]}}`,
	)
	b.requests.take()
	ready := map[string]bool{}
	b.must(b.Wait(b.timeout(time.Minute), targets, selector, func(r kube.Readiness) { ready[r.Ref.Name] = r.Done }))
	if diff := cmp.Diff(map[string]bool{"one": true, "two": true}, ready); diff != "" {
		t.Errorf("readiness (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"WATCH configmaps", "WATCH deployments", "WATCH services"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	for _, target := range targets[:2] {
		found, err := b.admin.AppsV1().Deployments(b.namespace).Get(t.Context(), target.Ref.Name, metav1.GetOptions{})
		b.must(err)
		if found.Status.AvailableReplicas != 1 {
			t.Errorf("%s is not ready", target.Ref.Name)
		}
	}
}

// An admission webhook may drop the label that is selected.
func whatDoesNotCarryTheLabelIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(web("one", ""), configMap)
	two := b.object(web("two", "sim.sherpack.io/ready-after: 1s"))
	targets = append(targets, kube.WaitTarget{Ref: b.apply(two)[0].Ref})
	b.must(b.Wait(b.timeout(time.Minute), targets, selector, nil))
	if available, _, _ := unstructured.NestedInt64(b.live(two).Object, "status", "availableReplicas"); available != 1 {
		t.Error("two is not ready")
	}
	b.must(b.client(two).Delete(t.Context(), "two", metav1.DeleteOptions{}))
	var unready *kube.NotReadyError
	if err := b.Wait(b.timeout(time.Minute), targets, selector, nil); !errors.As(err, &unready) || unready.Objects[0].Message != "it was deleted" {
		t.Errorf("after it was deleted: %v", err)
	}
}

func outOfTimeItListsTheReasons(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(web("good", ""), web("stuck", "sim.sherpack.io/waiting: ImagePullBackOff"), `
apiVersion: apps/v1
kind: Deployment
metadata: {name: refused}
spec:
  selector: {matchLabels: {app: refused}}
  template:
    metadata: {labels: {app: refused}}
    spec: {serviceAccountName: absent, containers: [{name: main, image: nginx}]}
`)
	b.eventually(func() bool { return b.isStuck() && b.isRefused() })
	err := b.Wait(b.timeout(time.Second), targets, selector, nil)
	var unready *kube.NotReadyError
	if !errors.As(err, &unready) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the error is %v", err)
	}
	got := map[string]string{}
	for _, object := range unready.Objects {
		got[object.Ref.Name] = fmt.Sprint(object.Message, " ", strings.Join(object.Reasons, " | "))
	}
	for name, want := range map[string][]string{
		"stuck":   {"0 of 1 updated replicas are available", "Pod/stuck-", `container "stuck" is waiting: ImagePullBackOff: Back-off pulling image "nginx"`},
		"refused": {"FailedCreate: Error creating: ", `serviceaccount "absent" not found`},
	} {
		for _, part := range want {
			if !strings.Contains(got[name], part) {
				t.Errorf("%s: %q lacks %q", name, got[name], part)
			}
		}
	}
	if len(got) != 2 || !strings.HasPrefix(err.Error(), "2 not ready\n  Deployment/"+b.namespace+"/stuck: ") {
		t.Errorf("the error is %v", err)
	}
}

// isStuck tells that the Pod whose image cannot be pulled says so.
func (b *bench) isStuck() bool {
	pods := b.pods("app=stuck")
	return len(pods) == 1 && len(pods[0].Status.ContainerStatuses) == 1 && pods[0].Status.ContainerStatuses[0].State.Waiting != nil
}

// isRefused tells that there is an event about Pods that may not be created.
func (b *bench) isRefused() bool {
	b.Helper()
	events, err := b.admin.CoreV1().Events(b.namespace).List(b.Context(), metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
	b.must(err)
	return len(events.Items) > 0
}

func waitEndsAtOnceForWhatHasFailed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(web("stuck", "sim.sherpack.io/waiting: ImagePullBackOff"), `
apiVersion: batch/v1
kind: Job
metadata: {name: broken}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {sim.sherpack.io/exit-code: "3"}}
    spec: {restartPolicy: Never, containers: [{name: main, image: busybox}]}
`)
	err := b.Wait(b.timeout(time.Minute), targets, selector, nil)
	var unready *kube.NotReadyError
	if !errors.As(err, &unready) || errors.Is(err, context.DeadlineExceeded) || len(unready.Objects) != 1 {
		t.Fatalf("the error is %v", err)
	}
	want := kube.Unready{
		Ref: targets[1].Ref, Failed: true, Message: "the Job has failed: BackoffLimitExceeded: Job has reached the specified backoff limit",
	}
	got := unready.Objects[0]
	if len(got.Reasons) == 0 || !strings.Contains(got.Reasons[0], `container "main" exited with code 3`) {
		t.Errorf("reasons %q", got.Reasons)
	}
	got.Reasons = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func waitEndsAtOnceForWhatIsDeleted(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*bench, *kube.WaitTarget){
		"before": func(b *bench, target *kube.WaitTarget) {
			b.must(b.Delete(b.Context(), []kube.Deletion{{Ref: target.Ref}}, nil))
		},
		"by another of its name": func(_ *bench, target *kube.WaitTarget) {
			target.Ref.UID = "11111111-1111-1111-1111-111111111111"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			targets := b.targets(web("stuck", "sim.sherpack.io/waiting: ImagePullBackOff"))
			remove(b, &targets[0])
			err := b.Wait(b.timeout(time.Minute), targets, selector, nil)
			if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it was deleted") {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("meanwhile", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		targets := b.targets(web("stuck", "sim.sherpack.io/waiting: ImagePullBackOff"))
		deleted := false
		err := b.Wait(b.timeout(time.Minute), targets, selector, func(kube.Readiness) {
			if !deleted {
				deleted = true
				b.must(b.Delete(t.Context(), []kube.Deletion{{Ref: targets[0].Ref}}, nil))
			}
		})
		if err == nil || !strings.HasSuffix(err.Error(), "/stuck: it was deleted") {
			t.Errorf("the error is %v", err)
		}
	})
}

func waitReportsWhatItDoesNotWaitFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(strings.Replace(web("paused", ""), "spec:", "spec:\n  paused: true", 1), `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: manual}
spec:
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app: manual}}
  template: {metadata: {labels: {app: manual}}, spec: {containers: [{name: main, image: nginx}]}}
`)
	skipped := map[string]string{}
	b.must(b.Wait(b.timeout(time.Minute), targets, selector, func(r kube.Readiness) {
		if r.Skipped {
			skipped[r.Ref.Name] = r.Message
		}
	}))
	want := map[string]string{"paused": "its rollout is paused", "manual": "its Pods are updated only when they are deleted (OnDelete)"}
	if diff := cmp.Diff(want, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

func waitByConditions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets("{apiVersion: v1, kind: ConfigMap, metadata: {name: gate}, data: {state: done}}")
	targets[0].Ready = b.conditions("jsonpath={.data.state}=done")
	b.must(b.Wait(b.timeout(time.Minute), targets, selector, nil))
	targets[0].Failed = b.conditions("jsonpath={.data.state}=done")
	if err := b.Wait(b.timeout(time.Minute), targets, selector, nil); err == nil || !strings.Contains(err.Error(), "jsonpath={.data.state}=done is met") {
		t.Errorf("failed-when: %v", err)
	}
	targets[0].Ready, targets[0].Failed = b.conditions("jsonpath={.data.state}=other"), nil
	if err := b.Wait(b.timeout(time.Second), targets, selector, nil); err == nil || !strings.Contains(err.Error(), "waiting for jsonpath={.data.state}=other") {
		t.Errorf("ready-when: %v", err)
	}
}

func interruptEndsTheWait(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(web("stuck", "sim.sherpack.io/waiting: ImagePullBackOff"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := b.Wait(ctx, targets, selector, func(kube.Readiness) { cancel() })
	var unready *kube.NotReadyError
	if !errors.Is(err, context.Canceled) || errors.As(err, &unready) {
		t.Errorf("the error is %v", err)
	}
}

const claim = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk}
spec: {storageClassName: CLASS, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
`

// class is a StorageClass of the test's own without a provisioner.
func (b *bench) class(mode string) string {
	b.Helper()
	name := b.namespace + "-" + strings.ToLower(mode)
	class := b.object("{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: " + name +
		"}, provisioner: kubernetes.io/no-provisioner, volumeBindingMode: " + mode + "}")
	class.SetNamespace("")
	b.apply(class)
	b.Cleanup(func() {
		if err := b.admin.StorageV1().StorageClasses().Delete(context.WithoutCancel(b.Context()), name, metav1.DeleteOptions{}); err != nil {
			b.Error(err)
		}
	})
	return name
}

func aClaimThatWaitsForItsFirstConsumerIsReady(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	late := b.targets(strings.Replace(claim, "CLASS", b.class("WaitForFirstConsumer"), 1))
	b.must(b.Wait(b.timeout(time.Minute), late, selector, nil))
	now := b.targets(strings.NewReplacer("CLASS", b.class("Immediate"), "disk", "now").Replace(claim))
	if err := b.Wait(b.timeout(time.Second), now, selector, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a claim that must be bound at once: %v", err)
	}
}

func aClaimsEventsTellWhereItsClassCannotBeRead(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get list watch", "persistentvolumeclaims events", ""))
	limited := b.Cluster
	b.connect("")
	targets := b.targets(strings.Replace(claim, "CLASS", b.class("WaitForFirstConsumer"), 1))
	b.must(limited.Wait(b.timeout(time.Minute), targets, selector, nil))
}

func waitWithoutTheRightToWatch(t *testing.T) {
	t.Parallel()
	watch, list := "watch deployments.apps: polling every 2s instead", "list deployments.apps: falling back to get"
	for name, test := range map[string]struct {
		verbs string
		want  []string
	}{
		"but to list":         {verbs: "get list patch create", want: []string{watch}},
		"but to read by name": {verbs: "get patch create", want: []string{list, watch}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Whether reasons are looked for depends on how long it takes.
			b := newLimitedBench(t, may(test.verbs, "deployments", "apps"), may("list", "pods events", ""))
			b.must(b.Wait(b.timeout(time.Minute), b.targets(web("one", "sim.sherpack.io/ready-after: 3s"), web("two", "")), selector, nil))
			b.missed(test.want...)
		})
	}
}

func aCustomResourceAndItsDefinitionAreWaitedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	applied := b.apply(definition)
	b.must(b.Wait(b.timeout(time.Minute), []kube.WaitTarget{{Ref: applied[0].Ref}}, "", nil))
	widget := b.object(`{metadata: {name: w}, status: {conditions: [{type: Ready, status: "False", message: not built}]}}`)
	widget.SetGroupVersionKind(kind)
	target := kube.WaitTarget{Ref: b.apply(widget)[0].Ref}
	err := b.Wait(b.timeout(3*time.Second), []kube.WaitTarget{target}, "", nil)
	if err == nil || !strings.Contains(err.Error(), "/w: not built") {
		t.Errorf("the error is %v", err)
	}
}

// A Job that has completed and is removed, here by its time to live, is as ready as it was.
func aJobThatHasCompletedAndGoneIsReady(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	targets := b.targets(`{apiVersion: batch/v1, kind: Job, metadata: {name: seed}, spec: {ttlSecondsAfterFinished: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}}}`,
		web("slow", "sim.sherpack.io/ready-after: 6s"))
	b.must(b.Wait(b.timeout(time.Minute), targets, selector, nil))
	if found, err := b.Find(t.Context(), []corev1.ObjectReference{targets[0].Ref}); err != nil || found[0] != nil {
		t.Errorf("the Job is there all the time: %v", err)
	}
}

// The view of a run and the message of a release say it in the same words; the view has room for the Pod.
func whyAnObjectIsNotReadyInShort(t *testing.T) {
	t.Parallel()
	const rollout = `Waiting for deployment "web" rollout to finish: 0 of 3 updated replicas are available`
	for name, test := range map[string]struct {
		message      string
		reasons      []string
		brief, first string
	}{
		"what introduces a rollout is omitted": {
			message: rollout, brief: "0 of 3 updated replicas are available", first: "Deployment/web: 0 of 3 updated replicas are available",
		},
		"a Pod that waits says more than how many there are": {
			message: rollout, reasons: []string{"FailedCreate: quota", `Pod/web-7c9: container "web" is waiting: ImagePullBackOff: not found`},
			brief: "ImagePullBackOff: not found (web-7c9)", first: "Deployment/web: ImagePullBackOff: not found",
		},
		"other reasons are for who follows": {
			message: rollout, reasons: []string{"FailedCreate: quota", "Unhealthy: 503"},
			brief: "FailedCreate: quota; Unhealthy: 503", first: "Deployment/web: 0 of 3 updated replicas are available",
		},
		"anything else is said as it is": {message: "waiting for db-1", brief: "waiting for db-1", first: "Deployment/web: waiting for db-1"},
	} {
		ref := corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
		unready := kube.NotReadyError{Objects: []kube.Unready{{Ref: ref, Message: test.message, Reasons: test.reasons}}}
		brief := kube.Readiness{Ref: ref, Message: test.message, Reasons: test.reasons}.Brief()
		if diff := cmp.Diff([]string{test.brief, test.first}, []string{brief, unready.First()}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
