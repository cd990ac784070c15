package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// labelling is a policy that sets two labels on whatever is written in a namespace: one that packs set, too, and one of its own.
const labelling = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAME}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAME}}
    resourceRules:
      - {apiGroups: ["", apps], apiVersions: ["*"], operations: [CREATE, UPDATE], resources: [configmaps, deployments]}
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: 'Object{metadata: Object.metadata{labels: {"app.kubernetes.io/name": "platform", "team": "platform"}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME}
`

// What admission makes of labels counts as applied: an upgrade that changes nothing is no rewrite.
func TestWhatAdmissionMakesOfLabelsIsNoChange(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(labelling, "NAME", session.namespace)), 0o600); err != nil {
		t.Fatal(err)
	}
	session.kubectl(t, "create", "-f", file)
	t.Cleanup(func() { session.kubectl(t, "delete", "-f", file) })
	// The policy holds when the API server has seen it.
	for t.Context().Err() == nil {
		labels := session.kubectl(t, "create", "configmap", "probe", "--dry-run=server", "-o", "jsonpath={.metadata.labels}")
		if strings.Contains(labels, "platform") {
			break
		}
	}
	session.run(t, "install", "myapp", "testdata/packs/webapp")
	if labels := session.kubectl(t, "get", "deployment/myapp", "-o", "jsonpath={.metadata.labels}"); strings.Count(labels, "platform") != 2 {
		t.Fatalf("labels are %s", labels)
	}
	_, stderr := session.run(t, "upgrade", "myapp", "testdata/packs/webapp")
	if !strings.Contains(stderr, "deployment.apps/myapp unchanged\n") {
		t.Errorf("the upgrade says\n%s", stderr)
	}
}
