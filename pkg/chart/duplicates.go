package chart

import (
	"cmp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// unique drops resources that are there twice; warnings tell of these, and of annotations that Helm ignores. What is not the same under
// the same name is left for the plan to refuse.
func unique(nodes []*yaml.RNode, namespace string) (kept []*yaml.RNode, warnings []string) {
	var reading reading
	first := map[kinds.Key]*yaml.RNode{}
	for _, node := range nodes {
		reading.annotations(node)
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
	return kept, reading.warnings
}

// same reports whether two resources say the same, wherever they stand.
func same(a, b *yaml.RNode) bool {
	left, right := content(a), content(b)
	return left != "" && left == right
}

// content is a resource as JSON without what is not part of it; "" where it cannot be written.
func content(node *yaml.RNode) string {
	plain := node.Copy()
	if plain.PipeE(yaml.ClearAnnotation(kioutil.PathAnnotation)) != nil || yaml.ClearEmptyAnnotations(plain) != nil {
		return ""
	}
	text, err := plain.MarshalJSON()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
