package storage_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
	"github.com/sherpack-io/kubectl-sherpack/test/proxy"
)

const (
	head      = "sh.sherpack.release.v1.shop.v2"
	payload   = head + ".payload-run1-0"
	inventory = head + ".inventory-run1-0"
)

func TestWhatIsStored(t *testing.T) {
	t.Parallel()
	namespace := clustertest.Namespace(t)
	create(t, newStore(t, "run1"), example(namespace, 2))
	stored := secrets(t, namespace)
	sum := sha256.Sum256(stored[payload].Data["part"])
	part := func(name, part string) corev1.Secret {
		return corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Name:        name,
				Labels:      map[string]string{"owner": "sherpack", "name": "shop", "version": "2", "run": "run1", "part": part},
				Annotations: map[string]string{"sherpack.io/format-version": "1"},
			},
			Data: map[string][]byte{"part": stored[name].Data["part"]},
		}
	}
	want := map[string]corev1.Secret{
		head: {
			ObjectMeta: metav1.ObjectMeta{
				Name:   head,
				Labels: map[string]string{"owner": "sherpack", "name": "shop", "version": "2", "status": "failed", "run": "run1"},
				Annotations: map[string]string{
					"sherpack.io/format-version": "1",
					"sherpack.io/pack":           "shop", "sherpack.io/pack-version": "1.2.0", "sherpack.io/app-version": "v2 (beta)",
					"sherpack.io/operation": "install", "sherpack.io/message": "hook pre-install/migrate failed",
					"sherpack.io/updated": "2026-03-01T10:04:02Z", "sherpack.io/from-revision": "1",
					"sherpack.io/description":   "for Ann: <&> ü\n\ttwo lines \x1b[31m",
					"sherpack.io/payload-parts": "1", "sherpack.io/payload-sha256": hex.EncodeToString(sum[:]), "sherpack.io/inventory-parts": "1",
				},
			},
			Type: "sherpack.io/release.v1",
			Data: map[string][]byte{"status": stored[head].Data["status"]},
		},
		payload:   part(payload, "payload-0"),
		inventory: part(inventory, "inventory-0"),
	}
	setType(want, payload, "sherpack.io/release-payload.v1", ptr.To(true))
	want[inventory].Annotations["sherpack.io/writer"] = "run1"
	setType(want, inventory, "sherpack.io/release-inventory.v1", nil)
	for name, secret := range stored {
		secret.ObjectMeta = metav1.ObjectMeta{Name: secret.Name, Labels: secret.Labels, Annotations: secret.Annotations}
		stored[name] = secret
	}
	diff(t, "the Secrets", want, stored)
}

func setType(secrets map[string]corev1.Secret, name string, kind corev1.SecretType, immutable *bool) {
	secret := secrets[name]
	secret.Type, secret.Immutable = kind, immutable
	secrets[name] = secret
}

func TestAHeadIsSmallWhateverThePayload(t *testing.T) {
	t.Parallel()
	r := example(clustertest.Namespace(t), 2)
	r.Content.Manifest = incompressible(t, 1<<20)
	r.Inventory = entries(1200)
	r.Status.Resources, r.Status.DeployedRevision = r.Shown(2).Status.Resources, 2
	create(t, newStore(t, "run1"), r)
	stored := secrets(t, r.Namespace)[head]
	content, err := json.Marshal(stored)
	if err != nil || len(content) > 8<<10 {
		t.Errorf("the head has %d bytes, error %v", len(content), err)
	}
	var status map[string]any
	if err := json.Unmarshal(stored.Data["status"], &status); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"resources", "deployedRevision"} {
		if _, found := status[key]; found {
			t.Errorf("the status has %s, which is only shown", key)
		}
	}
}

func TestALongMessageIsCutInTheAnnotationOnly(t *testing.T) {
	t.Parallel()
	r := example(clustertest.Namespace(t), 2)
	// The limit falls into a character.
	r.Status.Message = "a" + strings.Repeat("ü", 1000)
	create(t, newStore(t, "run1"), r)
	got := secrets(t, r.Namespace)[head].Annotations["sherpack.io/message"]
	if want := "a" + strings.Repeat("ü", 511); got != want {
		t.Errorf("the annotation has %d bytes: %q", len(got), got)
	}
	diff(t, "the message", r.Status.Message, get(t, newStore(t, "run2"), r).Status.Message)
}

func TestADescriptionIsCutAndMadeText(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"a" + strings.Repeat("ü", 1000): "a" + strings.Repeat("ü", 511),
		"a\xffb":                        "ab",
	} {
		store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
		r.Spec.Description = given
		create(t, store, r)
		diff(t, "the annotation", want, secrets(t, r.Namespace)[head].Annotations["sherpack.io/description"])
		diff(t, "what is read", want, get(t, store, r).Spec.Description)
	}
}

func TestADescriptionStaysWhenTheStatusChanges(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	create(t, store, r)
	r.Status.Phase, r.Status.Message = release.Deployed, ""
	if err := store.UpdateStatus(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := store.Supersede(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	history, err := store.History(t.Context(), r.Namespace, r.Name)
	if err != nil || len(history) != 1 {
		t.Fatalf("the history is %v, error %v", history, err)
	}
	diff(t, "the description", r.Spec.Description, history[0].Spec.Description)
}

func TestThePayloadCannotBeEdited(t *testing.T) {
	t.Parallel()
	r := example(clustertest.Namespace(t), 2)
	create(t, newStore(t, "run1"), r)
	secret := secrets(t, r.Namespace)[payload]
	secret.Data["part"] = []byte("other")
	if _, err := client(t, r.Namespace).Update(t.Context(), &secret, metav1.UpdateOptions{}); err == nil {
		t.Error("it was edited")
	}
}

func TestListsReadMetadataOnly(t *testing.T) {
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

func TestADropTakesHeadsFirstAndTheNewestOfThemLast(t *testing.T) {
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

func TestADropLeavesWhatIsNotOfTheRelease(t *testing.T) {
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

func TestEveryPhaseIsALabel(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	create(t, store, r)
	for _, phase := range []release.Phase{
		release.PendingInstall, release.PendingUpgrade, release.PendingRollback, release.Deployed,
		release.Superseded, release.Failed, release.Uninstalling, release.Uninstalled,
	} {
		r.Status.Phase = phase
		if err := store.UpdateStatus(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := secrets(t, r.Namespace)[head].Labels["status"]; got != string(phase) {
			t.Errorf("the label is %q, want %q", got, phase)
		}
	}
}
