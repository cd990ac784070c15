package helmrelease

import (
	"fmt"

	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/chart"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Read is a revision of Helm's, read as one of ours.
type Read struct {
	// Pack and Content are those of the revision that takes it over.
	Pack    release.Pack
	Content release.Content
	// Nodes are the resources of the content, and Definitions those that Helm has applied beside it.
	Nodes, Definitions []*yaml.RNode
	Warnings           []string
}

// From reads a revision of Helm's. What its hooks and its manifest say becomes one manifest.
func From(of *releasev1.Release) (Read, error) {
	stored, err := chart.ReadStored(of)
	if err != nil {
		return Read{}, fmt.Errorf("reading revision %d of Helm's release %s/%s: %w", of.Version, of.Namespace, of.Name, err)
	}
	text, err := manifest.Encode(stored.Nodes)
	if err != nil {
		return Read{}, err
	}
	metadata := chart.Metadata(of.Chart.Metadata)
	return Read{
		Pack: release.Pack{Name: metadata.Name, Version: metadata.Version, AppVersion: metadata.AppVersion},
		Content: release.Content{
			Manifest: text, Values: of.Config, Merged: stored.Merged, Notes: of.Info.Notes, Pack: metadata, Chart: true,
		},
		Nodes: stored.Nodes, Definitions: stored.Definitions, Warnings: stored.Warnings,
	}, nil
}
