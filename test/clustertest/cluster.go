// Package clustertest gives tests a real API server. They share one: that
// which SHERPACK_KUBECONFIG names, or else one that is started for the test
// process when the first test asks for it, and that ends with the process,
// however that ends.
package clustertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// KubeconfigVariable is the environment variable that names the kubeconfig of
// the cluster to test on. Its current context is used, as an administrator's.
const KubeconfigVariable = "SHERPACK_KUBECONFIG"

// Kubeconfig returns the path of a kubeconfig for the cluster, whose current
// context is an administrator's. The file is shared: copy it to change it. The
// test fails if there is no cluster and none can be started.
func Kubeconfig(t testing.TB) string {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("find a cluster: %v", err)
	}
	return c.kubeconfig
}

// Config returns a configuration for clients of the cluster that are an
// administrator and are not throttled. It is the caller's to change.
func Config(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", Kubeconfig(t))
	if err != nil {
		t.Fatalf("read the cluster's kubeconfig: %v", err)
	}
	config.QPS = -1
	return config
}

// Kubectl returns the path of a kubectl of the version that such clusters have.
// One that the machine may have besides is never used.
func Kubectl(t testing.TB) string {
	t.Helper()
	path, err := kubectl()
	if err != nil {
		t.Fatalf("find kubectl: %v", err)
	}
	return path
}

// cluster is what the tests of this process run on.
type cluster struct {
	kubeconfig string
	// owner keeps the cluster alive: it ends when no process holds this file. Nil
	// if the cluster is not this process's.
	owner *os.File
}

// shared returns the cluster, which is looked for once.
//
//nolint:gochecknoglobals // There is no other place for what all tests of a process share.
var shared = sync.OnceValues(func() (cluster, error) {
	if path := os.Getenv(KubeconfigVariable); path != "" {
		return cluster{kubeconfig: path}, nil
	}
	return start(fmt.Sprintf("test-%d", os.Getpid()))
})

// kubectl returns the path of kubectl, which is looked for, or built, once.
//
//nolint:gochecknoglobals // There is no other place for what all tests of a process share.
var kubectl = sync.OnceValues(func() (string, error) {
	dir, err := launch(nil, "bin")
	if err != nil {
		return "", err
	}
	return exec.LookPath(filepath.Join(dir, "kubectl"))
})
