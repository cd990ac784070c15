package kube_test

import (
	"context"
	"errors"
	"fmt"
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

func (b *bench) absent(ref corev1.ObjectReference) bool {
	b.Helper()
	found, err := b.Find(b.Context(), []corev1.ObjectReference{ref})
	b.must(err)
	return found[0] == nil
}

// release takes the finalizers of an object away.
func (b *bench) release(ref corev1.ObjectReference) {
	b.Helper()
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	_, err := b.admin.CoreV1().ConfigMaps(ref.Namespace).Patch(context.WithoutCancel(b.Context()), ref.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		b.Error(err)
	}
}

func TestDeleteOfWhatGoesAtOnceIsOneRequest(t *testing.T) {
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

func TestDeleteOfWhatIsGone(t *testing.T) {
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

func TestDeleteWaitsForFinalizers(t *testing.T) {
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

func TestDeleteThatDoesNotWait(t *testing.T) {
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

// eventually asks until the answer is yes, or fails the test.
func (b *bench) eventually(yes func() bool) {
	b.Helper()
	ctx := b.timeout(20 * time.Second)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !yes() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			b.Fatal("it did not come to be")
		}
	}
}

func TestDeleteOutOfTimeSaysWhatKeepsTheObject(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(held))[0].Ref
	t.Cleanup(func() { b.release(ref) })
	err := b.Delete(b.timeout(time.Second), []kube.Deletion{{Ref: ref}}, nil)
	want := fmt.Sprintf("ConfigMap/%s/held is being deleted: it has the finalizers sherpack.io/test: context deadline exceeded", b.namespace)
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	err = b.AwaitGone(b.timeout(time.Second), []corev1.ObjectReference{ref})
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("awaited (-want +got):\n%s", diff)
	}
}

func TestDeleteInTheForegroundTakesThePodsAlong(t *testing.T) {
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

func TestAwaitGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ref := b.apply(b.object(configMap))[0].Ref
	replaced := ref
	replaced.UID = "11111111-1111-1111-1111-111111111111"
	b.requests.take()
	b.must(b.AwaitGone(b.timeout(10*time.Second), []corev1.ObjectReference{
		replaced, b.ref("v1", "ConfigMap", "absent"), b.ref("nothing.example/v1", "Nothing", "none"),
	}))
	// One watch tells of all objects of a kind in a namespace.
	if diff := cmp.Diff([]string{"WATCH configmaps"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.AwaitGone(t.Context(), []corev1.ObjectReference{ref}) }()
	b.must(b.admin.CoreV1().ConfigMaps(b.namespace).Delete(t.Context(), ref.Name, metav1.DeleteOptions{}))
	b.must(<-ended)
}

func TestDeleteWithoutTheRightIsAnError(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t)
	err := b.Delete(t.Context(), []kube.Deletion{{Ref: b.ref("v1", "ConfigMap", "one")}}, nil)
	if !apierrors.IsForbidden(err) || !strings.HasPrefix(err.Error(), "delete ConfigMap/"+b.namespace+"/one: ") {
		t.Errorf("the error is %v", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	applied := b.apply(b.object(configMap), b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: two, labels: {a: b}}}"), b.object(deployment))
	b.checkFind(applied)
	if diff := cmp.Diff([]string{"GET configmaps", "GET configmaps/*", "GET deployments/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestFindWithoutTheRightToList(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get create patch", "configmaps", ""), may("get create patch", "deployments", "apps"))
	applied := b.apply(b.object(configMap), b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: two, labels: {a: b}}}"), b.object(deployment))
	refs := []corev1.ObjectReference{applied[1].Ref, b.ref("v1", "ConfigMap", "absent"), applied[2].Ref}
	found, err := b.Find(t.Context(), refs)
	b.must(err)
	if found[0] == nil || found[0].UID != applied[1].Ref.UID || found[1] != nil || found[2] == nil {
		t.Errorf("found %v", found)
	}
	b.missed("list configmaps: looking only at what is known by name")
	if _, err := b.Find(t.Context(), []corev1.ObjectReference{b.ref("v1", "Secret", "one")}); !apierrors.IsForbidden(err) {
		t.Errorf("without any right: %v", err)
	}
}

// checkFind looks for a ConfigMap, one twice, a Deployment, and for what is
// not there in several ways.
func (b *bench) checkFind(applied []kube.Applied) {
	b.Helper()
	b.requests.take()
	elsewhere := applied[0].Ref
	elsewhere.Namespace = "no-such-namespace"
	found, err := b.Find(b.Context(), []corev1.ObjectReference{
		b.ref("v1", "ConfigMap", "absent"), applied[2].Ref, applied[1].Ref, elsewhere,
		b.ref("nothing.example/v1", "Nothing", "none"), applied[1].Ref,
	})
	b.must(err)
	var got []string
	for _, object := range found {
		if object == nil {
			got = append(got, "")
			continue
		}
		got = append(got, fmt.Sprint(object.Kind, " ", object.Name, " ", object.UID, " ", object.Labels))
	}
	two := fmt.Sprint("ConfigMap two ", applied[1].Ref.UID, " map[a:b]")
	want := []string{"", fmt.Sprint("Deployment web ", applied[2].Ref.UID, " map[]"), two, "", "", two}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestFindReadsAllPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var objects []*unstructured.Unstructured
	var refs []corev1.ObjectReference
	for i := range 510 {
		objects = append(objects, b.object(fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}", i)))
		refs = append(refs, refTo(objects[i]))
	}
	b.apply(objects...)
	b.requests.take()
	found, err := b.Find(t.Context(), append(refs, b.ref("v1", "ConfigMap", "absent")))
	b.must(err)
	if i := slices.Index(found, nil); i != len(refs) {
		t.Errorf("number %d is not found", i)
	}
	if diff := cmp.Diff([]string{"GET configmaps", "GET configmaps"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func refTo(object *unstructured.Unstructured) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(),
	}
}
