package storage_test

import (
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestSupersede(t *testing.T) {
	t.Parallel()
	t.Run("a revision is superseded", aRevisionIsSuperseded)
	t.Run("a stale revision is not superseded", aStaleRevisionIsNotSuperseded)
}

func aRevisionIsSuperseded(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	for revision := range 3 {
		r := example(namespace, revision+1)
		r.Status.Phase = release.Deployed
		create(t, store, r)
	}
	// What lists show is all that is needed.
	history, err := store.History(t.Context(), namespace, "shop")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := newStore(t, "run2").Supersede(t.Context(), history[1]); err != nil {
			t.Fatal(err)
		}
	}
	if history, err = store.History(t.Context(), namespace, "shop"); err != nil {
		t.Fatal(err)
	}
	var phases []release.Phase
	for _, r := range history {
		phases = append(phases, r.Status.Phase)
	}
	diff(t, "the phases", []release.Phase{release.Deployed, release.Superseded, release.Deployed}, phases)
	whole := get(t, store, history[1])
	r := example(namespace, 2)
	if whole.Status.Phase != release.Superseded {
		t.Errorf("read whole, its phase is %s", whole.Status.Phase)
	}
	diff(t, "its content", r.Content, whole.Content)
	diff(t, "its hooks", r.Status.Hooks, whole.Status.Hooks)
}

// What somebody has written meanwhile is not superseded unseen.
func aStaleRevisionIsNotSuperseded(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
	create(t, store, r)
	history, err := store.History(t.Context(), r.Namespace, r.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.UpdateStatus(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := newStore(t, "run2").Supersede(t.Context(), history[0]); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("it answers: %v", err)
	}
	diff(t, "what is read", r, get(t, store, r))
}

func TestForget(t *testing.T) {
	t.Parallel()
	t.Run("a revision is forgotten", aRevisionIsForgotten)
	t.Run("what is gone can be retired", whatIsGoneCanBeRetired)
}

func aRevisionIsForgotten(t *testing.T) {
	t.Parallel()
	namespace, store := clustertest.Namespace(t), newStore(t, "run1")
	kept := map[int]*release.Release{}
	for _, revision := range []int{1, 2, 12} {
		kept[revision] = example(namespace, revision)
		create(t, store, kept[revision])
	}
	forgotten := kept[2]
	delete(kept, 2)
	// Somebody else's, which has all the labels.
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine", Labels: map[string]string{"owner": "sherpack", "name": "shop", "version": "2"}}}
	if _, err := client(t, namespace).Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	between := proxy.Start(t, clustertest.Config(t))
	if err := newStoreThrough(t, between, "run2").Forget(t.Context(), forgotten); err != nil {
		t.Fatal(err)
	}
	var deleted []string
	for _, request := range between.Writes() {
		deleted = append(deleted, request.Method+" "+path.Base(request.Path))
	}
	if len(deleted) != 3 || deleted[0] != http.MethodDelete+" "+head {
		t.Errorf("the deletions are %v", deleted)
	}
	var left []string
	for name := range secrets(t, namespace) {
		if !strings.Contains(name, "-run1-") {
			left = append(left, strings.TrimPrefix(name, "sh.sherpack.release.v1."))
		}
	}
	slices.Sort(left)
	diff(t, "what is left", []string{"mine", "shop.v1", "shop.v12"}, left)
	for _, r := range kept {
		diff(t, "what is read", r, get(t, store, r))
	}
}

func whatIsGoneCanBeRetired(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	if err := store.Supersede(t.Context(), r); err != nil {
		t.Errorf("supersede answers: %v", err)
	}
	if err := store.Forget(t.Context(), r); err != nil {
		t.Errorf("forget answers: %v", err)
	}
	if left := secrets(t, r.Namespace); len(left) != 0 {
		t.Errorf("there are %d Secrets", len(left))
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	t.Run("only what is left is swept", onlyWhatIsLeftIsSwept)
	t.Run("parts of a head that is not listed stay", partsOfUnlistedHeadStay)
}

// A command that was killed while it dropped a record leaves parts without any head. Only these are swept: whoever looks a
// moment later may find a release that another command has installed meanwhile.
func onlyWhatIsLeftIsSwept(t *testing.T) {
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

// The inventory of a release is not swept because somebody has changed the labels of its head.
func partsOfUnlistedHeadStay(t *testing.T) {
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
