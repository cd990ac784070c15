package e2e

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
)

// raw logs how long the objects of the pack take to be written by themselves, sixteen at a time, the same way: through a
// proxy, by server-side apply. It is what the figures of the commands are to be compared with.
func (r *sizeRun) raw(t *testing.T) {
	t.Helper()
	s := newSession(t)
	client, err := dynamic.NewForConfig(s.proxy.Config())
	if err != nil {
		t.Fatal(err)
	}
	kinds := sizeKinds()
	objects := func(object *unstructured.Unstructured) dynamic.ResourceInterface {
		return client.Resource(kinds[object.GetKind()]).Namespace(s.namespace)
	}
	apply := func(object *unstructured.Unstructured) error {
		_, err := objects(object).Apply(t.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "raw"})
		return err
	}
	remove := func(object *unstructured.Unstructured) error {
		return objects(object).Delete(t.Context(), object.GetName(), metav1.DeleteOptions{})
	}
	one, two := r.decoded(t, "one"), r.decoded(t, "two")
	for _, work := range []struct {
		name    string
		objects []*unstructured.Unstructured
		do      func(*unstructured.Unstructured) error
	}{{"create", one, apply}, {"apply the same", one, apply}, {"apply others", two, apply}, {"delete", two, remove}} {
		start := time.Now()
		if err := sideBySide(work.objects, work.do); err != nil {
			t.Fatalf("%s: %v", work.name, err)
		}
		t.Logf("%-15s %6.1f s by themselves", work.name+":", time.Since(start).Seconds())
	}
}

// decoded are the objects of the pack that are no hooks.
func (r *sizeRun) decoded(t *testing.T, tag string) []*unstructured.Unstructured {
	t.Helper()
	code, text := r.command(t, "template", "app", r.pack, "--no-hooks", "--set", fmt.Sprintf("each=%d,filled=%d,tag=%s", r.each, r.filled, tag))
	if code != 0 {
		t.Fatal(text)
	}
	var found []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 1<<20); ; {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, object)
	}
}

// sideBySide does something with every object, sixteen at a time.
func sideBySide(objects []*unstructured.Unstructured, do func(*unstructured.Unstructured) error) error {
	const atOnce = 16
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, object := range objects {
		group.Go(func() error { return do(object) })
	}
	return group.Wait()
}
