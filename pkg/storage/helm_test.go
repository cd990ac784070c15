package storage_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
	"github.com/sherpack-io/kubectl-sherpack/pkg/storage"
	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

func TestHelmRecords(t *testing.T) {
	t.Parallel()
	t.Run("they are found, hidden from Helm and shown again", helmRecordsAreHiddenAndShown)
	t.Run("what is no record of Helm's is not found", othersAreNoHelmRecords)
	t.Run("a dry-run writes nothing", tryHelmWritesNothing)
	t.Run("they are not hidden while Helm makes another", helmRecordsAreNotHiddenWhileHelmMakesAnother)
	t.Run("they are not hidden while Helm changes one", helmRecordsAreNotHiddenWhileHelmChangesOne)
	t.Run("what Helm makes after they were hidden is noticed", recordMadeAfterwardsIsNoticed)
}

// putHelm creates a Secret as Helm does.
func putHelm(t *testing.T, namespace, secret string, labels map[string]string) {
	t.Helper()
	_, err := kubernetes.NewForConfigOrDie(clustertest.Config(t)).CoreV1().Secrets(namespace).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: secret, Labels: labels}, Type: "helm.sh/release.v1", Data: map[string][]byte{"release": []byte("data")},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func helmLabels(name, version, status string) map[string]string {
	return map[string]string{"owner": "helm", "name": name, "version": version, "status": status, "team": "a"}
}

func helmRecordsAreHiddenAndShown(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	putHelm(t, namespace, "sh.helm.release.v1.shop.v10", helmLabels("shop", "10", "deployed"))
	putHelm(t, namespace, "sh.helm.release.v1.shop.v9", helmLabels("shop", "9", "superseded"))
	putHelm(t, namespace, "sh.helm.release.v1.other.v1", helmLabels("other", "1", "deployed"))
	read := func(name string) []release.HelmRecord {
		records, err := store.HelmRecords(t.Context(), namespace, name)
		if err != nil {
			t.Fatal(err)
		}
		return records
	}
	want := []release.HelmRecord{
		{Namespace: namespace, Name: "shop", Revision: 9, Status: "superseded"}, {Namespace: namespace, Name: "shop", Revision: 10, Status: "deployed"},
	}
	diff(t, "records", want, read("shop"))
	if all := read(""); len(all) != 3 || all[0].Name != "other" {
		t.Errorf("all are %+v", all)
	}
	for _, aside := range []bool{true, false} {
		for i := range want {
			want[i].Aside = aside
		}
		for range 2 {
			if err := store.PutHelm(t.Context(), want); err != nil {
				t.Fatal(err)
			}
		}
		diff(t, "records", want, read("shop"))
	}
	want[1].Status, want[1].Data = "superseded", []byte("other")
	next := release.HelmRecord{Namespace: namespace, Name: "shop", Revision: 11, Status: "deployed", Data: []byte("new"), Labels: map[string]string{"team": "a"}}
	gone := release.HelmRecord{Namespace: namespace, Name: "shop", Revision: 3, Status: "superseded"}
	for range 2 {
		if err := store.PutHelm(t.Context(), append([]release.HelmRecord{gone}, append(want, next)...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, record := range []release.HelmRecord{want[1], next} {
		found, err := store.ReadHelm(t.Context(), record)
		if err != nil || string(found.Data) != string(record.Data) || found.Labels["team"] != "a" || len(found.Labels) != 1 {
			t.Errorf("%s: %q, labels %v: %v", record.Secret(), found.Data, found.Labels, err)
		}
	}
	if found := read("shop"); len(found) != 3 || found[1].Status != "superseded" || found[2].Revision != 11 {
		t.Errorf("the records are %+v", found)
	}
	secret, err := kubernetes.NewForConfigOrDie(clustertest.Config(t)).CoreV1().Secrets(namespace).Get(t.Context(), "sh.helm.release.v1.shop.v10", metav1.GetOptions{})
	if err != nil || secret.Labels["team"] != "a" || secret.Labels["owner"] != "helm" {
		t.Errorf("the labels are %v: %v", secret.Labels, err)
	}
}

func othersAreNoHelmRecords(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	putHelm(t, namespace, "a-copy", helmLabels("shop", "1", "deployed"))
	putHelm(t, namespace, "sh.helm.release.v1.shop.v2", helmLabels("shop", "x", "deployed"))
	records, err := store.HelmRecords(t.Context(), namespace, "shop")
	if err != nil || len(records) > 0 {
		t.Errorf("found %+v: %v", records, err)
	}
}

func helmRecordsAreNotHiddenWhileHelmMakesAnother(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	putHelm(t, namespace, "sh.helm.release.v1.shop.v1", helmLabels("shop", "1", "deployed"))
	putHelm(t, namespace, "sh.helm.release.v1.shop.v2", helmLabels("shop", "2", "pending-upgrade"))
	records := []release.HelmRecord{{Namespace: namespace, Name: "shop", Revision: 1, Status: "deployed", Aside: true}}
	for title, write := range map[string]func(context.Context, []release.HelmRecord) error{"put": store.PutHelm, "try": store.TryHelm} {
		if err := write(t.Context(), records); !errors.Is(err, storage.ErrHelmAtWork) {
			t.Errorf("%s: %v", title, err)
		}
	}
	found, err := store.HelmRecords(t.Context(), namespace, "shop")
	if err != nil || len(found) != 2 || found[0].Aside {
		t.Errorf("there is %+v: %v", found, err)
	}
}

// helm uninstall changes the status of the last revision, and makes none.
func helmRecordsAreNotHiddenWhileHelmChangesOne(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	putHelm(t, namespace, "sh.helm.release.v1.shop.v1", helmLabels("shop", "1", "uninstalling"))
	records := []release.HelmRecord{{Namespace: namespace, Name: "shop", Revision: 1, Status: "deployed", Aside: true}}
	if err := store.PutHelm(t.Context(), records); !errors.Is(err, storage.ErrHelmAtWork) {
		t.Errorf("the error is %v", err)
	}
	found, err := store.HelmRecords(t.Context(), namespace, "shop")
	if err != nil || len(found) != 1 || found[0].Aside {
		t.Errorf("there is %+v: %v", found, err)
	}
}

func recordMadeAfterwardsIsNoticed(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	putHelm(t, namespace, "sh.helm.release.v1.shop.v1", helmLabels("shop", "1", "deployed"))
	putHelm(t, namespace, "sh.helm.release.v1.other.v1", helmLabels("other", "1", "deployed"))
	if err := store.PutHelm(t.Context(), []release.HelmRecord{{Namespace: namespace, Name: "shop", Revision: 1, Status: "deployed", Aside: true}}); err != nil {
		t.Fatal(err)
	}
	if err := store.CheckHidden(t.Context(), namespace, "shop"); err != nil {
		t.Error(err)
	}
	putHelm(t, namespace, "sh.helm.release.v1.shop.v2", helmLabels("shop", "2", "pending-upgrade"))
	if err := store.CheckHidden(t.Context(), namespace, "shop"); !errors.Is(err, storage.ErrHelmAtWork) {
		t.Errorf("the error is %v", err)
	}
}

func tryHelmWritesNothing(t *testing.T) {
	t.Parallel()
	store, namespace := newStore(t, "run1"), clustertest.Namespace(t)
	putHelm(t, namespace, "sh.helm.release.v1.shop.v1", helmLabels("shop", "1", "deployed"))
	records := []release.HelmRecord{
		{Namespace: namespace, Name: "shop", Revision: 1, Status: "superseded", Aside: true, Data: []byte("x")},
		{Namespace: namespace, Name: "shop", Revision: 2, Status: "deployed", Data: []byte("new")},
	}
	if err := store.TryHelm(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	found, err := store.HelmRecords(t.Context(), namespace, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]release.HelmRecord{{Namespace: namespace, Name: "shop", Revision: 1, Status: "deployed"}}, found); diff != "" {
		t.Error(diff)
	}
}
