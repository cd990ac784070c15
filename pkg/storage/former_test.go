package storage_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestFormer(t *testing.T) {
	t.Parallel()
	t.Run("what objects were comes back", whatObjectsWereComesBack)
	t.Run("what objects were may be lost", whatObjectsWereMayBeLost)
}

// What adopted objects were comes back, however often and however much is added; the later record of an object counts.
func whatObjectsWereComesBack(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	written := example(namespace, 1)
	written.Former = []release.Former{former("a", `{"text":"one","number":9007199254740993}`)}
	store := newStore(t, "run1")
	create(t, store, written)
	// Letters at random do not get smaller by compression.
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // No secret.
	large := bytes.Buffer{}
	for large.Len() < 1<<20 {
		fmt.Fprintf(&large, "%x", random.Uint64())
	}
	for _, added := range [][]release.Former{
		{former("large", `{"text":"`+large.String()+`"}`), former("b", `{}`)},
		{former("a", `{"text":"two"}`)},
	} {
		for _, f := range added {
			written.SetFormer(f)
		}
		if err := store.AddFormer(t.Context(), written, added); err != nil {
			t.Fatal(err)
		}
	}
	read := get(t, newStore(t, "run2"), written)
	diff(t, "what is read", written, read)
	if err := newStore(t, "run3").AddFormer(t.Context(), read, []release.Former{former("c", `{}`)}); err != nil {
		t.Errorf("another run cannot add to it: %v", err)
	}
	if got := len(get(t, store, written).Former); got != 4 {
		t.Errorf("there are %d", got)
	}
	if err := store.DropFormer(t.Context(), namespace, written.Name); err != nil {
		t.Fatal(err)
	}
	if left := get(t, store, written); len(left.Former) > 0 || left.Content.Manifest != written.Content.Manifest {
		t.Errorf("left are %v", left.Former)
	}
}

func former(name, content string) release.Former {
	return release.Former{Kind: "ConfigMap", Namespace: "web", Name: name, Owner: "no release", Object: json.RawMessage(content)}
}

// What is missing or damaged of it is as if it had never been recorded, and damages nothing else.
func whatObjectsWereMayBeLost(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	secrets := client(t, namespace)
	written := example(namespace, 1)
	store := newStore(t, "run1")
	create(t, store, written)
	for i, name := range []string{"a", "b", "c"} {
		if err := store.AddFormer(t.Context(), written, []release.Former{former(name, `{}`)}); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	found, err := secrets.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range found.Items {
		switch {
		case strings.HasSuffix(secret.Name, "former-run1-0"):
			err = secrets.Delete(t.Context(), secret.Name, metav1.DeleteOptions{})
		case strings.HasSuffix(secret.Name, "former-run1-1"):
			err = secrets.Delete(t.Context(), secret.Name, metav1.DeleteOptions{})
			damaged := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret.Name, Labels: secret.Labels, Annotations: secret.Annotations}}
			if err == nil {
				_, err = secrets.Create(t.Context(), damaged, metav1.CreateOptions{})
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read := get(t, store, written)
	if diff := cmp.Diff([]release.Former{former("c", `{}`)}, read.Former); diff != "" {
		t.Errorf("what is read (-want +got):\n%s", diff)
	}
	if read.Record.Former != 3 {
		t.Errorf("the next has number %d", read.Record.Former)
	}
}
