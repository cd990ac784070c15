package storage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
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
	t.Run("it has room for all the changes that a record has", statusHasRoomForChanges)
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

// An uninstallation that has deleted nothing yet has the changes of the operation before it besides its own.
func statusHasRoomForChanges(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
	create(t, store, r)
	r.Status.Changes = nil
	for _, result := range []release.ChangeResult{
		release.ChangeCreated, release.ChangeConfigured, release.ChangeRecreated, release.ChangeAdopted, release.ChangePruned, release.ChangeDeleted,
		release.ChangeGivenBack, release.ChangeHandedOver,
	} {
		for number := range 3000 {
			r.Status.Changes.Add(result, kinds.Key{Kind: "ConfigMap", Namespace: "web", Name: fmt.Sprintf("%s-%d", strings.ReplaceAll(string(result), " ", "-"), number)})
		}
	}
	r.Status.Remember()
	if err := store.UpdateStatus(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	found := get(t, newStore(t, "run2"), r)
	diff(t, "the changes", r.Status.Changes, found.Status.Changes)
	diff(t, "those before", r.Status.Before.Changes, found.Status.Before.Changes)
}

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
