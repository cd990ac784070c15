package storage_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

const (
	head      = "sh.sherpack.release.v1.shop.v2"
	payload   = head + ".payload-run1-0"
	inventory = head + ".inventory-run1-0"
)

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
	r.Spec.FromHelm = 7
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
		Phase: release.Failed, Operation: "install", Message: "hook pre-install/migrate failed", Cause: "pre-install/migrate: exit code 1", StartedAt: &started, FinishedAt: &finished,
		Hooks: []release.Hook{{
			Title: "pre-install/migrate", Phase: "pre-install", APIVersion: "batch/v1", Kind: "Job", Namespace: namespace, Name: "shop-migrate",
			Weight: -5, UID: "1-2", State: release.HookFailed, Reason: "Error", Message: "exited with code 3", ExitCode: ptr.To[int32](3), Signal: 9,
			Container: "migrate", Attempts: 2, StartedAt: &started, FinishedAt: &finished, LogTail: "\x1b[31mfatal\n", FromRevision: 4, Hash: "abc",
		}},
		Changes: release.Changes{
			{Result: release.ChangeGivenBack, Count: 3, Objects: []release.ObjectNames{
				{Kind: "ClusterRole", Group: "rbac.authorization.k8s.io", Names: []string{"system:shop"}}, {Kind: "ConfigMap", Namespace: namespace, Names: []string{"a"}},
			}},
			{Result: release.ChangeNone, Count: 7},
		},
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

// incompressible returns a text of that length in which nothing repeats.
func incompressible(t *testing.T, length int) string {
	t.Helper()
	random := make([]byte, length)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(random)[:length]
}

// checkParts checks how many parts of a kind there are, and that each is small enough.
func checkParts(t *testing.T, namespace, kind string, want int) {
	t.Helper()
	got := 0
	for name, secret := range secrets(t, namespace) {
		if !strings.HasPrefix(secret.Labels["part"], kind) {
			continue
		}
		got++
		if size := len(secret.Data["part"]); size > maxPart {
			t.Errorf("%s has %d bytes", name, size)
		}
	}
	if got != want {
		t.Errorf("%s has %d parts, want %d", kind, got, want)
	}
}

// checkInventory checks that the inventory of a revision is stored as it is.
func checkInventory(t *testing.T, r *release.Release) {
	t.Helper()
	found := get(t, newStore(t, "reader"), r)
	if len(found.Inventory) != len(r.Inventory) {
		t.Errorf("%d entries are read, want %d", len(found.Inventory), len(r.Inventory))
		return
	}
	for i := range r.Inventory {
		diff(t, fmt.Sprintf("entry %d", i), r.Inventory[i], found.Inventory[i])
	}
}

// listed is what lists show of releases.
func listed(history release.History) release.History {
	short := make(release.History, len(history))
	for i, r := range history {
		shown := release.New(r.Name, r.Namespace, r.Spec.Revision)
		shown.ObjectMeta, shown.Spec = r.ObjectMeta, r.Spec
		shown.Status = release.Status{
			Phase: r.Status.Phase, Operation: r.Status.Operation, Message: r.Status.Message, Cause: r.Status.Cause, FinishedAt: r.Status.FinishedAt,
		}
		if shown.Status.FinishedAt == nil {
			shown.Status.StartedAt = r.Status.StartedAt
		}
		short[i] = shown
	}
	return short
}

// inPhase is an example of that name.
func inPhase(namespace, name string, revision int, phase release.Phase) *release.Release {
	r := example(namespace, revision)
	r.Name, r.Status.Phase = name, phase
	return r
}
