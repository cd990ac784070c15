package chart

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

const (
	// crdInstall is a hook of Helm 2, which creates definitions before all else.
	crdInstall = "crd-install"
	keepPolicy = "keep"
)

// reading reads Helm's annotations of resources as Helm does, and writes them as a pack has them. Words that Helm ignores are
// removed, with a warning; a phase that does not exist is left for the reader of hooks to refuse, because Helm drops the whole
// resource for it.
type reading struct{ warnings []string }

// annotations reads those of one resource.
func (r *reading) annotations(node *yaml.RNode) error {
	annotations := node.GetAnnotations()
	if len(annotations) == 0 {
		return nil
	}
	changes := map[string]*string{}
	for _, list := range lists() {
		r.words(node, annotations, changes, list)
	}
	r.weight(node, annotations, changes)
	r.phases(node, annotations, changes)
	for key, value := range changes {
		var filter yaml.Filter = yaml.ClearAnnotation(key)
		if value != nil {
			filter = yaml.SetAnnotation(key, *value)
		}
		if err := node.PipeE(filter); err != nil {
			return err
		}
	}
	return nil
}

// list is an annotation that holds a list of words, of which Helm knows some.
type list struct {
	key   string
	known []string
}

func lists() []list {
	return []list{
		{releasev1.HookDeleteAnnotation, texts(hook.DeletePolicies())},
		{releasev1.HookOutputLogAnnotation, texts(hook.LogPolicies())},
		{"helm.sh/resource-policy", []string{keepPolicy}},
	}
}

func texts[T ~string](words []T) []string {
	found := make([]string, len(words))
	for i, word := range words {
		found[i] = string(word)
	}
	return found
}

func (r *reading) warn(node *yaml.RNode, format string, args ...any) {
	place := manifest.Position(manifest.File(node), 0) + node.GetKind() + "/" + node.GetName() + ": "
	r.warnings = append(r.warnings, place+fmt.Sprintf(format, args...))
}

// phases writes the phases in lower case, and makes a plain definition of one that was a hook once.
func (r *reading) phases(node *yaml.RNode, annotations map[string]string, changes map[string]*string) {
	value, isHook := annotations[releasev1.HookAnnotation]
	if !isHook {
		return
	}
	phases := helmsWords(value)
	if slices.Contains(phases, crdInstall) {
		r.warn(node, "%s: %s is a hook of Helm 2; applied as a definition, before the resources that need it", releasev1.HookAnnotation, crdInstall)
		changes[releasev1.HookAnnotation], changes[releasev1.HookDeleteAnnotation], changes[releasev1.HookWeightAnnotation] = nil, nil, nil
		if kinds.IsDefinition(schema.FromAPIVersionAndKind(node.GetApiVersion(), node.GetKind()).GroupKind()) {
			changes[hook.ChartDefinition] = ptr.To(crdInstall)
		}
		return
	}
	set(changes, releasev1.HookAnnotation, value, phases)
}

// weight removes what is no whole number, which weighs nothing.
func (r *reading) weight(node *yaml.RNode, annotations map[string]string, changes map[string]*string) {
	value, given := annotations[releasev1.HookWeightAnnotation]
	if _, err := strconv.Atoi(value); !given || err == nil {
		return
	}
	if value != "" {
		r.warn(node, "%s: %q is not a whole number; the weight is 0, as with Helm", releasev1.HookWeightAnnotation, value)
	}
	changes[releasev1.HookWeightAnnotation] = nil
}

// words writes a list of words in lower case, without those that are not known.
func (r *reading) words(node *yaml.RNode, annotations map[string]string, changes map[string]*string, of list) {
	value, given := annotations[of.key]
	if !given {
		return
	}
	var kept []string
	for _, word := range helmsWords(value) {
		switch {
		case slices.Contains(of.known, word):
			kept = append(kept, word)
		case word != "":
			r.warn(node, "%s: unknown word %q is ignored, as with Helm; valid words: %s", of.key, word, strings.Join(of.known, ", "))
		}
	}
	if len(kept) == 0 {
		changes[of.key] = nil
		return
	}
	set(changes, of.key, value, kept)
}

// helmsWords are the words of an annotation as Helm reads them.
func helmsWords(value string) []string {
	words := strings.Split(value, ",")
	for i, word := range words {
		words[i] = strings.ToLower(strings.TrimSpace(word))
	}
	return words
}

// set changes the value of an annotation that does not already say these words, with blanks or without.
func set(changes map[string]*string, key, before string, words []string) {
	if after := strings.Join(words, ","); after != strings.Join(strings.Fields(strings.ReplaceAll(before, ",", " , ")), "") {
		changes[key] = &after
	}
}
