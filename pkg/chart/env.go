package chart

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// UniqueEnv removes the environment variables of containers that a later one of the same name hides, from the resources of a
// chart, and names them. Clients that replace whole objects could write both, and the kubelet takes the last; server-side apply
// knows them by their names and refuses the object. What is left stands where the last one stood, as the kubelet reads them in order,
// or where the first one did if another variable in between refers to it.
func UniqueEnv(nodes []*yaml.RNode) (warnings []string) {
	for _, node := range nodes {
		path := kinds.PodSpec(kinds.OfNode(node).GroupKind())
		if path == nil {
			continue
		}
		for _, container := range containersOf(node, path) {
			for _, hidden := range uniqueEnv(container) {
				warnings = append(warnings, fmt.Sprintf("%s%s/%s: container %q has the environment variable %s",
					manifest.Position(manifest.File(node), 0), node.GetKind(), node.GetName(), text(container, "name"), hidden))
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

// uniqueEnv removes the hidden variables of a container, and returns what is to be said of each name.
func uniqueEnv(container *yaml.RNode) []string {
	if container.YNode().Kind != yaml.MappingNode {
		return nil
	}
	env := container.Field("env")
	if env == nil || env.Value.YNode().Kind != yaml.SequenceNode {
		return nil
	}
	list := env.Value.YNode()
	first, last := map[string]int{}, map[string]int{}
	for i, variable := range list.Content {
		name := text(yaml.NewRNode(variable), "name")
		if _, seen := first[name]; !seen {
			first[name] = i
		}
		last[name] = i
	}
	var kept []*yaml.Node
	var hidden []string
	for i, variable := range list.Content {
		name := text(yaml.NewRNode(variable), "name")
		from, to := first[name], last[name]
		switch isEarly := refers(list.Content[from:to], name); {
		case name == "" || from == to:
			kept = append(kept, variable)
		case i == from && isEarly:
			kept = append(kept, list.Content[to])
			hidden = append(hidden, name+" twice; the last one counts, also for the variables before it that refer to it")
		case i == to && !isEarly:
			kept = append(kept, variable)
			hidden = append(hidden, name+" twice; the last one counts")
		}
	}
	list.Content = kept
	slices.Sort(hidden)
	return hidden
}

// refers reports whether the value of a variable has that of another in it, which must stand before it then.
func refers(variables []*yaml.Node, to string) bool {
	return slices.ContainsFunc(variables, func(variable *yaml.Node) bool {
		return strings.Contains(text(yaml.NewRNode(variable), "value"), "$("+to+")")
	})
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
