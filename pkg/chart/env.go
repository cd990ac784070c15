package chart

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// UniqueEnv removes the environment variables of containers that a later one of the same name hides, from the resources of a
// chart, and names them. Clients that replace whole objects could write both, and the kubelet takes the last; server-side apply
// knows them by their names and refuses the object.
func UniqueEnv(nodes []*yaml.RNode) (warnings []string) {
	for _, node := range nodes {
		path := kinds.PodSpec(schema.GroupKind{Group: resid.GvkFromNode(node).Group, Kind: node.GetKind()})
		if path == nil {
			continue
		}
		for _, container := range containersOf(node, path) {
			for _, name := range uniqueEnv(container) {
				warnings = append(warnings, fmt.Sprintf("%s%s/%s: container %q has the environment variable %s twice; the last one counts",
					manifest.Position(manifest.File(node), 0), node.GetKind(), node.GetName(), text(container, "name"), name))
			}
		}
	}
	return warnings
}

// containersOf are the containers of the Pods of a resource, init containers included, that have the form of some.
func containersOf(node *yaml.RNode, podSpec []string) []*yaml.RNode {
	var containers []*yaml.RNode
	for _, list := range []string{"initContainers", "containers"} {
		found, err := node.Pipe(yaml.Lookup(append(slices.Clone(podSpec), list)...))
		if err != nil || found == nil || found.YNode().Kind != yaml.SequenceNode {
			continue
		}
		for _, container := range found.YNode().Content {
			containers = append(containers, yaml.NewRNode(container))
		}
	}
	return containers
}

// uniqueEnv removes the hidden variables of a container, and returns their names, each once.
func uniqueEnv(container *yaml.RNode) []string {
	if container.YNode().Kind != yaml.MappingNode {
		return nil
	}
	env := container.Field("env")
	if env == nil || env.Value.YNode().Kind != yaml.SequenceNode {
		return nil
	}
	list := env.Value.YNode()
	var hidden []string
	kept := make([]*yaml.Node, 0, len(list.Content))
	seen := map[string]bool{}
	for _, variable := range slices.Backward(list.Content) {
		name := text(yaml.NewRNode(variable), "name")
		if seen[name] && name != "" {
			hidden = append(hidden, name)
			continue
		}
		seen[name] = true
		kept = append(kept, variable)
	}
	slices.Reverse(kept)
	list.Content = kept
	slices.SortFunc(hidden, strings.Compare)
	return slices.Compact(hidden)
}

// text is a field of a mapping as text; "" where it has none.
func text(node *yaml.RNode, field string) string {
	if node.YNode().Kind != yaml.MappingNode {
		return ""
	}
	found := node.Field(field)
	if found == nil {
		return ""
	}
	return found.Value.YNode().Value
}
