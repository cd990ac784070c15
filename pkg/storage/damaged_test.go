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
		"the inventory was edited":            {secret: inventory, change: data("part", "edited"), want: storage.ErrDamaged, says: []string{inventory, "unpacking"}},
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

func TestADamagedRecordSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for title, test := range damages() {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			store, r := newStore(t, "run1"), example(clustertest.Namespace(t), 2)
			create(t, store, r)
			test.inflict(t, r.Namespace)
			_, err := store.Get(t.Context(), r.Namespace, r.Name, 2)
			test.check(t, "get", err)
			if !strings.Contains(err.Error(), r.Namespace+"/shop revision 2") {
				t.Errorf("%v: does not name the revision", err)
			}
			_, err = store.List(t.Context(), r.Namespace, nil)
			if test.unlisted {
				test.check(t, "list", err)
			} else if err != nil {
				t.Errorf("list answers: %v", err)
			}
			if err := store.Drop(t.Context(), r.Namespace, r.Name); err != nil {
				t.Fatal(err)
			}
			if left := secrets(t, r.Namespace); len(left) != 0 {
				t.Errorf("after it was dropped there still are %d Secrets", len(left))
			}
		})
	}
}

func TestNoOlderRevisionStandsInForADamagedOne(t *testing.T) {
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

func TestASecretThatOnlyLooksLikeAHead(t *testing.T) {
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
