package storage_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestGet(t *testing.T) {
	t.Parallel()
	t.Run("a damaged record says what is wrong", aDamagedRecordSaysWhatIsWrong)
	t.Run("a record that is being dropped is not damaged", aRecordThatIsBeingDroppedIsNotDamaged)
	t.Run("what is not there is not found", whatIsNotThereIsNotFound)
}

func aDamagedRecordSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for title, test := range damages() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			test.inflict(t, r.Namespace)
			_, err := store.Get(t.Context(), r.Namespace, r.Name, 2)
			test.check(t, "get", err)
			if !strings.Contains(err.Error(), r.Namespace+"/shop revision 2") {
				t.Errorf("%v: does not name the revision", err)
			}
			_, err = store.List(t.Context(), r.Namespace, nil)
			if test.unlisted {
				test.check(t, "list", err)
			} else if err != nil {
				t.Errorf("list answers: %v", err)
			}
			if err := store.Drop(t.Context(), r.Namespace, r.Name); err != nil {
				t.Fatal(err)
			}
			if left := secrets(t, r.Namespace); len(left) != 0 {
				t.Errorf("after it was dropped there still are %d Secrets", len(left))
			}
		})
	}
}

// A reader that meets a record which is just being dropped does not call it damaged.
func aRecordThatIsBeingDroppedIsNotDamaged(t *testing.T) {
	t.Parallel()
	for title, again := range map[string]bool{"dropped": false, "dropped and made anew": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			between := proxy.Start(t, clustertest.Config(t))
			var once sync.Once
			between.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
				if request.URL.Query().Get("labelSelector") != "" {
					// The head was read, and its parts are asked for.
					once.Do(func() {
						if err := store.Drop(t.Context(), r.Namespace, r.Name); err != nil {
							t.Error(err)
						}
						if again {
							create(t, newStore(t, "run2"), example(r.Namespace, 2))
						}
					})
				}
				return upstream.RoundTrip(request)
			})
			found, err := newStoreThrough(t, between, "run3").Get(t.Context(), r.Namespace, r.Name, 2)
			switch {
			case !again && !errors.Is(err, storage.ErrNotFound):
				t.Errorf("it answers: %v", err)
			case again && err != nil:
				t.Errorf("it answers: %v", err)
			case again && found.Record.Run != "run2":
				t.Errorf("it reads what %s has written", found.Record.Run)
			}
		})
	}
}

func whatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
	if _, err := store.Get(t.Context(), r.Namespace, r.Name, 1); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("get answers: %v", err)
	}
	if err := store.UpdateStatus(t.Context(), r); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an update of the status answers: %v", err)
	}
	r.Record = release.Record{Run: "run1", Inventory: []string{"1"}}
	if err := store.UpdateInventory(t.Context(), r); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an update of the inventory answers: %v", err)
	}
	if err := store.Drop(t.Context(), r.Namespace, r.Name); err != nil {
		t.Errorf("drop answers: %v", err)
	}
}

func TestSalvage(t *testing.T) {
	t.Parallel()
	t.Run("of a damaged record the rest is read", ofADamagedRecordTheRestIsRead)
	t.Run("what is left of an inventory is read", whatIsLeftOfAnInventoryIsRead)
	t.Run("an entry that leads elsewhere is damage", anEntryThatLeadsElsewhereIsDamage)
	t.Run("a head that lost its run keeps its parts", aHeadThatLostItsRunKeepsItsParts)
	t.Run("a run is not guessed", aRunIsNotGuessed)
	t.Run("a newer format is not salvaged", aNewerFormatIsNotSalvaged)
}

func ofADamagedRecordTheRestIsRead(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"a payload part is missing":        "content",
		"an inventory part is missing":     "inventory",
		"a part lost a label":              "inventory",
		"the payload was edited":           "content",
		"the checksum was edited":          "content",
		"the inventory was edited":         "inventory",
		"more parts are expected":          "inventory",
		"the number of parts is negative":  "inventory",
		"the status is garbage":            "status",
		"the status is gone":               "status",
		"the head has no format version":   "head",
		"the head has no version":          "head",
		"the head has another version":     "head",
		"the head has no status":           "head",
		"the status is none that is known": "head",
		"the head does not name its run":   "head",
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			r.Status.Phase = release.Deployed
			create(t, store, r)
			damages()[title].inflict(t, r.Namespace)
			found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
			if err != nil {
				t.Fatal(err)
			}
			if got := lost(found.Record.Damage); got != want {
				t.Errorf("lost is %q: %+v", got, found.Record.Damage)
			}
			if !errors.Is(found.Record.Damage.Err(), storage.ErrDamaged) {
				t.Errorf("the damage is %v", found.Record.Damage.Err())
			}
			if !strings.Contains(want, "content") {
				diff(t, "the content", r.Content, found.Content)
			}
			if title != "a part lost a label" && title != "an inventory part is missing" && title != "the inventory was edited" {
				diff(t, "the inventory", r.Inventory, found.Inventory)
			}
			if want != "status" {
				diff(t, "the hooks", r.Status.Hooks, found.Status.Hooks)
			}
			if found.Spec.Revision != 2 || found.Status.Phase != release.Deployed {
				t.Errorf("revision %d is %s", found.Spec.Revision, found.Status.Phase)
			}
		})
	}
}

// Of an inventory in several parts one is enough to find what is in it.
func whatIsLeftOfAnInventoryIsRead(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	r.Inventory = entries(1200)
	create(t, store, r)
	damage{secret: strings.TrimSuffix(inventory, "0") + "1"}.inflict(t, r.Namespace)
	found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "the inventory", slices.Concat(r.Inventory[:500], r.Inventory[1000:]), found.Inventory)
}

// An entry that would lead a request elsewhere is left out.
func anEntryThatLeadsElsewhereIsDamage(t *testing.T) {
	t.Parallel()
	for _, hostile := range []release.Entry{
		{Version: "v1", Kind: "ConfigMap", Namespace: "web", Name: ".."},
		{Version: "v1", Kind: "ConfigMap", Namespace: "a/b", Name: "a"},
	} {
		store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
		r.Inventory = append(entries(1), hostile)
		create(t, store, r)
		if _, err := store.Get(t.Context(), r.Namespace, r.Name, 2); !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), "may not") {
			t.Errorf("get answers: %v", err)
		}
		found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "the inventory", entries(1), found.Inventory)
	}
}

// A head that lost its run finds its parts by their names, also after it was led to parts that were made anew.
func aHeadThatLostItsRunKeepsItsParts(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	r.Former = []release.Former{former("a", `{}`)}
	create(t, store, r)
	damages()["the head does not name its run"].inflict(t, r.Namespace)
	damages()["an inventory part is missing"].inflict(t, r.Namespace)
	other := newStore(t, "run2")
	found, err := other.Salvage(t.Context(), r.Namespace, r.Name, 2)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "what is lost", "head inventory", lost(found.Record.Damage))
	found.Inventory = entries(3)
	if err := other.UpdateInventory(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	got := get(t, store, r)
	diff(t, "the content", r.Content, got.Content)
	diff(t, "what objects were", r.Former, got.Former)
	diff(t, "the inventory", entries(3), got.Inventory)
}

// Where the parts of two runs are there nobody knows which of them count.
func aRunIsNotGuessed(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	create(t, store, r)
	part := secrets(t, r.Namespace)[payload]
	part.Name, part.ResourceVersion = strings.Replace(payload, "run1", "run2", 1), ""
	if _, err := client(t, r.Namespace).Create(t.Context(), &part, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	damages()["the head does not name its run"].inflict(t, r.Namespace)
	found, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "what is lost", "head content inventory", lost(found.Record.Damage))
}

// What a newer version wrote is never taken for damage.
func aNewerFormatIsNotSalvaged(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"the head is of a newer version", "the payload is of a newer version", "the inventory is of a newer version"} {
		store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
		create(t, store, r)
		damage := damages()[title]
		damage.inflict(t, r.Namespace)
		_, err := store.Salvage(t.Context(), r.Namespace, r.Name, 2)
		damage.check(t, "salvage", err)
	}
}
