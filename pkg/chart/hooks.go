package chart

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// reading tells of what Helm's annotations of resources say that Helm ignores. It changes nothing in them.
type reading struct{ warnings []string }

// annotations looks at those of one resource.
func (r *reading) annotations(node *yaml.RNode) {
	annotations := node.GetAnnotations()
	for _, list := range []struct {
		key   string
		known []string
	}{
		{releasev1.HookDeleteAnnotation, words.Texts(hook.DeletePolicies())},
		{releasev1.HookOutputLogAnnotation, words.Texts(hook.LogPolicies())},
		{"helm.sh/resource-policy", []string{"keep"}},
	} {
		r.words(node, list.key, annotations[list.key], list.known)
	}
	if weight := annotations[releasev1.HookWeightAnnotation]; weight != "" {
		if _, err := strconv.Atoi(weight); err != nil {
			r.warn(node, "%s: %q is not a whole number; the weight is 0, as with Helm", releasev1.HookWeightAnnotation, weight)
		}
	}
	if hook.IsInstalledFirst(kinds.OfNode(node).GroupKind(), annotations) {
		r.warn(node, "%s: %s is a hook of Helm 2; applied as a definition, before the resources that need it", releasev1.HookAnnotation, hook.CRDInstall)
	}
}

// words tells of those that are not known.
func (r *reading) words(node *yaml.RNode, key, value string, known []string) {
	for word := range strings.SplitSeq(strings.ToLower(value), ",") {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(known, word) {
			r.warn(node, "%s: unknown word %q is ignored, as with Helm; valid words: %s", key, word, strings.Join(known, ", "))
		}
	}
}

func (r *reading) warn(node *yaml.RNode, format string, args ...any) {
	place := manifest.Position(manifest.File(node), 0) + node.GetKind() + "/" + node.GetName() + ": "
	r.warnings = append(r.warnings, place+fmt.Sprintf(format, args...))
}
