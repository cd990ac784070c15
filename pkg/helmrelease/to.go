package helmrelease

import (
	"fmt"
	"strings"
	"time"

	helmchart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/release/common"
	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/chart"
	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/release"
)

// Making is the revision of Helm's that is made of one of ours.
type Making struct {
	Revision int
	// First is when the release was deployed first, and Now when this revision is.
	First, Now time.Time
	// Labels are those that Helm's user has given the release; nil is none.
	Labels map[string]string
}

// FirstDeployed is when the release of a record was deployed first.
func FirstDeployed(record release.HelmRecord) (time.Time, error) {
	found, err := Decode(record)
	if err != nil {
		return time.Time{}, err
	}
	return found.Info.FirstDeployed, nil
}

// To returns a revision of ours, whose resources are nodes, as the record of a revision of Helm's that is deployed.
func To(r *release.Release, nodes []*yaml.RNode, as Making) (release.HelmRecord, error) {
	record := release.HelmRecord{
		Namespace: r.Namespace, Name: r.Name, Revision: as.Revision, Status: string(common.StatusDeployed), Labels: as.Labels,
	}
	hooks, regular, err := hook.Split(nodes)
	if err != nil {
		return record, err
	}
	whole := releasev1.Release{
		Name: r.Name, Namespace: r.Namespace, Version: as.Revision, Config: r.Content.Values, ApplyMethod: string(releasev1.ApplyMethodServerSideApply),
		Info: &releasev1.Info{
			FirstDeployed: as.First, LastDeployed: as.Now, Status: common.StatusDeployed, Notes: r.Content.Notes,
			Description: fmt.Sprintf("Handed over by kubectl-sherpack, revision %d", r.Spec.Revision),
		},
		Chart: &helmchart.Chart{Metadata: metadata(r.Content.Pack), Values: r.Content.Merged},
	}
	if whole.Manifest, err = manifest.Encode(withoutDefinitions(regular)); err != nil {
		return record, err
	}
	for _, h := range hooks {
		converted, err := helmsHook(h)
		if err != nil {
			return record, err
		}
		whole.Hooks = append(whole.Hooks, converted)
	}
	record.Data, err = encode(whole)
	return record, err
}

// withoutDefinitions leaves out what a chart has in crds/: an upgrade by Helm would delete what its manifest no longer has.
func withoutDefinitions(nodes []*yaml.RNode) []*yaml.RNode {
	var kept []*yaml.RNode
	for _, node := range nodes {
		kind := kinds.OfNode(node).GroupKind()
		if !plan.IsInCRDFolder(manifest.File(node)) && !hook.IsInstalledFirst(kind, node.GetAnnotations()) {
			kept = append(kept, node)
		}
	}
	return kept
}

// helmsHook is a hook as Helm stores it.
func helmsHook(h hook.Hook) (*releasev1.Hook, error) {
	text, err := manifest.Encode([]*yaml.RNode{h.Node})
	if err != nil {
		return nil, err
	}
	_, text = chart.CutSource(strings.TrimPrefix(text, "---\n"))
	converted := &releasev1.Hook{Name: h.Node.GetName(), Kind: h.Node.GetKind(), Path: manifest.File(h.Node), Manifest: text, Weight: h.Weight}
	for _, phase := range h.Phases {
		converted.Events = append(converted.Events, releasev1.HookEvent(phase))
	}
	for _, policy := range h.Policies {
		converted.DeletePolicies = append(converted.DeletePolicies, releasev1.HookDeletePolicy(policy))
	}
	for word := range strings.SplitSeq(h.Node.GetAnnotations()[releasev1.HookOutputLogAnnotation], ",") {
		if word = strings.TrimSpace(word); word != "" {
			converted.OutputLogPolicies = append(converted.OutputLogPolicies, releasev1.HookOutputLogPolicy(word))
		}
	}
	return converted, nil
}

// metadata is that of a chart.
func metadata(of pack.Metadata) *helmchart.Metadata {
	told := &helmchart.Metadata{
		APIVersion: helmchart.APIVersionV2, Name: of.Name, Version: of.Version, Description: of.Description, AppVersion: of.AppVersion,
		KubeVersion: of.KubeVersion, Home: of.Home, Icon: of.Icon, Sources: of.Sources, Keywords: of.Keywords, Annotations: of.Annotations,
	}
	for _, maintainer := range of.Maintainers {
		told.Maintainers = append(told.Maintainers, &helmchart.Maintainer{Name: maintainer.Name, Email: maintainer.Email, URL: maintainer.URL})
	}
	return told
}
