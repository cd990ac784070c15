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
		ref := corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: names[0], Name: names[1]}
		object := b.object("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
		object.SetNamespace(names[0])
		object.SetName(names[1])
		for what, do := range map[string]func() error{
			"find": func() error {
				_, err := b.Cluster.Find(t.Context(), []corev1.ObjectReference{ref})
				return err
			},
			"look up": func() error {
				_, err := b.Cluster.Lookup(t.Context(), ref.APIVersion, ref.Kind, ref.Namespace, ref.Name)
				return err
			},
			"delete": func() error {
				return b.Cluster.Delete(t.Context(), []kube.Deletion{{Ref: ref, NoWait: true}}, func(int, time.Duration, error) {})
			},
			"look into": func() error {
				_, err := b.Cluster.Contents(t.Context(), names[0]+"/"+names[1])
				return err
			},
			"take over": func() error { return b.Cluster.TakeOver(t.Context(), []corev1.ObjectReference{ref}) },
			"apply": func() error {
				return b.Cluster.Apply(t.Context(), []*unstructured.Unstructured{object}, kube.ApplyOptions{}, nil)
			},
			"check": func() error {
				checked, err := b.Cluster.Check(t.Context(), []kube.Check{{Object: object}, {Object: object, Replaces: true}})
				if err == nil && checked[1].Err != nil {
					err = checked[0].Err
				}
				return err
			},
		} {
			if err := do(); err == nil {
				t.Errorf("%s %s/%s: no error", what, names[0], names[1])
			}
		}
	}
	if number := asked.Load(); number > 0 {
		t.Errorf("there were %d requests", number)
	}
}

func TestLabelledFindsObjectsOfAllKinds(t *testing.T) {
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
