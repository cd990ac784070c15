package storage_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// damage is something that happened to a stored record, and what reading it says.
type damage struct {
	// secret is the Secret it happened to; change edits it, nil removes it.
	secret string
	change func(*corev1.Secret)
	want   error
	says   []string
	// unlisted says that lists show it too, or rather do not.
	unlisted bool
}

func damages() map[string]damage {
	data := func(key, value string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Data[key] = []byte(value) }
	}
	annotation := func(key, value string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Annotations["sherpack.io/"+key] = value }
	}
	unlabelled := func(label string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { delete(s.Labels, label) }
	}
	return map[string]damage{
		"a payload part is missing":           {secret: payload, want: storage.ErrDamaged, says: []string{payload, "missing"}},
		"an inventory part is missing":        {secret: inventory, want: storage.ErrDamaged, says: []string{inventory, "missing"}},
		"a part lost a label":                 {secret: inventory, change: unlabelled("run"), want: storage.ErrDamaged, says: []string{inventory, "missing"}},
		"the payload was edited":              {secret: payload, change: data("part", "edited"), want: storage.ErrDamaged, says: []string{head, "checksum", "payload"}},
		"the payload was emptied":             {secret: payload, change: data("part", ""), want: storage.ErrDamaged, says: []string{"checksum", "payload"}},
		"the checksum was edited":             {secret: head, change: annotation("payload-sha256", ""), want: storage.ErrDamaged, says: []string{"checksum"}},
		"the inventory was edited":            {secret: inventory, change: data("part", "edited"), want: storage.ErrDamaged, says: []string{inventory, "decompressing"}},
		"more parts are expected":             {secret: head, change: annotation("inventory-parts", "1000000000"), want: storage.ErrDamaged, says: []string{"inventory-run1-1", "missing"}},
		"the number of parts is no number":    {secret: head, change: annotation("payload-parts", "many"), want: storage.ErrDamaged, says: []string{head, "payload"}},
		"the number of parts is negative":     {secret: head, change: annotation("inventory-parts", "-1"), want: storage.ErrDamaged, says: []string{head, "inventory"}},
		"the status is garbage":               {secret: head, change: data("status", "{garbage"), want: storage.ErrDamaged, says: []string{head, "status"}},
		"the status is nothing":               {secret: head, change: data("status", "null"), want: storage.ErrDamaged, says: []string{head, "phase"}},
		"the status is gone":                  {secret: head, change: func(s *corev1.Secret) { s.Data = nil }, want: storage.ErrDamaged, says: []string{head, "status"}},
		"the head has no format version":      {secret: head, change: annotation("format-version", ""), want: storage.ErrDamaged, says: []string{head, "format version"}, unlisted: true},
		"the head has no version":             {secret: head, change: unlabelled("version"), want: storage.ErrDamaged, says: []string{head, "labels"}, unlisted: true},
		"the head has no status":              {secret: head, change: unlabelled("status"), want: storage.ErrDamaged, says: []string{head, "status"}, unlisted: true},
		"the head does not name its run":      {secret: head, change: unlabelled("run"), want: storage.ErrDamaged, says: []string{head, "run"}},
		"the status is none that is known":    {secret: head, change: func(s *corev1.Secret) { s.Labels["status"] = "bogus" }, want: storage.ErrDamaged, says: []string{head, "bogus"}, unlisted: true},
		"the head has another version":        {secret: head, change: func(s *corev1.Secret) { s.Labels["version"] = "3" }, want: storage.ErrDamaged, says: []string{head, "labels"}, unlisted: true},
		"the head is of a newer version":      {secret: head, change: annotation("format-version", "2"), want: storage.ErrNewerFormat, says: []string{head, "2", "1"}, unlisted: true},
		"the payload is of a newer version":   {secret: payload, change: annotation("format-version", "2"), want: storage.ErrNewerFormat, says: []string{payload}},
		"the inventory is of a newer version": {secret: inventory, change: annotation("format-version", "2"), want: storage.ErrNewerFormat, says: []string{inventory}},
	}
}

// inflict does the damage. What cannot be changed is made anew.
func (d damage) inflict(t *testing.T, namespace string) {
	t.Helper()
	api := client(t, namespace)
	secret := secrets(t, namespace)[d.secret]
	if err := api.Delete(t.Context(), d.secret, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if d.change == nil {
		return
	}
	d.change(&secret)
	secret.ResourceVersion = ""
	if _, err := api.Create(t.Context(), &secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (d damage) check(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, d.want) {
		t.Fatalf("%s answers: %v", what, err)
	}
	for _, word := range d.says {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s answers %q, which does not say %q", what, err, word)
		}
	}
}

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

// unlisted are changes to the labels of a head after which no list finds it, and the labels that are missing then.
func unlisted() map[string]func(*corev1.Secret) {
	return map[string]func(*corev1.Secret){
		"its name is lost":       func(s *corev1.Secret) { delete(s.Labels, "name") },
		"its owner is lost":      func(s *corev1.Secret) { delete(s.Labels, "owner") },
		"its name is another":    func(s *corev1.Secret) { s.Labels["name"] = "other" },
		"it passes for a part":   func(s *corev1.Secret) { s.Labels["part"] = "payload-0" },
		"it has no label at all": func(s *corev1.Secret) { s.Labels = nil },
	}
}

// checkUnlisted checks the error about a head that no list finds, and that all of its revision is still there.
func checkUnlisted(t *testing.T, namespace string, err error) {
	t.Helper()
	var found *storage.UnlistedError
	if !errors.As(err, &found) || found.Secret != head || !errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrConflict) {
		t.Fatalf("it answers: %v", err)
	}
	if !strings.Contains(err.Error(), namespace+"/"+head) {
		t.Errorf("%v: does not name the Secret", err)
	}
	for key, want := range map[string]string{"owner": "sherpack", "name": "shop", "version": "2"} {
		diff(t, "the label "+key, want, found.Labels[key])
	}
	if left := secrets(t, namespace); len(left) != 3 {
		t.Errorf("there are %d Secrets", len(left))
	}
}

// whereUnlisted runs a test for each change that has a list not find the head of a stored revision 2.
func whereUnlisted(t *testing.T, test func(*testing.T, *storage.Secrets, *release.Release)) {
	t.Helper()
	for title, change := range unlisted() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			damage{secret: head, change: change}.inflict(t, r.Namespace)
			test(t, store, r)
		})
	}
}
