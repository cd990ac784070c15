package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
)

// missing returns the references that nothing provides. Whoever installs the pack may do so, therefore they are warnings.
func missing(resources []resource) []Finding {
	provided := map[kinds.Key]bool{}
	for _, r := range resources {
		provided[inNamespace(r.object.Key())] = true
	}
	var found []Finding
	for _, r := range resources {
		for _, key := range plan.References(r.object) {
			key = inNamespace(key)
			if key.Name == "" || provided[key] || comesWithTheCluster(key) || mentioned(resources, key.Name) {
				continue
			}
			finding := r.at(Warning, RuleMissingReference, fmt.Sprintf("refers to %s/%s, which is not in the pack", key.Kind, key.Name))
			finding.Line = cmp.Or(lineOf(r.node.YNode(), key.Name), finding.Line)
			found = append(found, finding)
		}
	}
	return found
}

// inNamespace gives a key the namespace of the release where it says none; those of kinds without namespaces have none.
func inNamespace(key kinds.Key) kinds.Key {
	if key.Kind == "ClusterRole" {
		key.Namespace = ""
		return key
	}
	key.Namespace = cmp.Or(key.Namespace, namespace)
	return key
}

// comesWithTheCluster reports whether every cluster has an object.
func comesWithTheCluster(key kinds.Key) bool {
	switch key.Kind {
	case "ServiceAccount":
		return key.Name == "default"
	case "ConfigMap":
		return key.Name == "kube-root-ca.crt"
	case "ClusterRole":
		return strings.HasPrefix(key.Name, "system:") || slices.Contains([]string{"cluster-admin", "admin", "edit", "view"}, key.Name)
	}
	return false
}

// mentioned reports whether a custom resource has a name as one of its values: operators make Secrets and the like that are
// called as they are told.
func mentioned(resources []resource, name string) bool {
	return slices.ContainsFunc(resources, func(r resource) bool {
		return !kinds.BuiltIn(r.object.GroupVersionKind().Group) && lineOf(r.node.YNode(), name) > 0
	})
}

// lineOf is the line of the first value that is a text; 0 where there is none.
func lineOf(node *yaml.Node, text string) int {
	if node.Kind == yaml.ScalarNode && node.Value == text {
		return node.Line
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		if line := lineOf(child, text); line > 0 {
			return line
		}
	}
	return 0
}
