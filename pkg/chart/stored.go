package chart

import (
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// Stored is what Helm has rendered and stored, read as what it renders.
type Stored struct {
	// Nodes are the resources, hooks included.
	Nodes []*yaml.RNode
	// Definitions are the custom resource definitions that the chart has in crds/ and that Helm applies beside the manifest. Those
	// of subcharts are not stored.
	Definitions []*yaml.RNode
	// Merged are the values of the release over the defaults of the chart.
	Merged   map[string]any
	Warnings []string
}

// ReadStored reads the resources of a release of Helm's.
func ReadStored(of *releasev1.Release) (Stored, error) {
	var resources, definitions documents
	for _, document := range split(of.Manifest) {
		file, text := CutSource(document)
		resources.add(file, text)
	}
	for _, hook := range of.Hooks {
		resources.add(hook.Path, hook.Manifest)
	}
	nodes, err := resources.Resources()
	if err != nil {
		return Stored{}, err
	}
	found := Stored{Warnings: resources.warnings}
	nodes, warnings := unique(nodes, of.Namespace)
	found.Nodes, found.Warnings = nodes, append(found.Warnings, warnings...)
	if of.Chart == nil {
		return found, nil
	}
	for _, definition := range of.Chart.CRDObjects() {
		definitions.add(definition.Filename, string(definition.File.Data))
	}
	if found.Definitions, err = definitions.Resources(); err != nil {
		return Stored{}, err
	}
	err = found.merge(of)
	return found, err
}

// merge merges the values of a release into the defaults of its chart.
func (s *Stored) merge(of *releasev1.Release) error {
	warnings, err := listen(func() (err error) {
		s.Merged, err = util.CoalesceValues(of.Chart, of.Config)
		return err
	})
	s.Warnings = append(s.Warnings, warnings...)
	if err != nil {
		return fmt.Errorf("merging the values: %w", err)
	}
	return nil
}

// CutSource takes the comment off a document by which Helm names its file; "" where there is none.
func CutSource(document string) (file, text string) {
	line, rest, _ := strings.Cut(document, "\n")
	file, named := strings.CutPrefix(line, "# Source: ")
	if !named {
		return "", document
	}
	return strings.TrimSpace(file), rest
}

// Metadata tells of a chart as of a pack.
func Metadata(from *chart.Metadata) pack.Metadata {
	told := pack.Metadata{
		Name: from.Name, Version: from.Version, Description: from.Description, AppVersion: from.AppVersion, KubeVersion: from.KubeVersion,
		Links: pack.Links{Home: from.Home, Icon: from.Icon, Sources: from.Sources}, Keywords: from.Keywords, Annotations: from.Annotations,
	}
	for _, maintainer := range from.Maintainers {
		told.Maintainers = append(told.Maintainers, pack.Maintainer(*maintainer))
	}
	return told
}
