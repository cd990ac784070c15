package kube

import (
	"fmt"

	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kube/feed"
)

// fieldManager owns every field that is applied through this package.
const fieldManager = OwnManager

// OwnManager is the field manager that this program writes as.
const OwnManager = "sherpack"

// Cluster is a connection to one API server. It is safe for concurrent use. What it does stands in a file for each act.
type Cluster struct {
	api   *connection
	feeds *feeds
}

// New connects through getter, whose configuration is copied: client-side
// throttling is switched off, because the API server has its own, and API
// warnings are dropped unless the configuration says where they go. It sends
// nothing yet. Close the result when done.
func New(getter genericclioptions.RESTClientGetter) (*Cluster, error) {
	given, err := getter.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the client configuration: %w", err)
	}
	discovery, err := getter.ToDiscoveryClient()
	if err != nil {
		return nil, fmt.Errorf("setting up discovery: %w", err)
	}
	api, err := newConnection(given, discovery)
	if err != nil {
		return nil, fmt.Errorf("setting up the clients: %w", err)
	}
	return newCluster(api), nil
}

func newCluster(api *connection) *Cluster {
	return &Cluster{api: api, feeds: &feeds{connection: api, shared: map[source]*feed.Feed{}}}
}

// Close ends the shared watches and waits until they have ended. It may be called more than once; after it nothing can be
// followed any more.
func (c *Cluster) Close() { c.feeds.Close() }
