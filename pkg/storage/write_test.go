package storage_test

import (
	"context"
	"errors"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestUpdateStatus(t *testing.T) {
	t.Parallel()
	t.Run("it is updated alone", statusIsUpdatedAlone)
	t.Run("a stale one is refused", staleStatusIsRefused)
	t.Run("one of another run is not taken for an own one", statusOfAnotherRun)
	t.Run("it survives a lost request", statusSurvivesALostRequest)
	t.Run("it is written after the network is back", statusIsWrittenAfterTheNetworkIsBack)
	t.Run("a lost answer does not hide another's write", aLostAnswerDoesNotHideAnothersWrite)
	t.Run("it heals its head", statusHealsItsHead)
}

func statusIsUpdatedAlone(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
	create(t, store, r)
	before := secrets(t, r.Namespace)
	for range 3 {
		r.Status.Phase, r.Status.Message = release.Deployed, ""
		r.Status.Hooks[0].State, r.Status.Hooks[0].LogTail = release.HookSucceeded, ""
		if err := store.UpdateStatus(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if r.Status.Writer != "run1" || r.Status.Seq != 3 {
		t.Errorf("the writer is %q and its number %d", r.Status.Writer, r.Status.Seq)
	}
	diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
	history, err := store.History(t.Context(), r.Namespace, r.Name)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "the history", listed(release.History{r}), history)
	for name, secret := range secrets(t, r.Namespace) {
		if secret.Labels["part"] != "" && secret.ResourceVersion != before[name].ResourceVersion {
			t.Errorf("part %s was written too", name)
		}
	}
}

func staleStatusIsRefused(t *testing.T) {
	t.Parallel()
	for title, writer := range map[string]string{"another run": "run2", "another copy in the same run": "run1"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
			create(t, store, r)
			stale := get(t, newStore(t, writer), r)
			r.Status.Message = "mine"
			if err := store.UpdateStatus(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				stale.Status.Message = "theirs"
				if err := newStore(t, writer).UpdateStatus(t.Context(), stale); !errors.Is(err, storage.ErrConflict) {
					t.Errorf("a stale update answers: %v", err)
				}
			}
			diff(t, "what is read", r, get(t, store, r))
		})
	}
}

// A write that got no answer has used a number up; what another run has written since has a smaller one than the next.
func statusOfAnotherRun(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
	create(t, store, r)
	theirs := get(t, newStore(t, "run2"), r)
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.UpdateStatus(cut, r); err == nil || errors.Is(err, storage.ErrConflict) {
		t.Fatalf("it answers: %v", err)
	}
	if err := newStore(t, "run2").UpdateStatus(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	if err := store.UpdateStatus(t.Context(), r); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("it answers: %v", err)
	}
	diff(t, "what is read", theirs, get(t, store, r))
}

func statusSurvivesALostRequest(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			between.Intercept((&trouble{lost: once(http.MethodPatch, head), acted: acted}).intercept)
			for _, phase := range []release.Phase{release.PendingInstall, release.Deployed} {
				r.Status.Phase = phase
				if err := store.UpdateStatus(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
			}
		})
	}
}

func statusIsWrittenAfterTheNetworkIsBack(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the requests were lost": false, "the answers were lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			for range 2 {
				ctx, giveUp := context.WithCancel(t.Context())
				network := &trouble{lost: func(string, string) bool { return true }, acted: acted, after: giveUp}
				between.Intercept(network.intercept)
				r.Status.Message += " again"
				if err := store.UpdateStatus(ctx, r); err == nil || errors.Is(err, storage.ErrConflict) {
					t.Errorf("without a network it answers: %v", err)
				}
			}
			between.Intercept(nil)
			r.Status.Phase, r.Status.Message = release.Failed, "the network was gone"
			if err := store.UpdateStatus(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
		})
	}
}

func aLostAnswerDoesNotHideAnothersWrite(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
	create(t, store, r)
	var theirs *release.Release
	write := func() {
		theirs = get(t, newStore(t, "run2"), r)
		theirs.Status.Message = "theirs"
		if err := newStore(t, "run2").UpdateStatus(t.Context(), theirs); err != nil {
			t.Error(err)
		}
	}
	between.Intercept((&trouble{lost: once(http.MethodPatch, head), acted: true, after: write}).intercept)
	for range 2 {
		r.Status.Message = "mine"
		if err := store.UpdateStatus(t.Context(), r); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("it answers: %v", err)
		}
	}
	diff(t, "what is read", theirs, get(t, store, r))
}

// A status that is written puts in order again what can be told of a damaged head.
func statusHealsItsHead(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"the head has no format version", "the head has no version", "the head has no status", "the status is garbage", "the head does not name its run"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			damages()[title].inflict(t, r.Namespace)
			found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
			if err != nil {
				t.Fatal(err)
			}
			found.Status = r.Status
			if err := store.UpdateStatus(t.Context(), found); err != nil {
				t.Fatal(err)
			}
			got := get(t, store, r)
			diff(t, "the phase", release.Failed, got.Status.Phase)
			diff(t, "the content", r.Content, got.Content)
		})
	}
}

func TestUpdateInventory(t *testing.T) {
	t.Parallel()
	t.Run("a stale one is refused", staleInventoryIsRefused)
	t.Run("it survives a lost request", inventorySurvivesALostRequest)
	t.Run("it may shrink", inventoryMayShrink)
	t.Run("it does not outgrow its parts", inventoryDoesNotOutgrowItsParts)
	t.Run("a damaged one is replaced", damagedInventoryIsReplaced)
	t.Run("a part is replaced in one request", aPartIsReplacedInOneRequest)
	t.Run("a part that cannot be changed is recreated", aPartThatCannotBeChangedIsRecreated)
	t.Run("one that is replaced survives a lost answer", replacedInventorySurvivesALostAnswer)
}

func staleInventoryIsRefused(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
	create(t, store, r)
	other := newStore(t, "run2")
	theirs := get(t, other, r)
	theirs.Inventory[0].Hash = "theirs"
	if err := other.UpdateInventory(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	r.Inventory[0].Hash = "mine"
	for range 2 {
		if err := store.UpdateInventory(t.Context(), r); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("a stale update answers: %v", err)
		}
	}
	checkInventory(t, theirs)
}

func inventorySurvivesALostRequest(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			store, r := newStoreThrough(t, between, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			between.Intercept((&trouble{lost: once(http.MethodPatch, inventory), acted: acted}).intercept)
			r.Inventory = r.Inventory[1:]
			if err := store.UpdateInventory(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			checkInventory(t, r)
		})
	}
}

func inventoryMayShrink(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	r.Inventory = entries(1200)
	create(t, store, r)
	// Read by another run, it can be written all the same.
	r = get(t, newStore(t, "run2"), r)
	for _, left := range []int{1100, 1000, 501, 500, 1, 0} {
		r.Inventory = r.Inventory[len(r.Inventory)-left:]
		if err := newStore(t, "run2").UpdateInventory(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		checkInventory(t, r)
		checkParts(t, r.Namespace, "inventory", 3)
	}
}

func inventoryDoesNotOutgrowItsParts(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	r.Inventory = entries(500)
	create(t, store, r)
	before := secrets(t, r.Namespace)
	grown := *r
	grown.Inventory = entries(501)
	partial := *r
	partial.Inventory, partial.Record = nil, release.Record{}
	for title, changed := range map[string]*release.Release{"grown": &grown, "not read whole": &partial} {
		if err := store.UpdateInventory(t.Context(), changed); err == nil {
			t.Errorf("%s: it was written", title)
		}
	}
	diff(t, "the Secrets", before, secrets(t, r.Namespace))
}

// An inventory that is written puts in order what could not be read of it.
func damagedInventoryIsReplaced(t *testing.T) {
	t.Parallel()
	for _, title := range []string{
		"an inventory part is missing", "a part lost a label", "the inventory was edited", "more parts are expected",
		"the number of parts is negative",
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			damages()[title].inflict(t, r.Namespace)
			other := newStore(t, "run2")
			found, err := other.Salvage(t.Context(), r.Namespace, r.Name, 2)
			if err != nil {
				t.Fatal(err)
			}
			// What is known from elsewhere may need more parts than there were.
			for _, many := range []int{1200, 3} {
				found.Inventory = entries(many)
				if err := other.UpdateInventory(t.Context(), found); err != nil {
					t.Fatal(err)
				}
				diff(t, "the inventory", entries(many), get(t, store, r).Inventory)
			}
			if err := other.UpdateStatus(t.Context(), found); err != nil {
				t.Errorf("the status cannot be written then: %v", err)
			}
		})
	}
}

// What can be read of a damaged part is there until the new content is, also where the network goes in between.
func aPartIsReplacedInOneRequest(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := example(clustertest.Namespace(t), 2)
			r.Inventory = append(entries(3), release.Entry{Version: "v1", Kind: "ConfigMap", Name: ".."})
			create(t, newStore(t, "run1"), r)
			between := proxy.Start(t, clustertest.Config(t))
			store := newStoreThrough(t, between, "run2")
			found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
			if err != nil {
				t.Fatal(err)
			}
			gone := false
			ctx, giveUp := context.WithCancel(t.Context())
			between.Intercept((&trouble{acted: acted, after: giveUp, lost: func(_, name string) bool {
				first := !gone && name == inventory
				gone = gone || first
				return first || gone && !acted
			}}).intercept)
			if err := store.UpdateInventory(ctx, found); err == nil {
				t.Error("there is no error")
			}
			left, err := newStore(t, "run3").Salvage(t.Context(), r.Namespace, r.Name, 2)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "the inventory", entries(3), left.Inventory)
		})
	}
}

// A part of which somebody has made something else cannot be written in place.
func aPartThatCannotBeChangedIsRecreated(t *testing.T) {
	t.Parallel()
	for title, change := range map[string]func(*corev1.Secret){
		"of another type": func(s *corev1.Secret) { s.Type, s.Data["part"] = corev1.SecretTypeOpaque, []byte("x") },
		"immutable":       func(s *corev1.Secret) { s.Immutable, s.Data["part"] = ptr.To(true), []byte("x") },
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			damage{secret: inventory, change: change}.inflict(t, r.Namespace)
			found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
			if err != nil {
				t.Fatal(err)
			}
			found.Inventory = entries(3)
			if err := store.UpdateInventory(t.Context(), found); err != nil {
				t.Fatal(err)
			}
			diff(t, "the inventory", entries(3), get(t, store, r).Inventory)
		})
	}
}

// An inventory that is made anew is this run's own also where an answer was lost; and another's where another has written.
func replacedInventorySurvivesALostAnswer(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		secret, method string
		others         bool
	}{
		"that a part was made":             {secret: inventory, method: http.MethodPost},
		"that the head leads there":        {secret: head, method: http.MethodPatch},
		"and another has written a status": {secret: head, method: http.MethodPatch, others: true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			r := example(clustertest.Namespace(t), 2)
			create(t, newStore(t, "run1"), r)
			damages()["an inventory part is missing"].inflict(t, r.Namespace)
			between := proxy.Start(t, clustertest.Config(t))
			store := newStoreThrough(t, between, "run2")
			found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
			if err != nil {
				t.Fatal(err)
			}
			write := func() {
				theirs, err := newStore(t, "run3").Salvage(t.Context(), r.Namespace, r.Name, 2)
				if err == nil && test.others {
					err = newStore(t, "run3").UpdateStatus(t.Context(), theirs)
				}
				if err != nil {
					t.Error(err)
				}
			}
			between.Intercept((&trouble{lost: once(test.method, test.secret), acted: true, after: write}).intercept)
			// It needs another part, so that the head changes.
			found.Inventory = entries(600)
			err = store.UpdateInventory(t.Context(), found)
			if test.others != errors.Is(err, storage.ErrConflict) || err != nil && !test.others {
				t.Fatalf("it answers: %v", err)
			}
			if test.others {
				return
			}
			diff(t, "the inventory", entries(600), get(t, store, r).Inventory)
			if err := store.UpdateStatus(t.Context(), found); err != nil {
				t.Errorf("the status cannot be written then: %v", err)
			}
		})
	}
}

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
