package storage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestHead(t *testing.T) {
	t.Parallel()
	t.Run("it is small whatever the payload", headIsSmallWhateverThePayload)
	t.Run("every phase is a label", everyPhaseIsALabel)
	t.Run("a long message is cut in the annotation only", aLongMessageIsCutInTheAnnotationOnly)
	t.Run("a description is cut and made text", aDescriptionIsCutAndMadeText)
	t.Run("a description stays when the status changes", aDescriptionStaysWhenTheStatusChanges)
	t.Run("a provenance is listed, and bounded", aProvenanceIsListedAndBounded)
}

func headIsSmallWhateverThePayload(t *testing.T) {
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

func everyPhaseIsALabel(t *testing.T) {
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

func aLongMessageIsCutInTheAnnotationOnly(t *testing.T) {
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

func aDescriptionIsCutAndMadeText(t *testing.T) {
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

func aDescriptionStaysWhenTheStatusChanges(t *testing.T) {
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

func aProvenanceIsListedAndBounded(t *testing.T) {
	t.Parallel()
	store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
	r.Spec.Provenance = &release.Provenance{User: strings.Repeat("ü", 1000), Host: "laptop", Commit: "0123", Dirty: true}
	create(t, store, r)
	r.Status.Phase = release.Deployed
	if err := store.UpdateStatus(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	history, err := store.History(t.Context(), r.Namespace, r.Name)
	if err != nil || len(history) != 1 {
		t.Fatalf("the history is %v, error %v", history, err)
	}
	want := &release.Provenance{User: strings.Repeat("ü", 128), Host: "laptop", Commit: "0123", Dirty: true}
	diff(t, "in the history", want, history[0].Spec.Provenance)
	diff(t, "in the record", want, get(t, store, r).Spec.Provenance)
}
