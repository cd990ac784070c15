package e2e

import (
	"strings"
	"testing"

	"github.com/sherpack-io/kubectl-sherpack/test/clustertest"
)

// A component of the control plane that is restarted while a hook runs costs no more than time.
//
//nolint:paralleltest,tparallel // One component at a time.
func TestTheControlPlaneIsRestartedWhileAHookRuns(t *testing.T) {
	t.Parallel()
	cluster := clustertest.StartOwn(t)
	for _, component := range []string{"kube-apiserver", "etcd"} {
		t.Run(component, func(t *testing.T) {
			const pack = "testdata/packs/outlived"
			b := &bench{session: &session{namespace: component, kubeconfig: cluster.Kubeconfig}, home: t.TempDir()}
			b.must(t, "install", pack, "--create-namespace")
			command, said := b.start(t, "upgrade", "app", pack, "--timeout=3m")
			b.awaitActive(t, "app-held")
			cluster.Restart(t, component)
			b.kubectl(t, "annotate", "pods", "--all", "sim.sherpack.io/pending-")
			if code := exitCode(t, command.Wait()); code != 0 {
				said.mu.Lock()
				defer said.mu.Unlock()
				t.Fatalf("exit code %d: %s", code, said.text.String())
			}
			if got := b.revisions(t); got != "1 superseded, 2 deployed" {
				t.Errorf("revisions: %s", got)
			}
			if got := b.kubectl(t, "get", "configmap", "app", "-o", "jsonpath={.data.revision}"); got != "2" {
				t.Errorf("the content is of revision %q", got)
			}
			_, hooks := b.command(t, "status", "app", "-o", "jsonpath={range .status.hooks[*]}{.title} {.state} {.attempts}{end}")
			if pods := strings.Fields(b.kubectl(t, "get", "pods", "-o", "name")); hooks != "pre-upgrade/held Succeeded 1" || len(pods) != 1 {
				t.Errorf("hooks: %s; Pods: %v", hooks, pods)
			}
			b.must(t, "uninstall", "--wait")
		})
	}
}
