package storage_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

func TestList(t *testing.T) {
	t.Parallel()
	t.Run("it has the newest revision of each release", listHasTheNewestRevisionOfEachRelease)
	t.Run("a selector of nothing lists nothing", aSelectorOfNothingListsNothing)
	t.Run("only metadata is read", listsReadMetadataOnly)
	t.Run("no older revision stands in for a damaged one", noOlderRevisionStandsInForADamagedOne)
	t.Run("a Secret that only looks like a head", aSecretThatOnlyLooksLikeAHead)
}

func listHasTheNewestRevisionOfEachRelease(t *testing.T) {
	t.Parallel()
	first, second, store := clustertest.Namespace(t), clustertest.Namespace(t), newStore(t, "run1")
	// The cluster has releases of other tests, which this name, unique like the namespace's, sets apart.
	name := "shop-" + first[len(first)-5:]
	var all []string
	for _, namespace := range slices.Sorted(slices.Values([]string{first, second})) {
		for revision, phase := range []release.Phase{release.Superseded, release.Deployed, release.Failed} {
			create(t, store, inPhase(namespace, name, revision+1, phase))
		}
		create(t, store, inPhase(namespace, name+"-2", 10, release.Deployed))
		create(t, store, inPhase(namespace, name+"-2", 9, release.Failed))
		all = append(all, fmt.Sprintf("%s/%s v3 failed", namespace, name), fmt.Sprintf("%s/%s-2 v10 deployed", namespace, name))
	}
	one := strings.Split(all[2], "/")[0]
	both := fmt.Sprintf("name in (%s,%s-2)", name, name)
	for title, test := range map[string]struct {
		namespace, selector string
		want                []string
	}{
		"all namespaces, by name":                   {selector: both, want: all},
		"all namespaces, by name and phase":         {selector: "status=deployed," + both, want: []string{all[1], all[3]}},
		"one namespace":                             {namespace: one, want: all[2:]},
		"one namespace, by a phase":                 {namespace: one, selector: "status=failed", want: all[2:3]},
		"one namespace, by what is not the phase":   {namespace: one, selector: "status!=failed", want: all[3:]},
		"one namespace, by version":                 {namespace: one, selector: "version=10", want: all[3:]},
		"a phase that only an older revision is in": {namespace: one, selector: "status=superseded"},
		"a version that is not the newest":          {namespace: one, selector: "version in (2,9)"},
		"nothing that is there":                     {selector: "name=none-" + name},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			var selector labels.Selector
			if test.selector != "" {
				var err error
				if selector, err = labels.Parse(test.selector); err != nil {
					t.Fatal(err)
				}
			}
			diff(t, "the list", test.want, list(t, store, test.namespace, selector), cmpopts.EquateEmpty())
		})
	}
}

func list(t *testing.T, store *storage.Secrets, namespace string, selector labels.Selector) []string {
	t.Helper()
	history, err := store.List(t.Context(), namespace, selector)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range history {
		lines = append(lines, fmt.Sprintf("%s/%s v%d %s", r.Namespace, r.Name, r.Spec.Revision, r.Status.Phase))
	}
	return lines
}

func aSelectorOfNothingListsNothing(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 1)
	create(t, store, r)
	if got := list(t, store, r.Namespace, labels.Nothing()); len(got) != 0 {
		t.Errorf("it lists %v", got)
	}
	if got := list(t, store, r.Namespace, labels.Everything()); len(got) != 1 {
		t.Errorf("a selector of everything lists %v", got)
	}
	absent, err := labels.NewRequirement("status", selection.DoesNotExist, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, store, r.Namespace, labels.NewSelector().Add(*absent)); len(got) != 0 {
		t.Errorf("a selector of parts lists %v", got)
	}
}

func listsReadMetadataOnly(t *testing.T) {
	t.Parallel()
	r := example(clustertest.Namespace(t), 2)
	create(t, newStore(t, "run1"), r)
	between := proxy.Start(t, clustertest.Config(t))
	var whole atomic.Int32
	between.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if !strings.Contains(request.Header.Get("Accept"), "as=PartialObjectMetadataList") {
			whole.Add(1)
		}
		return upstream.RoundTrip(request)
	})
	store := newStoreThrough(t, between, "run2")
	if _, err := store.List(t.Context(), r.Namespace, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := store.History(t.Context(), r.Namespace, r.Name); err != nil {
		t.Fatal(err)
	}
	if total := len(between.Requests()); total != 2 || whole.Load() != 0 {
		t.Errorf("%d requests, %d of them for whole objects", total, whole.Load())
	}
}

func noOlderRevisionStandsInForADamagedOne(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	create(t, store, example(namespace, 1))
	create(t, store, example(namespace, 2))
	create(t, store, inPhase(namespace, "other", 1, release.Deployed))
	newer := damages()["the head is of a newer version"]
	newer.inflict(t, namespace)
	found, err := store.List(t.Context(), namespace, nil)
	newer.check(t, "list", err)
	if len(found) != 1 || found[0].Name != "other" {
		t.Errorf("the list is %v", found)
	}
}

func aSecretThatOnlyLooksLikeAHead(t *testing.T) {
	t.Parallel()
	for title, test := range map[string]struct {
		labels map[string]string
		// listed says that lists take it for a head, and complain.
		listed bool
	}{
		"an owner alone":        {labels: map[string]string{}},
		"a name, and no status": {labels: map[string]string{"name": "shop"}},
		"a status":              {labels: map[string]string{"status": "ok"}, listed: true},
		"a version of its own":  {labels: map[string]string{"status": "ok", "name": "shop", "version": "v2"}, listed: true},
		"a copy of a head":      {labels: map[string]string{"status": "failed", "name": "shop", "version": "2"}, listed: true},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			test.labels["owner"] = "sherpack"
			foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
				Name: "mine", Labels: test.labels, Annotations: map[string]string{"sherpack.io/format-version": "1"},
			}}
			if _, err := client(t, r.Namespace).Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			history, err := store.List(t.Context(), r.Namespace, nil)
			if !test.listed {
				if err != nil || len(history) != 1 {
					t.Errorf("the list is %v, error %v", history, err)
				}
				return
			}
			if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), r.Namespace+"/mine") {
				t.Errorf("list answers: %v", err)
			}
			if len(history) != 1 || history[0].Name != r.Name {
				t.Errorf("the list is %v", history)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	t.Run("it is sorted and has what lists show", historyIsSortedAndHasWhatListsShow)
	t.Run("it gets past heads that cannot be read", historyGetsPastHeadsThatCannotBeRead)
	t.Run("it finds phases without their labels", historyFindsPhasesWithoutTheirLabels)
	t.Run("it leaves out what is no head", historyLeavesOutWhatIsNoHead)
}

func historyIsSortedAndHasWhatListsShow(t *testing.T) {
	t.Parallel()
	namespace, store := clustertest.Namespace(t), newStore(t, "run1")
	want := make(release.History, 11)
	for _, revision := range []int{10, 9, 1, 2, 11, 3, 4, 5, 6, 7, 8} {
		r := example(namespace, revision)
		if revision == 11 {
			r.Status.Phase, r.Status.FinishedAt = release.PendingUpgrade, nil
		}
		create(t, store, r)
		want[revision-1] = r
	}
	other := example(namespace, 1)
	other.Name = "shop-2"
	create(t, store, other)

	got, err := store.History(t.Context(), namespace, "shop")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "the history", listed(want), got)
	none, err := store.History(t.Context(), namespace, "sho")
	if err != nil || len(none) != 0 {
		t.Errorf("the history of a release that is not there is %v, error %v", none, err)
	}
}

func historyGetsPastHeadsThatCannotBeRead(t *testing.T) {
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
func historyFindsPhasesWithoutTheirLabels(t *testing.T) {
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

// Somebody else's Secret that only has the labels is no revision.
func historyLeavesOutWhatIsNoHead(t *testing.T) {
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
