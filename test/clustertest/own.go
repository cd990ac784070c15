package clustertest

import (
	"fmt"
	"os"
	"testing"
)

// Own is a cluster that one test has for itself, to do with it what others
// would not like.
type Own struct {
	// Kubeconfig is the path of a kubeconfig whose current context is an
	// administrator's.
	Kubeconfig string

	name string
}

// StartOwn starts a cluster for the test alone. It ends with the test.
func StartOwn(t testing.TB) *Own {
	t.Helper()
	name := fmt.Sprintf("%s%d", prefix(t.Name()), os.Getpid())
	c, err := start(name)
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	t.Cleanup(func() {
		if _, err := launch(nil, "down", "--name="+name); err != nil {
			t.Errorf("stop a cluster: %v", err)
		}
		if err := c.owner.Close(); err != nil {
			t.Errorf("stop a cluster: %v", err)
		}
	})
	return &Own{Kubeconfig: c.kubeconfig, name: name}
}

// Restart ends a component, such as etcd or kube-apiserver, as if it had
// crashed, has it started again, and returns when the cluster is ready.
func (o *Own) Restart(t testing.TB, component string) {
	t.Helper()
	if _, err := launch(nil, "restart", "--name="+o.name, component); err != nil {
		t.Fatalf("restart %s: %v", component, err)
	}
}
