package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
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

func TestContentsOfAnEmptyNamespace(t *testing.T) {
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

func TestContentsOfTheServersMaking(t *testing.T) {
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

func TestContents(t *testing.T) {
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

func TestContentsAreAHandfulOfEachKind(t *testing.T) {
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

func TestContentsBehindAPageOfWhatHasAnOwner(t *testing.T) {
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

func TestContentsThatCannotBeKnown(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("list", "configmaps", ""))
	_, err := b.Contents(t.Context(), b.namespace)
	want := "look into Namespace/" + b.namespace + ": list controllerrevisions.apps: controllerrevisions.apps is forbidden: "
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

func TestContentsOutOfTime(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	refs, err := b.Contents(b.timeout(0), b.namespace)
	if refs != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, %v", refs, err)
	}
}
