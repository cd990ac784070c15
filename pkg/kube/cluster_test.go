package kube_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// bench is what a test works with: a Cluster, a namespace of its own, and
// clients that are an administrator's.
type bench struct {
	*testing.T
	*kube.Cluster
	namespace string
	admin     kubernetes.Interface
	dynamic   dynamic.Interface
	requests  *recorder
}

// newBench makes a Cluster that acts as an administrator.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, namespace: clustertest.Namespace(t)}
	b.admin = kubernetes.NewForConfigOrDie(clustertest.Config(t))
	b.dynamic = dynamic.NewForConfigOrDie(clustertest.Config(t))
	b.connect("")
	return b
}

// newLimitedBench makes a Cluster that acts as a user who has the rules in the
// namespace, and nothing else.
func newLimitedBench(t *testing.T, rules ...rbacv1.PolicyRule) *bench {
	t.Helper()
	b := newBench(t)
	name := metav1.ObjectMeta{Name: "limited", Namespace: b.namespace}
	user := "limited-" + b.namespace
	role := &rbacv1.Role{ObjectMeta: name, Rules: rules}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	_, err := b.admin.RbacV1().Roles(b.namespace).Create(t.Context(), role, metav1.CreateOptions{})
	b.must(err)
	_, err = b.admin.RbacV1().RoleBindings(b.namespace).Create(t.Context(), binding, metav1.CreateOptions{})
	b.must(err)
	b.connect(user)
	return b
}

func may(verbs, resources, group string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Verbs: strings.Fields(verbs), Resources: strings.Fields(resources)}
}

func (b *bench) connect(user string) {
	b.Helper()
	b.requests = &recorder{}
	flags := genericclioptions.NewConfigFlags(false)
	path, cache := clustertest.Kubeconfig(b), b.TempDir()
	flags.KubeConfig, flags.CacheDir = &path, &cache
	if user != "" {
		flags.Impersonate = &user
	}
	flags.WrapConfigFn = func(config *rest.Config) *rest.Config {
		config.Wrap(b.requests.wrap)
		return config
	}
	cluster, err := kube.New(flags)
	b.must(err)
	b.Cleanup(cluster.Close)
	b.Cluster = cluster
}

// missed checks which rights were missed, sorted and without the namespace.
func (b *bench) missed(want ...string) {
	b.Helper()
	var notices []string
	for _, notice := range b.Notices() {
		text, missing := strings.CutPrefix(strings.Replace(notice, " in namespace "+b.namespace, "", 1), "no right to ")
		if !missing {
			b.Errorf("notice %q", notice)
		}
		notices = append(notices, text)
	}
	slices.Sort(notices)
	if diff := cmp.Diff(want, notices); diff != "" {
		b.Errorf("notices (-want +got):\n%s", diff)
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// object reads an object and puts it into the test's namespace.
func (b *bench) object(text string) *unstructured.Unstructured {
	b.Helper()
	object := &unstructured.Unstructured{}
	b.must(yaml.Unmarshal([]byte(text), &object.Object))
	object.SetNamespace(b.namespace)
	return object
}

// apply applies objects, which must go well.
func (b *bench) apply(objects ...*unstructured.Unstructured) []kube.Applied {
	b.Helper()
	applied := make([]kube.Applied, len(objects))
	b.must(b.Apply(b.Context(), objects, kube.ApplyOptions{}, func(i int, a kube.Applied) { applied[i] = a }))
	return applied
}

// client is an administrator's for the object's kind, which must be served.
func (b *bench) client(object *unstructured.Unstructured) dynamic.ResourceInterface {
	resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	return b.dynamic.Resource(resource).Namespace(object.GetNamespace())
}

func (b *bench) live(object *unstructured.Unstructured) *unstructured.Unstructured {
	b.Helper()
	found, err := b.client(object).Get(b.Context(), object.GetName(), metav1.GetOptions{})
	b.must(err)
	return found
}

// timeout is the test's context with a deadline.
func (b *bench) timeout(duration time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(b.Context(), duration)
	b.Cleanup(cancel)
	return ctx
}

func (b *bench) ref(apiVersion, kind, name string) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: b.namespace, Name: name}
}

// recorder notes the requests of a client for what is in namespaces, and
// disturbs them where a test asks for it.
type recorder struct {
	mu      sync.Mutex
	lines   []string
	watches []io.Closer
	// lose is a request whose answer is to be lost, once.
	lose string
	// down is a group whose API server seems not to answer.
	down string
	// refuse tells requests that are never sent; nil is none.
	refuse func(*http.Request) bool
}

var errCut = errors.New("cut")

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (r *recorder) wrap(next http.RoundTripper) http.RoundTripper {
	return transport(func(request *http.Request) (*http.Response, error) {
		line := describe(request)
		if r.refuse != nil && r.refuse(request) {
			return nil, errCut
		}
		answer, err := next.RoundTrip(request)
		if err == nil && r.down != "" && request.URL.Path == "/apis" {
			err = makeStale(answer, r.down)
		}
		if err == nil && r.note(line, answer) {
			return nil, errors.Join(io.ErrUnexpectedEOF, answer.Body.Close())
		}
		return answer, err
	})
}

// makeStale says in a discovery of all groups that one cannot be asked.
func makeStale(answer *http.Response, group string) error {
	found := &apidiscoveryv2.APIGroupDiscoveryList{}
	err := json.NewDecoder(answer.Body).Decode(found)
	for i := range found.Items {
		for j := range found.Items[i].Versions {
			if version := &found.Items[i].Versions[j]; found.Items[i].Name == group {
				version.Freshness, version.Resources = apidiscoveryv2.DiscoveryFreshnessStale, nil
			}
		}
	}
	text, failure := json.Marshal(found)
	err = errors.Join(err, failure, answer.Body.Close())
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return err
}

// note keeps the request, unless it is described by nothing, and reports
// whether its answer is to be lost.
func (r *recorder) note(line string, answer *http.Response) (lose bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if line == "" {
		return false
	}
	r.lines = append(r.lines, line)
	if strings.HasPrefix(line, "WATCH") {
		r.watches = append(r.watches, answer.Body)
	}
	if lose = line == r.lose; lose {
		r.lose = ""
	}
	return lose
}

// cut ends all watches, as a network does.
func (r *recorder) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, watch := range r.watches {
		_ = watch.Close()
	}
	r.watches = nil
}

// describe is a request's verb and resource; "" for one that is not in a
// namespace.
func describe(request *http.Request) string {
	// /apis/batch/v1/namespaces/NAMESPACE/jobs/NAME
	_, path, inNamespace := strings.Cut(request.URL.Path, "/namespaces/")
	parts := strings.Split(path, "/")
	if !inNamespace || len(parts) < 2 {
		return ""
	}
	line := request.Method + " " + parts[1]
	if request.URL.Query().Get("watch") != "" {
		line = "WATCH " + parts[1]
	}
	if len(parts) > 2 {
		line += strings.Join(append([]string{"/*"}, parts[3:]...), "/")
	}
	return line
}

// take returns what was requested since, sorted.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	slices.Sort(lines)
	return lines
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got, err := b.Capabilities(t.Context())
	b.must(err)
	if !strings.HasPrefix(got.Version, "v"+got.Major+"."+got.Minor+".") {
		t.Errorf("version %q does not begin with %s.%s", got.Version, got.Major, got.Minor)
	}
	for _, want := range []string{"v1", "v1/Pod", "apps/v1", "apps/v1/Deployment", "batch/v1/Job"} {
		if _, found := slices.BinarySearch(got.APIVersions, want); !found {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestNamespaced(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for text, want := range map[string]bool{"apps/v1/Deployment": true, "v1/Namespace": false, "v1/ConfigMap": true} {
		i := strings.LastIndex(text, "/")
		got, err := b.Namespaced(schema.FromAPIVersionAndKind(text[:i], text[i+1:]))
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, kind := range []schema.GroupVersionKind{
		{Group: "nothing.example", Version: "v1", Kind: "Nothing"},
		{Group: "apps", Version: "v1", Kind: "Nothing"},
		{Group: "apps", Version: "v7", Kind: "Deployment"},
	} {
		if _, err := b.Namespaced(kind); !meta.IsNoMatchError(err) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAKindThatComesLaterIsFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	definition, kind := widgets(b)
	if _, err := b.Namespaced(kind); !meta.IsNoMatchError(err) {
		t.Fatalf("before: %v", err)
	}
	b.apply(definition)
	widget := b.object("metadata: {name: w}\nspec: {size: 3}")
	widget.SetGroupVersionKind(kind)
	b.apply(widget)
	if namespaced, err := b.Namespaced(kind); err != nil || !namespaced {
		t.Errorf("after: %v, %v", namespaced, err)
	}
}

// widgets is the definition of a kind of the test's own, which is removed
// when the test ends.
func widgets(b *bench) (*unstructured.Unstructured, schema.GroupVersionKind) {
	b.Helper()
	group := b.namespace + ".example"
	definition := b.object(strings.ReplaceAll(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.GROUP}
spec:
  group: GROUP
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`, "GROUP", group))
	definition.SetNamespace("")
	b.Cleanup(func() {
		ctx := context.WithoutCancel(b.Context())
		if err := b.client(definition).Delete(ctx, definition.GetName(), metav1.DeleteOptions{}); err != nil {
			b.Log(err)
		}
	})
	return definition, schema.GroupVersionKind{Group: group, Version: "v1", Kind: "Widget"}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(b.object("{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: b}}"))
	found, err := b.Lookup(t.Context(), "v1", "ConfigMap", b.namespace, "one")
	b.must(err)
	if diff := cmp.Diff(map[string]any{"a": "b"}, found["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	list, err := b.Lookup(t.Context(), "v1", "ConfigMap", b.namespace, "")
	b.must(err)
	// The cluster may keep ConfigMaps of its own in every namespace.
	items, _ := list["items"].([]any)
	if !slices.ContainsFunc(items, func(item any) bool { return cmp.Equal(item, any(found)) }) {
		t.Errorf("the list lacks it: %v", list)
	}
	for _, absent := range [][2]string{{"v1", "Secret"}, {"nothing.example/v1", "Nothing"}} {
		got, err := b.Lookup(t.Context(), absent[0], absent[1], b.namespace, "one")
		if diff := cmp.Diff(map[string]any{}, got); err != nil || diff != "" {
			t.Errorf("%v: %v\n%s", absent, err, diff)
		}
	}
}

func TestCreateNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	name := b.namespace + "-more"
	t.Cleanup(func() {
		b.must(b.admin.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}))
	})
	for _, want := range []bool{true, false} {
		if got, err := b.CreateNamespace(t.Context(), name); err != nil || got != want {
			t.Errorf("created %v, want %v, %v", got, want, err)
		}
	}
}

func TestANamespaceThatExistsNeedNotBeCreatable(t *testing.T) {
	t.Parallel()
	b := newLimitedBench(t, may("get", "namespaces", ""))
	if created, err := b.CreateNamespace(t.Context(), b.namespace); err != nil || created {
		t.Errorf("created %v, %v", created, err)
	}
	if _, err := b.CreateNamespace(t.Context(), b.namespace+"-no"); err == nil {
		t.Error("a namespace was created without the right to")
	}
}
