package helm

import (
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	"helm.sh/helm/v4/pkg/release/common"
	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// recordPath is what the plugin gives to Helm, as the tests of its package helmrelease keep it.
const recordPath = "../../pkg/helmrelease/testdata/golden/record.json"

// handedOver is a release as the plugin gives it to Helm, as revision 4; a revision before it was Helm's.
func handedOver(t *testing.T, secrets corev1client.SecretInterface, folder string) *history {
	t.Helper()
	text, err := os.ReadFile(recordPath)
	if err != nil {
		t.Fatal(err)
	}
	before := strings.NewReplacer(`"version": 4,`, `"version": 3,`, `"status": "deployed"`, `"status": "superseded"`).Replace(string(text))
	for number, content := range map[string]string{"3": before, "4": string(text)} {
		status := map[string]string{"3": "superseded", "4": "deployed"}[number]
		// Helm reads records that are not compressed, too.
		_, err := secrets.Create(t.Context(), &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Name:   "sh.helm.release.v1.shop.v" + number,
				Labels: map[string]string{"owner": "helm", "name": "shop", "version": number, "status": status},
			},
			Type: "helm.sh/release.v1", Data: map[string][]byte{"release": []byte(base64.StdEncoding.EncodeToString([]byte(content)))},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	helms := newHistory(secrets, folder)
	// The next revision is an upgrade.
	helms.length, helms.pack = 1, "c: 2\n"
	return helms
}

// What the plugin gives to Helm is a release like any other there: it is listed, upgraded, rolled back and uninstalled.
func TestHelmWorksWithWhatItIsGiven(t *testing.T) {
	t.Parallel()
	helms := handedOver(t, fake.NewClientset().CoreV1().Secrets("web"), t.TempDir())
	listed, err := action.NewList(helms.config).Run()
	if err != nil || len(listed) != 1 {
		t.Fatalf("listed: %v: %v", listed, err)
	}
	if found, ok := listed[0].(*releasev1.Release); !ok || found.Version != 4 || found.Chart.Metadata.Name != "shop" || found.Info.Status != common.StatusDeployed || len(found.Hooks) != 1 {
		t.Errorf("listed: %+v", listed[0])
	}
	upgrade := action.NewUpgrade(helms.config)
	upgrade.Namespace, upgrade.WaitStrategy, upgrade.ReuseValues, upgrade.DisableHooks = "web", kube.HookOnlyStrategy, true, true
	loaded, err := helms.load()
	if err != nil {
		t.Fatal(err)
	}
	made, err := upgrade.Run(releaseName, loaded, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Its own default, and what was given and rendered before.
	if values, err := rendered(made); err != nil || values["a"] != "b" || values["c"] != 1 {
		t.Errorf("values %v: %v", values, err)
	}
	rollback := action.NewRollback(helms.config)
	rollback.DisableHooks, rollback.WaitStrategy = true, kube.HookOnlyStrategy
	if err := rollback.Run(releaseName); err != nil {
		t.Fatal(err)
	}
	if got := statuses(t, helms); !slices.Equal(got, []string{"superseded", "superseded", "superseded", "deployed"}) {
		t.Errorf("the history is %v", got)
	}
	uninstall := action.NewUninstall(helms.config)
	uninstall.DisableHooks, uninstall.WaitStrategy = true, kube.HookOnlyStrategy
	if _, err := uninstall.Run(releaseName); err != nil {
		t.Fatal(err)
	}
}

// statuses are those of the revisions, oldest first.
func statuses(t *testing.T, helms *history) []string {
	t.Helper()
	all, err := helms.config.Releases.History(releaseName)
	if err != nil {
		t.Fatal(err)
	}
	byVersion := map[int]string{}
	var versions []int
	for _, one := range all {
		found, ok := one.(*releasev1.Release)
		if !ok {
			t.Fatalf("a revision is a %T", one)
		}
		byVersion[found.Version] = string(found.Info.Status)
		versions = append(versions, found.Version)
	}
	slices.Sort(versions)
	var found []string
	for _, version := range versions {
		found = append(found, byVersion[version])
	}
	return found
}
