package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kube"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// discovery asks a cluster what it serves.
type discovery struct{ cluster *kube.Cluster }

// Capabilities asks the cluster what it can do, and refuses a pack that says it does not work there.
func (d discovery) Capabilities(ctx context.Context, p *pack.Pack) (render.Capabilities, error) {
	found, err := d.cluster.Capabilities(ctx)
	if err != nil {
		return render.Capabilities{}, err
	}
	if err := p.SupportsKube(found.Version); err != nil {
		return render.Capabilities{}, inputError{err}
	}
	return render.Capabilities{
		KubeVersion: render.KubeVersion{Version: found.Version, Major: found.Major, Minor: found.Minor},
		APIVersions: found.APIVersions,
	}, nil
}

// Lookup is the function lookup of templates.
func (d discovery) Lookup(ctx context.Context) func(apiVersion, kind, namespace, name string) (map[string]any, error) {
	return func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		return d.cluster.Lookup(ctx, apiVersion, kind, namespace, name)
	}
}

// FindKinds finds out for each kind of the resources of a request whether its objects live in a namespace: from the cluster or, for
// kinds that the manifest itself defines, from their definitions. For one that neither knows it looks where else the cluster has it. more
// are resources that the request does not have.
func (d discovery) FindKinds(request *plan.Request, more ...*yaml.RNode) error {
	nodes := slices.Concat(request.Nodes, request.Left, more)
	scopes := definedScopes(nodes)
	request.Scopes, request.Served = scopes, map[schema.GroupVersionKind]string{}
	var errs []error
	for _, node := range nodes {
		gvk := kinds.OfNode(node)
		if _, known := scopes[gvk.GroupKind()]; known {
			continue
		}
		namespaced, err := d.cluster.Namespaced(gvk)
		switch {
		case err == nil:
			scopes[gvk.GroupKind()] = namespaced
		case meta.IsNoMatchError(err):
			request.Served[gvk] = d.cluster.ServedIn(gvk)
		default:
			errs = append(errs, fmt.Errorf("looking up kind %s: %w", gvk.Kind, err))
		}
	}
	return errors.Join(errs...)
}

// FindStoredKinds is FindKinds for resources that were applied before: an object outlives the API version that it was applied in, so
// that any version of its kind does.
func (d discovery) FindStoredKinds(request *plan.Request, more ...*yaml.RNode) error {
	if err := d.FindKinds(request, more...); err != nil {
		return err
	}
	for gvk, served := range request.Served {
		version, err := schema.ParseGroupVersion(served)
		if err != nil || version.Version == "" || version.Group != gvk.Group {
			continue
		}
		namespaced, err := d.cluster.Namespaced(version.WithKind(gvk.Kind))
		if err != nil {
			return fmt.Errorf("looking up kind %s: %w", gvk.Kind, err)
		}
		request.Scopes[gvk.GroupKind()] = namespaced
	}
	return nil
}

// definedScopes reads the scopes of the kinds that a manifest's own definitions bring.
func definedScopes(nodes []*yaml.RNode) plan.Scopes {
	scopes := plan.Scopes{}
	for _, node := range nodes {
		if node.GetKind() != "CustomResourceDefinition" {
			continue
		}
		text := func(path string) string {
			value, err := node.GetString(path)
			if err != nil {
				return ""
			}
			return value
		}
		kind := schema.GroupKind{Group: text("spec.group"), Kind: text("spec.names.kind")}
		scopes[kind] = text("spec.scope") == "Namespaced"
	}
	return scopes
}
