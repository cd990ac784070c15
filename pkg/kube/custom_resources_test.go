package kube_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestCustomResources(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	absent := corev1.ObjectReference{Name: "absent." + definition.GetName()}
	b.apply(definition)
	b.awaitEstablished(definition)
	b.checkCount(map[string]int{definition.GetName(): 0, absent.Name: 0}, refTo(definition), absent)
	var objects []*unstructured.Unstructured
	for i := range 503 {
		widget := b.object(fmt.Sprintf("metadata: {name: w%d}", i))
		widget.SetGroupVersionKind(kind)
		objects = append(objects, widget)
	}
	objects[0].SetNamespace(clustertest.Namespace(t))
	b.apply(objects...)
	b.checkCount(map[string]int{definition.GetName(): 503, absent.Name: 0}, absent, refTo(definition))
}

// Another definition has the kind: this one is never served.
func TestCustomResourcesOfADefinitionThatIsNotEstablished(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	b.apply(definition)
	b.awaitEstablished(definition)
	second := definition.DeepCopy()
	second.SetName("gadgets." + kind.Group)
	b.must(unstructured.SetNestedField(second.Object, "gadgets", "spec", "names", "plural"))
	b.removeLater(second)
	b.apply(second)
	b.eventually(func() bool { return statusOf(b.live(second), "NamesAccepted") == "False" })
	b.checkCount(map[string]int{second.GetName(): 0}, refTo(second))
}

func (b *bench) awaitEstablished(definition *unstructured.Unstructured) {
	b.Helper()
	b.eventually(func() bool { return statusOf(b.live(definition), "Established") == "True" })
}

// A definition with several versions is counted in one that is served.
func TestCustomResourcesOfSeveralVersions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	b.must(err)
	for _, name := range []string{"v2", "v3"} {
		version := runtime.DeepCopyJSON(versions[0].(map[string]any))
		version["name"], version["storage"] = name, false
		versions = append(versions, version)
	}
	setVersions := func() { b.must(unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions")) }
	setVersions()
	b.apply(definition)
	widget := b.object("metadata: {name: w}")
	widget.SetGroupVersionKind(kind)
	b.apply(widget)
	b.checkCount(map[string]int{definition.GetName(): 1}, refTo(definition))
	for i, want := range []string{"v2", "v3", ""} {
		versions[i].(map[string]any)["served"] = false
		setVersions()
		b.apply(definition)
		if want != "" {
			b.checkCount(map[string]int{definition.GetName(): 1}, refTo(definition))
			continue
		}
		_, err := b.CustomResources(t.Context(), []corev1.ObjectReference{refTo(definition)})
		if err == nil || !strings.HasSuffix(err.Error(), ": none of its versions is served") {
			t.Errorf("while none is served: %v", err)
		}
	}
}

func (b *bench) checkCount(want map[string]int, definitions ...corev1.ObjectReference) {
	b.Helper()
	got, err := b.CustomResources(b.Context(), definitions)
	b.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestCustomResourcesWithoutTheRightIsAnError(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t)
	_, err := b.CustomResources(t.Context(), []corev1.ObjectReference{{Name: "widgets.example"}})
	if !apierrors.IsForbidden(err) || !strings.HasPrefix(err.Error(), "count the objects of CustomResourceDefinition/widgets.example: ") {
		t.Errorf("the error is %v", err)
	}
}
