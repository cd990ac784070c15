package storage_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestParts(t *testing.T) {
	t.Parallel()
	t.Run("a large manifest is split", aLargeManifestIsSplit)
	t.Run("inventories of all sizes", inventoriesOfAllSizes)
	t.Run("an entry has no more metadata than fits", anEntryHasNoMoreMetadataThanFits)
	t.Run("an entry in two parts counts once", anEntryInTwoPartsCountsOnce)
}

// maxPart is the most one Secret may hold, in bytes.
const maxPart = 700 << 10

func aLargeManifestIsSplit(t *testing.T) {
	t.Parallel()
	r := example(clustertest.Namespace(t), 2)
	r.Content.Manifest = incompressible(t, 3<<20)
	create(t, newStore(t, "run1"), r)
	found := get(t, newStore(t, "run2"), r)
	if found.Content.Manifest != r.Content.Manifest {
		t.Errorf("the manifest has %d bytes, want %d, and is another", len(found.Content.Manifest), len(r.Content.Manifest))
	}
	found.Content.Manifest = r.Content.Manifest
	diff(t, "the rest", r, found)
	// Five parts of 700 KiB.
	checkParts(t, r.Namespace, "payload", 5)
}

func inventoriesOfAllSizes(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct{ entries, parts int }{
		"none":             {entries: 0, parts: 1},
		"one":              {entries: 1, parts: 1},
		"a full part":      {entries: 500, parts: 1},
		"one more":         {entries: 501, parts: 2},
		"three thousand":   {entries: 3000, parts: 6},
		"and one for luck": {entries: 3001, parts: 7},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			r.Inventory = longEntries(t, test.entries)
			create(t, store, r)
			checkParts(t, r.Namespace, "inventory", test.parts)
			checkInventory(t, r)
			for i := range r.Inventory {
				r.Inventory[i].UID, r.Inventory[i].Origin = "", ""
			}
			if err := store.UpdateInventory(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			checkParts(t, r.Namespace, "inventory", test.parts)
			checkInventory(t, r)
		})
	}
}

// longEntries are different inventory entries with the longest names there are, in which little repeats.
func longEntries(t *testing.T, count int) []release.Entry {
	t.Helper()
	const name, group = 253, 253
	const keys = 8
	noise := incompressible(t, count*(name+group))
	key := func(i, number int) string {
		return noise[(i*keys+number)*63%(len(noise)-63):][:63]
	}
	list := make([]release.Entry, count)
	for i := range list {
		list[i] = release.Entry{
			Group: noise[i*name:][:group], Version: "v1alpha1", Kind: fmt.Sprintf("Kind%059d", i), Namespace: fmt.Sprintf("namespace-%053d", i),
			Name: noise[(count+i)*name:][:name], UID: types.UID(fmt.Sprintf("123e4567-e89b-12d3-a456-%012d", i)), Role: release.HookRun,
			Phases: []string{"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-rollback", "post-rollback", "pre-delete", "post-delete", "test"},
			Origin: release.Created, Keep: true, Hash: noise[i:][:64], Generation: 1 << 62, ResourceVersion: "18446744073709551615",
			AppliedAs: release.Regular, Recreate: true, Provisional: true, Returning: true,
			Metadata: &release.Metadata{
				Hash: noise[i+64:][:32], Labels: []string{key(i, 0), key(i, 1), key(i, 2), key(i, 3)},
				Annotations: []string{key(i, 4), key(i, 5), key(i, 6), key(i, 7)}, Helm: "n/" + noise[i+100:][:53],
			},
		}
	}
	return list
}

// However much others add to objects, a part stays below what a Secret may hold.
func anEntryHasNoMoreMetadataThanFits(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	r.Inventory = entries(500)
	noise := incompressible(t, len(r.Inventory)*2000)
	for i := range r.Inventory {
		r.Inventory[i].Metadata = &release.Metadata{Hash: "1", Labels: []string{noise[i*2000:][:1900]}}
	}
	few := &release.Metadata{Hash: "2", Annotations: []string{"sidecar.example.com/injected"}}
	r.Inventory[7].Metadata = few
	create(t, store, r)
	checkParts(t, r.Namespace, "inventory", 1)
	found := get(t, store, r)
	diff(t, "what is short", few, found.Inventory[7].Metadata)
	if found.Inventory[8].Metadata != nil {
		t.Error("what is too long is stored")
	}
	if r.Inventory[8].Metadata == nil {
		t.Error("the release itself was changed")
	}
}

func anEntryInTwoPartsCountsOnce(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	r.Inventory = entries(501)
	create(t, store, r)
	// An update that ends after its first part: the last entry has moved there, and changed.
	moved := *r
	moved.Inventory = append([]release.Entry{}, r.Inventory[1:]...)
	moved.Inventory[499].Hash = "newer"
	moved.Record.Inventory = moved.Record.Inventory[:1]
	if err := store.UpdateInventory(t.Context(), &moved); err != nil {
		t.Fatal(err)
	}
	checkInventory(t, &moved)
}
