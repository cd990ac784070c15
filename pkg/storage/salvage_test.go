package storage_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

// lost says which parts of a record cannot be read.
func lost(d release.Damage) string {
	var parts []string
	for _, part := range []struct {
		name string
		err  error
	}{{"head", d.Head}, {"status", d.Status}, {"content", d.Content}, {"inventory", d.Inventory}} {
		if part.err != nil {
			parts = append(parts, part.name)
		}
	}
	return strings.Join(parts, " ")
}

func TestOfADamagedRecordTheRestIsRead(t *testing.T) {
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

// What a newer version wrote is never taken for damage.
func TestANewerFormatIsNotSalvaged(t *testing.T) {
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

// Of an inventory in several parts one is enough to find what is in it.
func TestWhatIsLeftOfAnInventoryIsRead(t *testing.T) {
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
func TestAnEntryThatLeadsElsewhereIsDamage(t *testing.T) {
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

func TestAHistoryGetsPastHeadsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, title := range []string{"the head has no format version", "the head has no version", "the head has another version", "the head has no status"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
			for revision := range 3 {
				create(t, store, example(namespace, revision+1))
			}
			damages()[title].inflict(t, namespace)
			history, err := store.History(t.Context(), namespace, "shop")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range history {
				got = append(got, fmt.Sprintf("%d %s", r.Spec.Revision, lost(r.Record.Damage)))
			}
			diff(t, "the history", []string{"1 ", "2 head", "3 "}, got)
			// It is kept when another revision is forgotten, and goes with the release.
			if err := store.Forget(t.Context(), history[2]); err != nil {
				t.Fatal(err)
			}
			if _, there := secrets(t, namespace)[head]; !there {
				t.Error("the damaged head is gone")
			}
			if err := store.Drop(t.Context(), namespace, "shop"); err != nil {
				t.Fatal(err)
			}
			if left := secrets(t, namespace); len(left) > 0 {
				t.Errorf("%d Secrets are left", len(left))
			}
		})
	}
}

// A head whose label says nothing of its phase is asked itself: a release that is deployed must not pass for one that never
// was, nor one that is uninstalled for one that is there.
func TestAHistoryFindsPhasesWithoutTheirLabels(t *testing.T) {
	t.Parallel()
	unreadable := func(change func(*corev1.Secret)) func(*corev1.Secret) {
		return func(s *corev1.Secret) {
			change(s)
			s.Data["status"] = []byte("{")
		}
	}
	lose, spoil := damages()["the head has no status"].change, damages()["the status is none that is known"].change
	for title, test := range map[string]struct {
		phase, want release.Phase
		change      func(*corev1.Secret)
		ever        bool
	}{
		"lost, of one that is deployed":           {release.Deployed, release.Deployed, lose, true},
		"unknown, of one that is deployed":        {release.Deployed, release.Deployed, spoil, true},
		"lost, of one that has failed":            {release.Failed, release.Failed, lose, false},
		"unknown, of one that is uninstalled":     {release.Uninstalled, release.Uninstalled, spoil, false},
		"lost, of one whose status is lost, too":  {release.Deployed, "", unreadable(lose), true},
		"unknown, and the status is unknown, too": {release.Failed, "", unreadable(spoil), true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			r.Status.Phase = test.phase
			create(t, store, r)
			damage{secret: head, change: test.change}.inflict(t, r.Namespace)
			history, err := store.History(t.Context(), r.Namespace, r.Name)
			if err != nil || len(history) != 1 {
				t.Fatalf("the history is %v, error %v", history, err)
			}
			if !errors.Is(history[0].Record.Damage.Head, storage.ErrDamaged) {
				t.Errorf("the damage is %v", history[0].Record.Damage.Head)
			}
			diff(t, "the phase", test.want, history[0].Status.Phase)
			if test.want != "" {
				diff(t, "when it finished", r.Status.FinishedAt, history[0].Status.FinishedAt)
			}
			if got := history.EverDeployed(); got != test.ever {
				t.Errorf("it was ever deployed: %v", got)
			}
		})
	}
}

// A status that is written puts in order again what can be told of a damaged head.
func TestAStatusHealsItsHead(t *testing.T) {
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

// A head that lost its run finds its parts by their names, also after it was led to parts that were made anew.
func TestAHeadThatLostItsRunKeepsItsParts(t *testing.T) {
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
func TestAHeadThatLostItsRunIsNotGuessedTo(t *testing.T) {
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

// A reader that meets a record which is just being dropped does not call it damaged.
func TestARecordThatIsBeingDroppedIsNotDamaged(t *testing.T) {
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

// Somebody else's Secret that only has the labels is no revision.
func TestAHistoryLeavesOutWhatIsNoHead(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	create(t, store, r)
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "mine", Labels: map[string]string{"owner": "sherpack", "name": "shop", "version": "7", "status": "deployed"},
	}}
	if _, err := client(t, r.Namespace).Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	history, err := store.History(t.Context(), r.Namespace, r.Name)
	if err != nil || len(history) != 1 || history.NextRevision() != 3 {
		t.Errorf("the history is %v, error %v", history, err)
	}
}
