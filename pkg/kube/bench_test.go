package kube_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func (b *bench) absent(ref corev1.ObjectReference) bool {
	b.Helper()
	found, err := b.Find(b.Context(), []corev1.ObjectReference{ref})
	b.must(err)
	return found[0] == nil
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

func (b *bench) ref(apiVersion, kind, name string) corev1.ObjectReference {
	return corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: b.namespace, Name: name}
}

func refTo(object *unstructured.Unstructured) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(),
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
