package storage_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

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
