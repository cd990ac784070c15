package chart

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// asPackHas makes of the resources of a chart what a pack would have: its annotations are those that hooks are read from, and no
// object appears in it twice. What is not the same under the same name is left for the plan to refuse.
func asPackHas(nodes []*yaml.RNode, namespace string) (kept []*yaml.RNode, warnings []string, err error) {
	var reading reading
	first := map[kinds.Key]*yaml.RNode{}
	for _, node := range nodes {
		if err := reading.annotations(node); err != nil {
			return nil, nil, fmt.Errorf("reading the annotations of %s/%s: %w", node.GetKind(), node.GetName(), err)
		}
		// Objects are made where they are needed: to make one takes longer than Helm takes to render it.
		key := kinds.KeyOf(corev1.ObjectReference{
			APIVersion: node.GetApiVersion(), Kind: node.GetKind(), Namespace: cmp.Or(node.GetNamespace(), namespace), Name: node.GetName(),
		})
		if before, twice := first[key]; twice && key.Name != "" && same(before, node) {
			reading.warn(node, "duplicate of the one in %s; used once", manifest.File(before))
			continue
		}
		first[key], kept = node, append(kept, node)
	}
	return kept, reading.warnings, nil
}

// same reports whether two resources say the same, wherever they stand.
func same(a, b *yaml.RNode) bool {
	left, right := content(a), content(b)
	return left != "" && left == right
}

// content is a resource as JSON without what is not part of it; "" where it cannot be written.
func content(node *yaml.RNode) string {
	plain := node.Copy()
	for _, key := range []string{kioutil.PathAnnotation, hook.ChartDefinition} {
		if plain.PipeE(yaml.ClearAnnotation(key)) != nil {
			return ""
		}
	}
	if yaml.ClearEmptyAnnotations(plain) != nil {
		return ""
	}
	text, err := plain.MarshalJSON()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
