package storage_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// A command that was killed while it dropped a record leaves parts without any head. Only these are swept: whoever looks a
// moment later may find a release that another command has installed meanwhile.
func TestOnlyWhatIsLeftIsSwept(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	r := example(namespace, 2)
	create(t, store, r)
	if swept, err := newStore(t, "run2").Sweep(t.Context(), namespace, r.Name); swept || err != nil {
		t.Errorf("a release is swept: %v, error %v", swept, err)
	}
	diff(t, "what is left of the release", r.Content, get(t, store, r).Content)

	if err := client(t, namespace).Delete(t.Context(), head, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if swept, err := store.Sweep(t.Context(), namespace, r.Name); !swept || err != nil {
		t.Errorf("parts without a head are not swept: %v, error %v", swept, err)
	}
	if left := secrets(t, namespace); len(left) > 0 {
		t.Errorf("%d secrets are left", len(left))
	}
	if swept, err := store.Sweep(t.Context(), namespace, r.Name); swept || err != nil {
		t.Errorf("nothing is swept: %v, error %v", swept, err)
	}
}
