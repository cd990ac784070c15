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
	"sync/atomic"
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

// asks are all that may be asked for an object by its name.
func (b *bench) asks(object *unstructured.Unstructured) map[string]func() error {
	ref := corev1.ObjectReference{
		APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(),
	}
	return map[string]func() error{
		"find": func() error {
			_, err := b.Cluster.Find(b.Context(), []corev1.ObjectReference{ref})
			return err
		},
		"look up": func() error {
			_, err := b.Cluster.Lookup(b.Context(), ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
			return err
		},
		"delete": func() error {
			return b.Cluster.Delete(b.Context(), []kube.Deletion{{Ref: ref, NoWait: true}}, func(int, time.Duration, error) {})
		},
		"look into": func() error {
			_, err := b.Cluster.Contents(b.Context(), ref.Namespace+"/"+ref.Name)
			return err
		},
		"take over": func() error { return b.Cluster.TakeOver(b.Context(), []corev1.ObjectReference{ref}) },
		"own data":  func() error { return b.Cluster.OwnData(b.Context(), []corev1.ObjectReference{ref}) },
		"snapshot": func() error {
			_, err := b.Cluster.Snapshot(b.Context(), []corev1.ObjectReference{ref})
			return err
		},
		"give back": func() error { return b.Cluster.GiveBack(b.Context(), []kube.Return{{Ref: ref}}, nil) },
		"await the end": func() error {
			return b.Cluster.AwaitGone(b.timeout(time.Second), []corev1.ObjectReference{ref})
		},
		"apply": func() error {
			return b.Cluster.Apply(b.Context(), []*unstructured.Unstructured{object}, kube.ApplyOptions{}, nil)
		},
		"check": func() error {
			checked, err := b.Cluster.DryRun(b.Context(), []kube.DryRun{{Object: object}, {Object: object, Replaces: true}})
			if err == nil && checked[1].Err != nil {
				err = checked[0].Err
			}
			return err
		},
	}
}

// ConfigMap ".." of a namespace is, in the path of a request, that namespace.
func TestNamesThatLeadElsewhereAreNotAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	// The kinds are known from then on.
	if _, err := b.Cluster.Namespaced(corev1.SchemeGroupVersion.WithKind("ConfigMap")); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	b.requests.refuse = func(*http.Request) bool {
		asked.Add(1)
		return false
	}
	for _, names := range [][2]string{{b.namespace, ".."}, {b.namespace, "."}, {b.namespace, "a/b"}, {"../..", "a"}, {b.namespace, "a%2Fb"}} {
		object := b.object("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
		object.SetNamespace(names[0])
		object.SetName(names[1])
		for what, do := range b.asks(object) {
			if err := do(); err == nil {
				t.Errorf("%s %s/%s: no error", what, names[0], names[1])
			}
		}
	}
	if number := asked.Load(); number > 0 {
		t.Errorf("there were %d requests", number)
	}
}
