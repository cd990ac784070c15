package storage_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// unlisted are changes to the labels of a head after which no list finds it, and the labels that are missing then.
func unlisted() map[string]func(*corev1.Secret) {
	return map[string]func(*corev1.Secret){
		"its name is lost":       func(s *corev1.Secret) { delete(s.Labels, "name") },
		"its owner is lost":      func(s *corev1.Secret) { delete(s.Labels, "owner") },
		"its name is another":    func(s *corev1.Secret) { s.Labels["name"] = "other" },
		"it passes for a part":   func(s *corev1.Secret) { s.Labels["part"] = "payload-0" },
		"it has no label at all": func(s *corev1.Secret) { s.Labels = nil },
	}
}

// checkUnlisted checks the error about a head that no list finds, and that all of its revision is still there.
func checkUnlisted(t *testing.T, namespace string, err error) {
	t.Helper()
	var found *storage.UnlistedError
	if !errors.As(err, &found) || found.Secret != head || !errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrConflict) {
		t.Fatalf("it answers: %v", err)
	}
	if !strings.Contains(err.Error(), namespace+"/"+head) {
		t.Errorf("%v: does not name the Secret", err)
	}
	for key, want := range map[string]string{"owner": "sherpack", "name": "shop", "version": "2"} {
		diff(t, "the label "+key, want, found.Labels[key])
	}
	if left := secrets(t, namespace); len(left) != 3 {
		t.Errorf("there are %d Secrets", len(left))
	}
}

// whereUnlisted runs a test for each change that has a list not find the head of a stored revision 2.
func whereUnlisted(t *testing.T, test func(*testing.T, *storage.Secrets, *release.Release)) {
	t.Helper()
	for title, change := range unlisted() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			damage{secret: head, change: change}.inflict(t, r.Namespace)
			test(t, store, r)
		})
	}
}

// The inventory of a release is not swept because somebody has changed the labels of its head.
func TestWhatBelongsToAHeadThatIsNotListedIsNotSwept(t *testing.T) {
	t.Parallel()
	whereUnlisted(t, func(t *testing.T, store *storage.Secrets, r *release.Release) {
		t.Helper()
		swept, err := store.Sweep(t.Context(), r.Namespace, r.Name)
		if swept {
			t.Error("it is swept")
		}
		checkUnlisted(t, r.Namespace, err)
	})
}

// A record is not dropped around a revision that no list finds, whose inventory would be lost.
func TestARecordWithAHeadThatIsNotListedIsNotDropped(t *testing.T) {
	t.Parallel()
	whereUnlisted(t, func(t *testing.T, store *storage.Secrets, r *release.Release) {
		t.Helper()
		other := example(r.Namespace, 1)
		create(t, store, other)
		err := store.Drop(t.Context(), r.Namespace, r.Name)
		get(t, store, other)
		if err := store.Forget(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		checkUnlisted(t, r.Namespace, err)
	})
}

// A revision that no list finds is not told as another command's.
func TestARevisionIsNotCreatedOverOneThatIsNotListed(t *testing.T) {
	t.Parallel()
	whereUnlisted(t, func(t *testing.T, _ *storage.Secrets, r *release.Release) {
		t.Helper()
		checkUnlisted(t, r.Namespace, newStore(t, "run2").Create(t.Context(), example(r.Namespace, 2)))
	})
}

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
