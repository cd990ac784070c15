package cluster

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/test/cluster/internal/stages"
)

// user is somebody the API server knows by a token.
type user struct {
	name, group string
	kubeconfig  string
}

func users(d dir) []user {
	return []user{
		{name: "admin", group: "system:masters", kubeconfig: d.kubeconfig()},
		{name: "system:kube-controller-manager", kubeconfig: d.kubeconfigOf(controllerManager)},
		{name: "system:kube-scheduler", kubeconfig: d.kubeconfigOf(scheduler)},
		{name: "kubelet", group: "system:masters", kubeconfig: d.kubeconfigOf(kubelet)},
	}
}

// writeFiles writes all that the components read, kubeconfigs included.
func writeFiles(d dir, name, server string) error {
	if err := writeCertificates(d); err != nil {
		return err
	}
	if err := writeUsers(d, name, server); err != nil {
		return err
	}
	if err := os.WriteFile(d.file("audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	config, err := stages.Config()
	if err != nil {
		return err
	}
	return os.WriteFile(d.file("stages.yaml"), config, 0o600)
}

func writeUsers(d dir, name, server string) error {
	ca, err := os.ReadFile(d.file("ca.crt"))
	if err != nil {
		return err
	}
	var tokens strings.Builder
	for _, u := range users(d) {
		token := rand.Text()
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, u.name, u.name, u.group)
		config := fmt.Sprintf(kubeconfigFormat, name, server, base64.StdEncoding.EncodeToString(ca), u.name, token)
		if err := os.WriteFile(u.kubeconfig, []byte(config), 0o600); err != nil {
			return err
		}
		if u.name == "admin" {
			// For the launcher's own requests, which does without a reader of kubeconfigs.
			if err := os.WriteFile(d.file("admin.token"), []byte(token), 0o600); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(d.file("tokens.csv"), []byte(tokens.String()), 0o600)
}

const kubeconfigFormat = `apiVersion: v1
kind: Config
current-context: %[1]s
clusters:
- name: %[1]s
  cluster:
    server: %[2]s
    certificate-authority-data: %[3]s
contexts:
- name: %[1]s
  context:
    cluster: %[1]s
    user: %[4]s
users:
- name: %[4]s
  user:
    token: %[5]s
`

// auditPolicy records who did what to which object, without its content. A
// request is recorded when it ends.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`
