package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	t.Run("a revision comes back as it was created", aRevisionComesBackAsItWasCreated)
	t.Run("the head is written last", theHeadIsWrittenLast)
	t.Run("it survives a lost request", creationSurvivesALostRequest)
	t.Run("a lost answer does not hide another's revision", aLostAnswerDoesNotHideAnothersRevision)
	t.Run("one that fails leaves all or nothing", failedCreationLeavesAllOrNothing)
	t.Run("one that is interrupted leaves nothing", interruptedCreationLeavesNothing)
	t.Run("what a run left of a revision goes when another records it", whatARunLeftOfARevisionGoesWhenAnotherRecordsIt)
	t.Run("a head keeps its parts when the network goes", aHeadKeepsItsPartsWhenTheNetworkGoes)
	t.Run("a revision is created once", aRevisionIsCreatedOnce)
	t.Run("it is not created over one that is not listed", revisionIsNotCreatedOverUnlisted)
	t.Run("what is refused says why", refusedRecordSaysWhy)
}

func aRevisionComesBackAsItWasCreated(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*release.Release){
		"all that can be recorded":     func(*release.Release) {},
		"no values":                    func(r *release.Release) { r.Content.Values = nil },
		"nothing but a name":           func(r *release.Release) { *r = *release.New(r.Name, r.Namespace, 7); r.Status.Phase = release.Failed },
		"a whole number beyond 2^53":   func(r *release.Release) { r.Content.Values = map[string]any{"id": int64(9007199254740993)} },
		"nothing said about it":        func(r *release.Release) { r.Spec.Description = "" },
		"a long message":               func(r *release.Release) { r.Status.Message = strings.Repeat("ü", 2000) },
		"what was read from elsewhere": func(r *release.Release) { r.Record = release.Record{Run: "other", Inventory: []string{"1", "2", "3"}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := clustertest.Namespace(t)
			written := example(namespace, 1)
			change(written)
			create(t, newStore(t, "run1"), written)
			if written.UID == "" || written.ResourceVersion == "" || written.CreationTimestamp.IsZero() {
				t.Errorf("after it was created its metadata is %+v", written.ObjectMeta)
			}
			diff(t, "what is read", written, get(t, newStore(t, "run2"), written))
		})
	}
}

func theHeadIsWrittenLast(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	network := &trouble{lost: func(string, string) bool { return false }}
	between.Intercept(network.intercept)
	r := example(clustertest.Namespace(t), 2)
	r.Content.Manifest, r.Inventory = incompressible(t, 1<<20), entries(501)
	create(t, newStoreThrough(t, between, "run1"), r)
	want := []string{
		"POST " + payload, "POST " + strings.TrimSuffix(payload, "0") + "1",
		"POST " + inventory, "POST " + strings.TrimSuffix(inventory, "0") + "1", "POST " + head,
	}
	// What others have left of the revision is looked for at the same time.
	writes := slices.DeleteFunc(slices.Clone(network.seen), func(request string) bool { return request == "GET secrets" })
	if len(writes) != len(network.seen)-1 {
		t.Errorf("the requests are %v", network.seen)
	}
	diff(t, "the first and the last write", []string{want[0], want[len(want)-1]}, []string{writes[0], writes[len(writes)-1]})
	slices.Sort(want)
	diff(t, "the writes", want, slices.Sorted(slices.Values(writes)))
}

func creationSurvivesALostRequest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{payload, inventory, head} {
		for _, acted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, carried out %v", name, acted), func(t *testing.T) {
				t.Parallel()
				between := proxy.Start(t, clustertest.Config(t))
				between.Intercept((&trouble{lost: once(http.MethodPost, name), acted: acted}).intercept)
				r := example(clustertest.Namespace(t), 2)
				create(t, newStoreThrough(t, between, "run1"), r)
				diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
			})
		}
	}
}

func aLostAnswerDoesNotHideAnothersRevision(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	r := example(clustertest.Namespace(t), 2)
	theirs := example(r.Namespace, 2)
	write := func() { create(t, newStore(t, "run2"), theirs) }
	between.Intercept((&trouble{lost: once(http.MethodPost, head), after: write}).intercept)
	if err := newStoreThrough(t, between, "run1").Create(t.Context(), r); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("it answers: %v", err)
	}
	if left := secrets(t, r.Namespace); len(left) != 3 {
		t.Errorf("there are %d Secrets", len(left))
	}
	diff(t, "what is read", theirs, get(t, newStore(t, "run3"), r))
}

func failedCreationLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{payload, inventory, head} {
		for _, acted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, carried out %v", name, acted), func(t *testing.T) {
				t.Parallel()
				between := proxy.Start(t, clustertest.Config(t))
				between.Intercept((&trouble{lost: once(http.MethodPost, name), acted: acted, refused: true}).intercept)
				r := example(clustertest.Namespace(t), 2)
				err := newStoreThrough(t, between, "run1").Create(t.Context(), r)
				if name == head && acted {
					if err != nil {
						t.Errorf("it is there, but: %v", err)
					}
					diff(t, "what is read", r, get(t, newStore(t, "run2"), r))
					return
				}
				if err == nil {
					t.Error("it was not found, but there is no error")
				}
				if left := secrets(t, r.Namespace); len(left) != 0 {
					t.Errorf("there still are %d Secrets", len(left))
				}
			})
		}
	}
}

// Whoever does not want to wait until all parts are written gets none.
func interruptedCreationLeavesNothing(t *testing.T) {
	t.Parallel()
	for title, acted := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			between := proxy.Start(t, clustertest.Config(t))
			ctx, giveUp := context.WithCancel(t.Context())
			between.Intercept((&trouble{lost: once(http.MethodPost, inventory), acted: acted, after: giveUp}).intercept)
			r := example(clustertest.Namespace(t), 2)
			// The client sees that the caller gave up, or that the connection broke, whichever comes first.
			if err := newStoreThrough(t, between, "run1").Create(ctx, r); !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
				t.Errorf("it answers: %v", err)
			}
			if left := secrets(t, r.Namespace); len(left) != 0 {
				t.Errorf("there still are %d Secrets", len(left))
			}
		})
	}
}

// A run that is killed between the parts and the head cannot take the parts away; the next that records the revision does.
func whatARunLeftOfARevisionGoesWhenAnotherRecordsIt(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	create(t, newStore(t, "run1"), example(namespace, 1))
	create(t, newStore(t, "run2"), example(namespace, 2))
	if err := client(t, namespace).Delete(t.Context(), head, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	theirs, err := client(t, namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Name: "theirs", Labels: map[string]string{"owner": "sherpack", "name": "shop", "version": "2", "part": "payload-0", "run": "run2"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := example(namespace, 2)
	create(t, newStore(t, "run3"), r)
	runs := map[string]int{}
	for _, secret := range secrets(t, namespace) {
		if secret.Name != theirs.Name {
			runs[secret.Labels["version"]+" "+secret.Labels["run"]]++
		}
	}
	if diff := cmp.Diff(map[string]int{"1 run1": 3, "2 run3": 3}, runs); diff != "" {
		t.Errorf("there are Secrets of (-want +got):\n%s", diff)
	}
	if got := len(secrets(t, namespace)); got != 7 {
		t.Errorf("there are %d Secrets: what only has the labels is somebody else's", got)
	}
	diff(t, "what is read", r, get(t, newStore(t, "run4"), r))
}

func aHeadKeepsItsPartsWhenTheNetworkGoes(t *testing.T) {
	t.Parallel()
	between := proxy.Start(t, clustertest.Config(t))
	gone := false
	ctx, giveUp := context.WithCancel(t.Context())
	network := &trouble{acted: true, after: giveUp, lost: func(method, name string) bool {
		gone = gone || method == http.MethodPost && name == head
		return gone
	}}
	between.Intercept(network.intercept)
	r := example(clustertest.Namespace(t), 2)
	if err := newStoreThrough(t, between, "run1").Create(ctx, r); err == nil {
		t.Error("there is no error")
	}
	found := get(t, newStore(t, "run2"), r)
	diff(t, "the content", r.Content, found.Content)
	diff(t, "the inventory", r.Inventory, found.Inventory)
}

func aRevisionIsCreatedOnce(t *testing.T) {
	t.Parallel()
	for title, run := range map[string]string{"by another run": "run2", "by the same run": "run1"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			first := example(clustertest.Namespace(t), 2)
			create(t, newStore(t, "run1"), first)
			before := secrets(t, first.Namespace)

			second := example(first.Namespace, 2)
			second.Content.Manifest, second.Inventory = incompressible(t, 1<<20), entries(501)
			if err := newStore(t, run).Create(t.Context(), second); !errors.Is(err, storage.ErrConflict) {
				t.Errorf("the second answers: %v", err)
			}
			diff(t, "the Secrets", before, secrets(t, first.Namespace))
			diff(t, "what is read", first, get(t, newStore(t, "run3"), first))
		})
	}
}

// A revision that no list finds is not told as another command's.
func revisionIsNotCreatedOverUnlisted(t *testing.T) {
	t.Parallel()
	whereUnlisted(t, func(t *testing.T, _ *storage.Secrets, r *release.Release) {
		t.Helper()
		checkUnlisted(t, r.Namespace, newStore(t, "run2").Create(t.Context(), example(r.Namespace, 2)))
	})
}

// What the API server refuses is told as it says it.
func refusedRecordSaysWhy(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	store, err := storage.NewSecrets(limited(t, namespace, "get"), "run1")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), example(namespace, 1)); err == nil || !strings.Contains(err.Error(), `cannot create resource "secrets"`) {
		t.Errorf("the error is %v", err)
	}
}
