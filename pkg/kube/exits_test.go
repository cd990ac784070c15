package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
)

func TestDeletionsShareOneWatchPerKindAndNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var objects []*unstructured.Unstructured
	for i := range 40 {
		objects = append(objects, b.object(strings.Replace(held, "held", fmt.Sprint("held-", i), 1)))
	}
	objects = append(objects, b.object("{apiVersion: v1, kind: ServiceAccount, metadata: {name: held, finalizers: [sherpack.io/test]}}"))
	var refs []corev1.ObjectReference
	var targets []kube.Deletion
	for _, applied := range b.apply(objects...) {
		refs = append(refs, applied.Ref)
		targets = append(targets, kube.Deletion{Ref: applied.Ref})
	}
	letGo := func() {
		for _, object := range objects {
			_, err := b.client(object).Patch(context.WithoutCancel(t.Context()), object.GetName(), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			b.must(err)
		}
	}
	b.requests.take()
	ended := make(chan error, 2)
	go func() { ended <- b.Delete(b.timeout(time.Minute), targets, nil) }()
	b.eventually(func() bool {
		return !slices.ContainsFunc(objects, func(object *unstructured.Unstructured) bool { return b.live(object).GetDeletionTimestamp() == nil })
	})
	go func() { ended <- b.AwaitGone(b.timeout(time.Minute), refs) }()
	// Of both, all watches must be open before anything goes.
	watches := map[string]int{}
	b.eventually(func() bool {
		for _, line := range b.requests.take() {
			if strings.HasPrefix(line, "WATCH") {
				watches[line]++
			}
		}
		return watches["WATCH configmaps"] >= 2 && watches["WATCH serviceaccounts"] >= 2
	})
	letGo()
	for range 2 {
		b.must(<-ended)
	}
	for _, line := range b.requests.take() {
		if strings.HasPrefix(line, "WATCH") {
			watches[line]++
		}
	}
	if diff := cmp.Diff(map[string]int{"WATCH configmaps": 2, "WATCH serviceaccounts": 2}, watches); diff != "" {
		t.Errorf("watches of two calls (-want +got):\n%s", diff)
	}
}

// What cannot be watched does not hold up the deletion of what can.
func TestDeletionsGoOnWhereAKindCannotBeListed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var objects []*unstructured.Unstructured
	for i := range 20 {
		objects = append(objects, b.object(fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: held-%d, finalizers: [sherpack.io/test]}}", i)))
	}
	objects = append(objects, b.object(configMap))
	var targets []kube.Deletion
	for _, applied := range b.apply(objects...) {
		targets = append(targets, kube.Deletion{Ref: applied.Ref})
	}
	b.requests.refuse = func(request *http.Request) bool {
		return request.Method == http.MethodGet && strings.HasSuffix(request.URL.Path, "/serviceaccounts")
	}
	ctx, cancel := context.WithCancel(b.timeout(time.Minute))
	ended := make(chan error)
	go func() { ended <- b.Delete(ctx, targets, nil) }()
	b.eventually(func() bool { return b.absent(targets[20].Ref) })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || !errors.Is(err, errCut) {
		t.Errorf("the error is %v", err)
	}
	for _, object := range objects[:20] {
		_, err := b.client(object).Patch(t.Context(), object.GetName(), types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		b.must(err)
	}
}
