package kube_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

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
			return b.Cluster.AwaitGone(b.timeout(time.Second), []corev1.ObjectReference{ref}, nil)
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

func TestCluster(t *testing.T) {
	t.Parallel()
	t.Run("names that lead elsewhere are not asked for", namesThatLeadElsewhereAreNotAskedFor)
}

// ConfigMap ".." of a namespace is, in the path of a request, that namespace.
func namesThatLeadElsewhereAreNotAskedFor(t *testing.T) {
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
