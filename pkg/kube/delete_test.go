package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

const (
	configMap = "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}}"
	held      = "{apiVersion: v1, kind: ConfigMap, metadata: {name: held, finalizers: [sherpack.io/test]}}"
	endless   = `
apiVersion: batch/v1
kind: Job
metadata: {name: endless}
spec:
  template:
    metadata: {annotations: {sim.sherpack.io/run-for: forever}}
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: busybox, command: [sleep, "3600"]}]
`
)

// release takes the finalizers of an object away.
func (b *bench) release(ref corev1.ObjectReference) {
	b.Helper()
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	_, err := b.admin.CoreV1().ConfigMaps(ref.Namespace).Patch(context.WithoutCancel(b.Context()), ref.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		b.Error(err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	t.Run("what goes at once is one request", whatGoesAtOnceIsOneRequest)
	t.Run("what is gone is no error", whatIsGoneIsNoError)
	t.Run("it waits for finalizers", deletionWaitsForFinalizers)
	t.Run("it says what keeps an object that takes its time", deletionSaysWhatKeepsAnObject)
	t.Run("it need not wait", deletionNeedNotWait)
	t.Run("out of time it says what keeps the object", outOfTimeItSaysWhatKeepsTheObject)
	t.Run("in the foreground it takes the Pods along", inTheForegroundItTakesThePodsAlong)
	t.Run("without the right it is an error", deletionWithoutTheRight)
	t.Run("all share one watch per kind and namespace", deletionsShareOneWatch)
	t.Run("it goes on where a kind cannot be listed", deletionsGoOnWhereAKindCannotBeListed)
	t.Run("it is tried without doing it", deletionIsTriedWithoutDoingIt)
	t.Run("a lost answer does not hide what was deleted", aLostAnswerDoesNotHideWhatWasDeleted)
}

func whatGoesAtOnceIsOneRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	applied := b.apply(b.object(configMap), b.object("{apiVersion: v1, kind: ServiceAccount, metadata: {name: one}}"))
	b.requests.take()
	targets := []kube.Deletion{{Ref: applied[0].Ref}, {Ref: applied[1].Ref}}
	done := map[int]error{}
	b.must(b.Delete(t.Context(), targets, func(i int, _ time.Duration, err error) { done[i] = err }))
	if diff := cmp.Diff(map[int]error{0: nil, 1: nil}, done); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"DELETE configmaps/*", "DELETE serviceaccounts/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if !b.absent(applied[0].Ref) || !b.absent(applied[1].Ref) {
		t.Error("something is left")
	}
}

func whatIsGoneIsNoError(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(configMap))[0].Ref
	other := ref
	other.UID = "11111111-1111-1111-1111-111111111111"
	for name, target := range map[string]corev1.ObjectReference{
		"of another UID":       other,
		"of an unknown kind":   b.ref("nothing.example/v1", "Nothing", "none"),
		"of an unknown name":   b.ref("v1", "ConfigMap", "absent"),
		"in no such namespace": {APIVersion: "v1", Kind: "ConfigMap", Namespace: "no-such-namespace", Name: "one"},
	} {
		if err := b.Delete(t.Context(), []kube.Deletion{{Ref: target}}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b.absent(ref) {
		t.Error("the object of another UID was deleted")
	}
}

func deletionWaitsForFinalizers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(held))[0].Ref
	t.Cleanup(func() { b.release(ref) })
	ended := make(chan error, 1)
	go func() { ended <- b.Delete(t.Context(), []kube.Deletion{{Ref: ref}}, nil) }()
	b.eventually(func() bool { return b.live(b.object(held)).GetDeletionTimestamp() != nil })
	select {
	case err := <-ended:
		t.Fatalf("it ended before the finalizer was gone: %v", err)
	default:
	}
	b.release(ref)
	b.must(<-ended)
	if !b.absent(ref) {
		t.Error("the object is still there")
	}
}

func deletionSaysWhatKeepsAnObject(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(held))[0].Ref
	var said, awaited []string
	isGone := make(chan error, 1)
	deletion := kube.Deletion{Ref: ref, Observe: func(why string) {
		said = append(said, why)
		go func() {
			isGone <- b.AwaitGone(t.Context(), []corev1.ObjectReference{ref}, func(i int, why string) {
				awaited = append(awaited, fmt.Sprint(i, " ", why))
				if why != "" {
					b.release(ref)
				}
			})
		}()
	}}
	b.must(b.Delete(b.timeout(time.Minute), []kube.Deletion{deletion}, nil))
	b.must(<-isGone)
	if diff := cmp.Diff([]string{"it has the finalizers sherpack.io/test"}, said); diff != "" {
		t.Errorf("while it is deleted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"0 it has the finalizers sherpack.io/test", "0 "}, awaited); diff != "" {
		t.Errorf("while it is waited for (-want +got):\n%s", diff)
	}
}

func deletionNeedNotWait(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	applied := b.apply(b.object(held), b.object(configMap))
	t.Cleanup(func() { b.release(applied[0].Ref) })
	b.requests.take()
	targets := []kube.Deletion{
		{Ref: applied[0].Ref, NoWait: true},
		{Ref: applied[1].Ref, NoWait: true},
		{Ref: b.ref("v1", "ConfigMap", "absent"), NoWait: true},
	}
	done := map[int]error{}
	b.must(b.Delete(b.timeout(10*time.Second), targets, func(i int, _ time.Duration, err error) { done[i] = err }))
	if diff := cmp.Diff(map[int]error{0: nil, 1: nil, 2: nil}, done); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"DELETE configmaps/*", "DELETE configmaps/*", "DELETE configmaps/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if b.live(b.object(held)).GetDeletionTimestamp() == nil || !b.absent(applied[1].Ref) {
		t.Error("a deletion was not started")
	}
	limited := newLimitedBench(t)
	refused := []kube.Deletion{{Ref: limited.ref("v1", "ConfigMap", "one"), NoWait: true}}
	if err := limited.Delete(t.Context(), refused, nil); !apierrors.IsForbidden(err) {
		t.Errorf("without the right: %v", err)
	}
}

func outOfTimeItSaysWhatKeepsTheObject(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(held))[0].Ref
	t.Cleanup(func() { b.release(ref) })
	err := b.Delete(b.timeout(time.Second), []kube.Deletion{{Ref: ref}}, nil)
	want := fmt.Sprintf("ConfigMap/%s/held is being deleted: it has the finalizers sherpack.io/test: context deadline exceeded", b.namespace)
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	err = b.AwaitGone(b.timeout(time.Second), []corev1.ObjectReference{ref}, nil)
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("awaited (-want +got):\n%s", diff)
	}
}

func inTheForegroundItTakesThePodsAlong(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.object(endless)
	ref := b.apply(job)[0].Ref
	b.eventually(func() bool { return len(b.pods("batch.kubernetes.io/job-name=endless")) == 1 })
	b.requests.take()
	b.must(b.Delete(b.timeout(time.Minute), []kube.Deletion{{Ref: ref, Propagation: metav1.DeletePropagationForeground}}, nil))
	if pods := b.pods("batch.kubernetes.io/job-name=endless"); len(pods) > 0 {
		t.Errorf("%d Pods are left", len(pods))
	}
	if diff := cmp.Diff([]string{"DELETE jobs/*", "WATCH jobs"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func (b *bench) pods(selector string) []corev1.Pod {
	b.Helper()
	list, err := b.admin.CoreV1().Pods(b.namespace).List(b.Context(), metav1.ListOptions{LabelSelector: selector})
	b.must(err)
	return list.Items
}

func deletionWithoutTheRight(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t)
	err := b.Delete(t.Context(), []kube.Deletion{{Ref: b.ref("v1", "ConfigMap", "one")}}, nil)
	if !apierrors.IsForbidden(err) || !strings.HasPrefix(err.Error(), "deleting ConfigMap/"+b.namespace+"/one: ") {
		t.Errorf("the error is %v", err)
	}
}

func deletionsShareOneWatch(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var objects []*unstructured.Unstructured
	for i := range 40 {
		objects = append(objects, b.object(strings.Replace(held, "held", fmt.Sprint("held-", i), 1)))
	}
	objects = append(objects, b.object("{apiVersion: v1, kind: ServiceAccount, metadata: {name: held, finalizers: [sherpack.io/test]}}"))
	var refs []corev1.ObjectReference
	var targets []kube.Deletion
	for _, applied := range b.apply(objects...) {
		refs = append(refs, applied.Ref)
		targets = append(targets, kube.Deletion{Ref: applied.Ref})
	}
	letGo := func() {
		for _, object := range objects {
			_, err := b.client(object).Patch(context.WithoutCancel(t.Context()), object.GetName(), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			b.must(err)
		}
	}
	b.requests.take()
	ended := make(chan error, 2)
	go func() { ended <- b.Delete(b.timeout(time.Minute), targets, nil) }()
	b.eventually(func() bool {
		return !slices.ContainsFunc(objects, func(object *unstructured.Unstructured) bool { return b.live(object).GetDeletionTimestamp() == nil })
	})
	go func() { ended <- b.AwaitGone(b.timeout(time.Minute), refs, nil) }()
	// Of both, all watches must be open before anything goes.
	watches := map[string]int{}
	b.eventually(func() bool {
		for _, line := range b.requests.take() {
			if strings.HasPrefix(line, "WATCH") {
				watches[line]++
			}
		}
		return watches["WATCH configmaps"] >= 2 && watches["WATCH serviceaccounts"] >= 2
	})
	letGo()
	for range 2 {
		b.must(<-ended)
	}
	for _, line := range b.requests.take() {
		if strings.HasPrefix(line, "WATCH") {
			watches[line]++
		}
	}
	if diff := cmp.Diff(map[string]int{"WATCH configmaps": 2, "WATCH serviceaccounts": 2}, watches); diff != "" {
		t.Errorf("watches of two calls (-want +got):\n%s", diff)
	}
}

// What cannot be watched does not hold up the deletion of what can.
func deletionsGoOnWhereAKindCannotBeListed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var objects []*unstructured.Unstructured
	for i := range 20 {
		objects = append(objects, b.object(fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: held-%d, finalizers: [sherpack.io/test]}}", i)))
	}
	objects = append(objects, b.object(configMap))
	var targets []kube.Deletion
	for _, applied := range b.apply(objects...) {
		targets = append(targets, kube.Deletion{Ref: applied.Ref})
	}
	b.requests.refuse = func(request *http.Request) bool {
		return request.Method == http.MethodGet && strings.HasSuffix(request.URL.Path, "/serviceaccounts")
	}
	ctx, cancel := context.WithCancel(b.timeout(time.Minute))
	ended := make(chan error)
	go func() { ended <- b.Delete(ctx, targets, nil) }()
	b.eventually(func() bool { return b.absent(targets[20].Ref) })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || !errors.Is(err, errCut) {
		t.Errorf("the error is %v", err)
	}
	for _, object := range objects[:20] {
		_, err := b.client(object).Patch(t.Context(), object.GetName(), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		b.must(err)
	}
}

func deletionIsTriedWithoutDoingIt(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get create patch delete", "configmaps", ""), may("get create patch", "secrets", ""))
	applied := b.apply(b.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`), b.object(`{apiVersion: v1, kind: Secret, metadata: {name: s}}`))
	targets := []kube.Deletion{{Ref: applied[0].Ref, NoWait: true, DryRun: true}, {Ref: applied[1].Ref, NoWait: true, DryRun: true}}
	err := b.Delete(t.Context(), targets, nil)
	if err == nil || !strings.Contains(err.Error(), `cannot delete resource "secrets"`) || strings.Contains(err.Error(), "configmaps") {
		t.Errorf("the error is %v", err)
	}
	b.live(b.object(`{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}`))
}

func aLostAnswerDoesNotHideWhatWasDeleted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(configMap))[0].Ref
	b.requests.lose = "DELETE configmaps/*"
	b.must(b.Delete(t.Context(), []kube.Deletion{{Ref: ref}}, nil))
	if !b.absent(ref) {
		t.Error("it is still there")
	}
}

func TestAwaitGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(configMap))[0].Ref
	replaced := ref
	replaced.UID = "11111111-1111-1111-1111-111111111111"
	b.requests.take()
	b.must(b.AwaitGone(b.timeout(10*time.Second), []corev1.ObjectReference{
		replaced, b.ref("v1", "ConfigMap", "absent"), b.ref("nothing.example/v1", "Nothing", "none"),
	}, nil))
	// One watch tells of all objects of a kind in a namespace.
	if diff := cmp.Diff([]string{"WATCH configmaps"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.AwaitGone(t.Context(), []corev1.ObjectReference{ref}, nil) }()
	b.must(b.admin.CoreV1().ConfigMaps(b.namespace).Delete(t.Context(), ref.Name, metav1.DeleteOptions{}))
	b.must(<-ended)
}
