package cluster

import (
	"fmt"
	"net"
)

const (
	serviceRange = "10.96.0.0/16"
	podRange     = "10.128.0.0/14"
	nodeName     = "node-1"
)

func firstServiceIP() net.IP { return net.IPv4(10, 96, 0, 1) }

// The components, by the names the server program knows them by.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kubelet           = "kubelet"
)

// component is one process of a cluster.
type component struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	// NeedsAPI says to start it only once the API server is ready.
	NeedsAPI bool `json:"needsAPI,omitempty"`
}

func url(scheme string, port int) string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port) }

// components returns what a cluster consists of, in the order to start them.
func components(d dir, p ports, audit bool) []component {
	api := apiServerArgs(d, p)
	if audit {
		api = append(api, "--audit-policy-file="+d.file("audit-policy.yaml"), "--audit-log-path="+d.audit())
	}
	return []component{
		{Name: etcd, Args: etcdArgs(d, p)},
		{Name: apiServer, Args: api},
		{Name: controllerManager, Args: controllerManagerArgs(d), NeedsAPI: true},
		{Name: scheduler, Args: schedulerArgs(d), NeedsAPI: true},
		{Name: kubelet, Args: kubeletArgs(d, p), NeedsAPI: true},
	}
}

func etcdArgs(d dir, p ports) []string {
	return []string{
		"--data-dir=" + d.file("etcd"),
		"--listen-client-urls=" + url("http", p.etcd),
		"--advertise-client-urls=" + url("http", p.etcd),
		"--listen-peer-urls=" + url("http", p.etcdPeer),
		"--initial-advertise-peer-urls=" + url("http", p.etcdPeer),
		"--initial-cluster=default=" + url("http", p.etcdPeer),
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

func apiServerArgs(d dir, p ports) []string {
	return []string{
		"--etcd-servers=" + url("http", p.etcd),
		"--bind-address=127.0.0.1",
		// A machine without a network has no other address, and nobody looks for one.
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		fmt.Sprintf("--secure-port=%d", p.api),
		"--cert-dir=" + string(d),
		"--tls-cert-file=" + d.file("serving.crt"),
		"--tls-private-key-file=" + d.file("serving.key"),
		"--client-ca-file=" + d.file("ca.crt"),
		"--token-auth-file=" + d.file("tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + d.file("service-account.key"),
		"--service-account-signing-key-file=" + d.file("service-account.key"),
		"--service-cluster-ip-range=" + serviceRange,
		"--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged=true",
	}
}

func controllerManagerArgs(d dir) []string {
	return append(clientArgs(d, controllerManager),
		"--use-service-account-credentials",
		"--service-account-private-key-file="+d.file("service-account.key"),
		"--root-ca-file="+d.file("ca.crt"),
	)
}

func schedulerArgs(d dir) []string { return clientArgs(d, scheduler) }

func clientArgs(d dir, component string) []string {
	return []string{
		"--kubeconfig=" + d.kubeconfigOf(component),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	}
}

func kubeletArgs(d dir, p ports) []string {
	return []string{
		"--kubeconfig=" + d.kubeconfigOf(kubelet),
		"--config=" + d.file("stages.yaml"),
		"-v=WARN",
		"--manage-all-nodes=true",
		"--node-ip=127.0.0.1",
		"--cidr=" + podRange,
		// Without leases a Node turns NotReady after 40 seconds, and its Pods with it.
		"--node-lease-duration-seconds=40",
		fmt.Sprintf("--logs-address=127.0.0.1:%d", p.logs),
		"--logs-cert-file=" + d.file("serving.crt"),
		"--logs-key-file=" + d.file("serving.key"),
	}
}
