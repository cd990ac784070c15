package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// contents are what is in the test's namespace, in words.
func (b *bench) contents() []string {
	b.Helper()
	refs, err := b.Contents(b.Context(), b.namespace)
	b.must(err)
	var words []string
	for _, ref := range refs {
		if ref.Namespace != b.namespace || ref.UID == "" {
			b.Errorf("the reference %+v is not whole", ref)
		}
		words = append(words, fmt.Sprint(ref.APIVersion, " ", ref.Kind, "/", ref.Name))
	}
	return words
}

func TestContents(t *testing.T) {
	t.Parallel()
	t.Run("an empty namespace has none", anEmptyNamespaceHasNone)
	t.Run("what the server makes is left out", whatTheServerMakesIsLeftOut)
	t.Run("objects of all kinds are listed", objectsOfAllKindsAreListed)
	t.Run("they are a handful of each kind", contentsAreAHandfulOfEachKind)
	t.Run("they are found behind a page of what has an owner", contentsBehindAPageOfWhatHasAnOwner)
	t.Run("what cannot be known is an error", whatCannotBeKnownIsAnError)
	t.Run("out of time none are listed", contentsOutOfTime)
}

func anEmptyNamespaceHasNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.eventually(func() bool { return !b.absent(b.ref("v1", "ConfigMap", "kube-root-ca.crt")) })
	if got := b.contents(); got != nil {
		t.Errorf("contents %v", got)
	}
	got, err := b.Contents(t.Context(), "no-such-namespace")
	if got != nil || err != nil {
		t.Errorf("contents of no namespace: %v, %v", got, err)
	}
}

func whatTheServerMakesIsLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, text := range []string{
		"{apiVersion: v1, kind: Endpoints, metadata: {name: one}}",
		"{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: one}, addressType: IPv4, endpoints: []}",
		"{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: one}}",
		"{apiVersion: v1, kind: Event, metadata: {name: one}, involvedObject: {namespace: NS}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: one, annotations: {kubernetes.io/service-account.name: default}}, type: kubernetes.io/service-account-token}",
	} {
		b.apply(b.object(strings.ReplaceAll(text, "NS", b.namespace)))
	}
	ref := b.apply(b.object(held))[0].Ref
	t.Cleanup(func() { b.release(ref) })
	b.must(b.Delete(t.Context(), []kube.Deletion{{Ref: ref, NoWait: true}}, nil))
	if got := b.contents(); got != nil {
		t.Errorf("contents %v", got)
	}
}

func objectsOfAllKindsAreListed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.contents()
	// The definition comes when the kinds of the server are known already.
	definition, kind := widgets(b)
	b.apply(definition)
	widget := b.object("metadata: {name: w}")
	widget.SetGroupVersionKind(kind)
	b.apply(
		widget, b.object(deployment), b.object(configMap),
		b.object("{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}"),
		b.object("{apiVersion: v1, kind: ServiceAccount, metadata: {name: mine}}"),
	)
	b.apply(b.object("{apiVersion: v1, kind: Secret, metadata: {name: token, annotations: {kubernetes.io/service-account.name: mine}}, type: kubernetes.io/service-account-token}"))
	b.eventually(func() bool { return len(b.pods("app=web")) == 1 })
	want := []string{
		"v1 ConfigMap/one", "apps/v1 Deployment/web", "v1 Secret/token", "v1 Service/web",
		"v1 ServiceAccount/mine", kind.GroupVersion().String() + " Widget/w",
	}
	if diff := cmp.Diff(want, b.contents()); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

func contentsAreAHandfulOfEachKind(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 7 {
		b.apply(
			b.object(fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: a%d}}", i)),
			b.object(fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}", i)),
		)
	}
	want := []string{
		"v1 ConfigMap/c0", "v1 ConfigMap/c1", "v1 ConfigMap/c2", "v1 ConfigMap/c3", "v1 ConfigMap/c4",
		"v1 ServiceAccount/a0", "v1 ServiceAccount/a1", "v1 ServiceAccount/a2", "v1 ServiceAccount/a3", "v1 ServiceAccount/a4",
	}
	if diff := cmp.Diff(want, b.contents()); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

func contentsBehindAPageOfWhatHasAnOwner(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	owner, err := b.admin.CoreV1().ServiceAccounts(b.namespace).Get(t.Context(), "default", metav1.GetOptions{})
	b.must(err)
	objects := []*unstructured.Unstructured{b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: last}}")}
	for i := range 510 {
		object := b.object(fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: c%d}}", i))
		object.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ServiceAccount", Name: owner.Name, UID: owner.UID}})
		objects = append(objects, object)
	}
	b.apply(objects...)
	if diff := cmp.Diff([]string{"v1 ConfigMap/last"}, b.contents()); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

func whatCannotBeKnownIsAnError(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("list", "configmaps", ""))
	_, err := b.Contents(t.Context(), b.namespace)
	want := "listing the contents of Namespace/" + b.namespace + ": listing controllerrevisions.apps: controllerrevisions.apps is forbidden: "
	if !apierrors.IsForbidden(err) || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("without the right to list: %v", err)
	}
	b = newBench(t)
	b.requests.down = "autoscaling"
	_, err = b.Contents(t.Context(), b.namespace)
	if groups, ok := discovery.GroupDiscoveryFailedErrorGroups(err); !ok || groups[autoscalingv2.SchemeGroupVersion] == nil {
		t.Errorf("while an API is down: %v", err)
	}
}

func contentsOutOfTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	refs, err := b.Contents(b.timeout(0), b.namespace)
	if refs != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", refs, err)
	}
}

func TestCustomResources(t *testing.T) {
	t.Parallel()
	t.Run("they are counted over all pages and namespaces", customResourcesAreCounted)
	t.Run("a definition that is not established has none", aDefinitionThatIsNotEstablishedHasNone)
	t.Run("they are counted in a version that is served", customResourcesOfSeveralVersions)
	t.Run("without the right it is an error", customResourcesWithoutTheRight)
}

func customResourcesAreCounted(t *testing.T) {
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
func aDefinitionThatIsNotEstablishedHasNone(t *testing.T) {
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
func customResourcesOfSeveralVersions(t *testing.T) {
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

func customResourcesWithoutTheRight(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t)
	_, err := b.CustomResources(t.Context(), []corev1.ObjectReference{{Name: "widgets.example"}})
	if !apierrors.IsForbidden(err) || !strings.HasPrefix(err.Error(), "counting the objects of CustomResourceDefinition/widgets.example: ") {
		t.Errorf("the error is %v", err)
	}
}

func TestLabelled(t *testing.T) {
	t.Parallel()
	t.Run("objects of all kinds are found", objectsOfAllKindsAreFound)
}

func objectsOfAllKindsAreFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	labelled := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {example.com/of: " + b.namespace + "}}\n"
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: b, labels: {example.com/of: " + b.namespace + "}}\n"
	other := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
	b.apply(b.object(labelled), b.object(secret), b.object(other))
	found, err := b.Cluster.Labelled(t.Context(), b.namespace, "example.com/of="+b.namespace)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range found {
		names = append(names, object.Kind+"/"+object.Namespace+"/"+object.Name)
	}
	if len(names) != 2 || names[0] != "ConfigMap/"+b.namespace+"/a" || names[1] != "Secret/"+b.namespace+"/b" {
		t.Errorf("found are %v", names)
	}
}
