package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestARevisionComesBackAsItWasCreated(t *testing.T) {
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

func TestAHistoryIsSortedAndHasWhatListsShow(t *testing.T) {
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

// listed is what lists show of releases.
func listed(history release.History) release.History {
	short := make(release.History, len(history))
	for i, r := range history {
		shown := release.New(r.Name, r.Namespace, r.Spec.Revision)
		shown.ObjectMeta, shown.Spec = r.ObjectMeta, r.Spec
		shown.Status = release.Status{
			Phase: r.Status.Phase, Operation: r.Status.Operation, Message: r.Status.Message, FinishedAt: r.Status.FinishedAt,
		}
		if shown.Status.FinishedAt == nil {
			shown.Status.StartedAt = r.Status.StartedAt
		}
		short[i] = shown
	}
	return short
}

func TestAListHasTheNewestRevisionOfEachRelease(t *testing.T) {
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

// inPhase is an example of that name.
func inPhase(namespace, name string, revision int, phase release.Phase) *release.Release {
	r := example(namespace, revision)
	r.Name, r.Status.Phase = name, phase
	return r
}

func TestASelectorOfNothingListsNothing(t *testing.T) {
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

func TestAStatusIsUpdatedAlone(t *testing.T) {
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

func TestAStaleStatusIsRefused(t *testing.T) {
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
func TestAStatusOfAnotherRunIsNotTakenForAnOwnOne(t *testing.T) {
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

func TestAStaleInventoryIsRefused(t *testing.T) {
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

// What somebody has written meanwhile is not superseded unseen.
func TestAStaleRevisionIsNotSuperseded(t *testing.T) {
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

func TestWhatIsNotThereIsNotFound(t *testing.T) {
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

// newStore returns a store for a run of that name.
func newStore(t *testing.T, run string) *storage.Secrets {
	t.Helper()
	store, err := storage.NewSecrets(clustertest.Config(t), run)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func create(t *testing.T, store *storage.Secrets, r *release.Release) {
	t.Helper()
	if err := store.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// get reads the revision that r is.
func get(t *testing.T, store *storage.Secrets, r *release.Release) *release.Release {
	t.Helper()
	found, err := store.Get(t.Context(), r.Namespace, r.Name, r.Spec.Revision)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func diff(t *testing.T, what string, want, got any, options ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// client reaches the Secrets of a namespace past the store.
func client(t *testing.T, namespace string) corev1client.SecretInterface {
	t.Helper()
	core, err := corev1client.NewForConfig(clustertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	return core.Secrets(namespace)
}

// secrets are all Secrets of a namespace by name.
func secrets(t *testing.T, namespace string) map[string]corev1.Secret {
	t.Helper()
	found, err := client(t, namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]corev1.Secret{}
	for _, secret := range found.Items {
		byName[secret.Name] = secret
	}
	return byName
}

// example is a release shop with something of everything that is recorded.
func example(namespace string, revision int) *release.Release {
	started := metav1.NewTime(time.Date(2026, 3, 1, 10, 0, revision, 0, time.UTC))
	finished := metav1.NewTime(started.Add(4 * time.Minute))
	r := release.New("shop", namespace, revision)
	r.Spec.Pack = release.Pack{Name: "shop", Version: "1.2.0", AppVersion: "v2 (beta)"}
	r.Spec.FromRevision, r.Spec.Description = revision-1, "for Ann: <&> ü\n\ttwo lines \x1b[31m"
	r.Content = release.Content{
		Manifest: "---\n# Source: templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"<&> \\u2028 ü\\n\"}\n",
		Values: map[string]any{
			"replicas": int64(3), "ratio": 0.5, "big": 1e300, "on": true, "none": nil, "text": "<&>\u2028ü\n",
			"nested": map[string]any{"list": []any{int64(1), "a", map[string]any{"b": int64(1000000)}}, "Nested": map[string]any{}},
		},
		Merged: map[string]any{"replicas": int64(3), "id": int64(9007199254740993), "empty": map[string]any{}},
		Notes:  "Thank you.\n",
		Pack:   pack.Metadata{Name: "shop", Version: "1.2.0", Links: pack.Links{Home: "https://example.com"}, Annotations: map[string]string{"a": "b"}},
	}
	r.Inventory = entries(2)
	r.Status = release.Status{
		Phase: release.Failed, Operation: "install", Message: "hook pre-install/migrate failed", StartedAt: &started, FinishedAt: &finished,
		Hooks: []release.Hook{{
			Title: "pre-install/migrate", Phase: "pre-install", APIVersion: "batch/v1", Kind: "Job", Namespace: namespace, Name: "shop-migrate",
			Weight: -5, UID: "1-2", State: release.HookFailed, Reason: "Error", Message: "exited with code 3", ExitCode: ptr.To[int32](3), Signal: 9,
			Container: "migrate", Attempts: 2, StartedAt: &started, FinishedAt: &finished, LogTail: "\x1b[31mfatal\n", FromRevision: 4, Hash: "abc",
		}},
	}
	r.SetCondition(finished)
	return r
}

// entries are inventory entries that are much alike.
func entries(count int) []release.Entry {
	list := make([]release.Entry, count)
	for i := range list {
		list[i] = release.Entry{
			Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "web", Name: fmt.Sprintf("web-%d", i), UID: "1-2-3",
			Role: release.HookRun, Phases: []string{"pre-install", "test"}, Origin: release.Adopted, Keep: true, Hash: "0123", Generation: 3, ResourceVersion: "42",
		}
	}
	return list
}
