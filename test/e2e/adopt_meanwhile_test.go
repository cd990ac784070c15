package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A release that Helm has uninstalled before a handover was completed does not come back.
func TestAReleaseThatHelmHasUninstalledIsNotGivenToItAgain(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	b.beforeHandover(t, "handover")
	b.handoverKeepsItsRecord(t)
	b.helm(t, "uninstall", "app", "--no-hooks", "--wait")
	out, err := b.onHost(t, handArgs("handover")...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "helm uninstall has removed release") {
		t.Errorf("%v: %s", err, out)
	}
	if left := b.kubectl(t, "get", "secrets", "-l", "owner in (helm, helm-adopted, sherpack)", "-o", "name"); left != "" {
		t.Errorf("there is left %s", left)
	}
}

// What Helm tells of a release beyond its revisions goes on, as at an upgrade by Helm.
func TestAReleaseThatIsGivenBackIsAsOldAsItWas(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	b.kubectl(t, "label", "secret/sh.helm.release.v1.app.v2", "team=a")
	b.beforeHandover(t, "handover")
	b.hand(t, handArgs("handover")...)
	if out := b.helm(t, "list", "--selector=team=a", "--short"); strings.TrimSpace(out) != "app" {
		t.Errorf("listed: %q", out)
	}
	if out := b.helm(t, "status", "app", "-o", "json"); !strings.Contains(out, `"first_deployed":"2026-01-02T03:04:05Z"`) {
		t.Errorf("its status is %s", out)
	}
}

// Records that were hidden when a release was taken over are still there when it has come and gone: they are not deployed any more.
func TestHiddenRecordsOfAnEarlierReleaseAreNotDeployed(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	b.record(t, map[string]any{"name": "app", "namespace": b.namespace, "version": 5, "info": map[string]any{"status": "deployed"}})
	b.kubectl(t, "label", "--overwrite", "secret/sh.helm.release.v1.app.v5", "owner=helm-adopted")
	b.hand(t, handArgs("adopt")...)
	b.hand(t, handArgs("handover")...)
	if found := b.helms(t); found != "1 superseded 2 deployed 5 superseded" {
		t.Errorf("Helm finds %s", found)
	}
	if out := b.helm(t, "history", "app"); strings.Count(out, "deployed") != 1 {
		t.Errorf("the history is %s", out)
	}
}

// Who may work in the namespace only can adopt what he can upgrade with Helm: that does not ask for definitions in crds/.
func TestAReleaseIsAdoptedWithoutRightsOutsideOfItsNamespace(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	user := "adopts-" + b.namespace
	b.kubectl(t, "create", "role", "all", "--verb=*", "--resource=*.*")
	b.kubectl(t, "create", "rolebinding", "all", "--role=all", "--user="+user)
	out, err := b.onHost(t, append(handArgs("adopt"), "--as="+user)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "CustomResourceDefinition/widgets."+b.group()+" is not taken over") {
		t.Errorf("%v: %s", err, out)
	}
	if got := b.kubectl(t, "get", "crd", "widgets."+b.group(), "-o", "jsonpath={.metadata.labels}"); got != "" {
		t.Errorf("the definition has %s", got)
	}
	out, err = b.onHost(t, append(handArgs("handover"), "--as="+user)...).CombinedOutput()
	if err != nil || b.helms(t) == "" {
		t.Errorf("%v: %s", err, out)
	}
}

// What Helm has applied outlives the API version that it was applied in, and goes with the definition of its kind.
func TestAReleaseOfAPIVersionsThatAreNoLongerServed(t *testing.T) {
	t.Parallel()
	b := newHelmBench(t, helmsWay{manager: "helm"})
	budget := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": map[string]any{"name": "web"},
		"spec": map[string]any{"selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}, "maxUnavailable": int64(1)},
	}}
	b.markAsHelm(budget)
	b.apply(t, []*unstructured.Unstructured{budget})
	b.kubectl(t, "label", "--overwrite", "secret/sh.helm.release.v1.app.v2", "status=superseded")
	b.record(t, map[string]any{
		"name": "app", "namespace": b.namespace, "version": 3, "info": map[string]any{"status": "deployed"},
		"chart": map[string]any{"metadata": map[string]any{"apiVersion": "v2", "name": "shop", "version": "1.0.0"}},
		"manifest": "---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n" +
			"spec: {selector: {matchLabels: {app: web}}, maxUnavailable: 1}\n---\napiVersion: gone.example.com/v1\nkind: Gone\nmetadata: {name: gone}\n",
	})
	out, err := b.onHost(t, handArgs("adopt")...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Gone/gone is skipped: the server has no kind Gone in gone.example.com/v1") {
		t.Fatalf("%v: %s", err, out)
	}
	if owner := b.kubectl(t, "get", "pdb", "web", "-o", `jsonpath={.metadata.labels.sherpack\.io/release}`); owner != "app" {
		t.Errorf("it belongs to %q", owner)
	}
	b.hand(t, handArgs("handover")...)
	b.hand(t, handArgs("adopt")...)
	b.hand(t, "upgrade", "app", b.chart, "--no-hooks", "--take-ownership")
	if left := b.kubectl(t, "get", "pdb", "-o", "name"); left != "" {
		t.Errorf("there is left %s", left)
	}
}

// handoverKeepsItsRecord gives a release to Helm, but for its last step.
func (b *helmBench) handoverKeepsItsRecord(t *testing.T) {
	t.Helper()
	var given atomic.Bool
	b.proxy.Intercept(func(request *http.Request, upstream http.RoundTripper) (*http.Response, error) {
		if request.Method == http.MethodPost && strings.HasSuffix(request.URL.Path, "/secrets") && !request.URL.Query().Has("dryRun") {
			given.Store(true)
		}
		if given.Load() && request.Method != http.MethodGet && strings.Contains(request.URL.Path, "/secrets/") && !strings.Contains(request.URL.Path, "/sh.helm") {
			return answer(request, http.StatusForbidden, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`), nil
		}
		return upstream.RoundTrip(request)
	})
	defer b.proxy.Intercept(nil)
	if code, out := b.command(t, handArgs("handover")...); code == 0 {
		t.Fatalf("it was not cut short: %s", out)
	}
	if found := b.helms(t); found != "1 superseded 2 superseded 3 deployed" {
		t.Fatalf("Helm finds %s", found)
	}
}

// helm runs Helm itself, which must go well.
func (b *helmBench) helm(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.Command(helm(t), append(args, "--kubeconfig", b.kubeconfig, "--namespace", b.namespace)...)
	command.Env = append(os.Environ(), "HOME="+b.home)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("helm %s: %v: %s", args[0], err, out)
	}
	return string(out)
}
