package kube

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
)

// Capabilities is what the server says of itself.
type Capabilities struct {
	// Version is the server's version with a leading v, as in "v1.36.3".
	Version string
	// Major and Minor are its first two numbers, as the server words them.
	Major, Minor string
	// APIVersions are the group versions ("apps/v1") and their kinds
	// ("apps/v1/Deployment"), sorted.
	APIVersions []string
}

// Capabilities asks the server's version and, from the discovery cache where
// it is fresh, what it serves. Groups that cannot be asked at the moment, for
// example because an aggregated API server is down, are skipped.
func (c *Cluster) Capabilities(ctx context.Context) (Capabilities, error) {
	ctx = quiet(ctx)
	versioned := discovery.ToServerVersionInterfaceWithContext(c.api.kinds.discovery)
	version, err := versioned.ServerVersionWithContext(ctx)
	if err != nil {
		return Capabilities{}, fmt.Errorf("asking the server's version: %w", err)
	}
	resources := discovery.ToServerResourcesInterfaceWithContext(c.api.kinds.discovery)
	_, lists, err := resources.ServerGroupsAndResourcesWithContext(ctx)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return Capabilities{}, fmt.Errorf("discovering what the server serves: %w", err)
	}
	return Capabilities{
		Version:     version.GitVersion,
		Major:       version.Major,
		Minor:       version.Minor,
		APIVersions: apiVersions(lists),
	}, nil
}

func apiVersions(lists []*metav1.APIResourceList) []string {
	var versions []string
	for _, list := range lists {
		versions = append(versions, list.GroupVersion)
		for _, resource := range list.APIResources {
			versions = append(versions, list.GroupVersion+"/"+resource.Kind)
		}
	}
	slices.Sort(versions)
	return slices.Compact(versions)
}
