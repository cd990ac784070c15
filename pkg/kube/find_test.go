package kube_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

func TestFind(t *testing.T) {
	t.Parallel()
	t.Run("several of a kind are found in one list", severalOfAKindAreFoundInOneList)
	t.Run("without the right to list they are got by name", findWithoutTheRightToList)
	t.Run("it reads all pages", findReadsAllPages)
	t.Run("an object outlives the version it was written in", anObjectOutlivesTheVersionItWasWrittenIn)
}

func severalOfAKindAreFoundInOneList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	applied := b.apply(b.object(configMap), b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: two, labels: {a: b}}}"), b.object(deployment))
	b.checkFind(applied)
	if diff := cmp.Diff([]string{"GET configmaps", "GET configmaps/*", "GET deployments/*"}, b.requests.take()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
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

func findWithoutTheRightToList(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get create patch", "configmaps", ""), may("get create patch", "deployments", "apps"))
	applied := b.apply(b.object(configMap), b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: two, labels: {a: b}}}"), b.object(deployment))
	refs := []corev1.ObjectReference{applied[1].Ref, b.ref("v1", "ConfigMap", "absent"), applied[2].Ref}
	found, err := b.Find(t.Context(), refs)
	b.must(err)
	if found[0] == nil || found[0].UID != applied[1].Ref.UID || found[1] != nil || found[2] == nil {
		t.Errorf("found %v", found)
	}
	b.missed("list configmaps: falling back to get")
	if _, err := b.Find(t.Context(), []corev1.ObjectReference{b.ref("v1", "Secret", "one")}); !apierrors.IsForbidden(err) {
		t.Errorf("without any right: %v", err)
	}
}

func findReadsAllPages(t *testing.T) {
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

// An object that was written in a version that is no longer served is there all the same.
func anObjectOutlivesTheVersionItWasWrittenIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	b.must(err)
	second := runtime.DeepCopyJSON(versions[0].(map[string]any))
	second["name"], second["storage"] = "v2", false
	versions = append(versions, second)
	b.must(unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"))
	b.apply(definition)
	widget := b.object("metadata: {name: w}")
	widget.SetGroupVersionKind(kind)
	ref := b.apply(widget)[0].Ref
	versions[0].(map[string]any)["served"] = false
	b.must(unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"))
	b.apply(definition)
	found, err := b.Find(t.Context(), []corev1.ObjectReference{ref})
	if err != nil || found[0] == nil {
		t.Fatalf("it is not found: %v", err)
	}
	b.must(b.Delete(t.Context(), []kube.Deletion{{Ref: ref, Propagation: metav1.DeletePropagationForeground}}, nil))
	if found, err = b.Find(t.Context(), []corev1.ObjectReference{ref}); err != nil || found[0] != nil {
		t.Errorf("it is still there: %v", err)
	}
}
