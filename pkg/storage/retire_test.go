package storage_test

import (
	"net/http"
	"path"
	"regexp"
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

func TestDrop(t *testing.T) {
	t.Parallel()
	t.Run("heads go first, and the newest of them last", dropTakesHeadsFirst)
	t.Run("what is not of the release stays", dropLeavesWhatIsNotOfTheRelease)
	t.Run("a record with a head that is not listed stays", recordWithUnlistedHeadStays)
}

func dropTakesHeadsFirst(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	for revision := range 11 {
		create(t, newStore(t, "run1"), example(namespace, revision+1))
	}
	between := proxy.Start(t, clustertest.Config(t))
	if err := newStoreThrough(t, between, "run2").Drop(t.Context(), namespace, "shop"); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	headPath := regexp.MustCompile(`^sh\.sherpack\.release\.v1\.shop\.v(\d+)$`)
	for _, request := range between.Writes() {
		kind := "part"
		if match := headPath.FindStringSubmatch(path.Base(request.Path)); match != nil {
			kind = "head"
			if match[1] == "11" {
				kind = "newest head"
			}
		}
		kinds = append(kinds, request.Method+" "+kind)
	}
	want := slices.Concat(slices.Repeat([]string{"DELETE head"}, 10), []string{"DELETE newest head"}, slices.Repeat([]string{"DELETE part"}, 22))
	diff(t, "the deletions", want, kinds)
	if left := secrets(t, namespace); len(left) != 0 {
		t.Errorf("there still are %d Secrets", len(left))
	}
}

func dropLeavesWhatIsNotOfTheRelease(t *testing.T) {
	t.Parallel()
	namespace, store := clustertest.Namespace(t), newStore(t, "run1")
	create(t, store, example(namespace, 1))
	other := example(namespace, 1)
	other.Name = "shop-2"
	create(t, store, other)
	// Labels this plain may well be somebody else's.
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine", Labels: map[string]string{"owner": "sherpack", "name": "shop"}}}
	if _, err := client(t, namespace).Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := store.Drop(t.Context(), namespace, "shop"); err != nil {
		t.Fatal(err)
	}
	var left []string
	for name := range secrets(t, namespace) {
		left = append(left, strings.TrimPrefix(name, "sh.sherpack.release.v1."))
	}
	slices.Sort(left)
	diff(t, "what is left", []string{"mine", "shop-2.v1", "shop-2.v1.inventory-run1-0", "shop-2.v1.payload-run1-0"}, left)
	diff(t, "the other release", other, get(t, store, other))
}

// A record is not dropped around a revision that no list finds, whose inventory would be lost.
func recordWithUnlistedHeadStays(t *testing.T) {
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
