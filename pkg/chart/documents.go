package chart

import (
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/strictyaml"
)

// split returns the documents of a rendered file as Helm finds them, in their order: charts rely on a document that begins right
// behind the dashes.
func split(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	found := util.SplitManifests(text)
	keys := make([]string, 0, len(found))
	for key := range found {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return number(a) - number(b) })
	documents := make([]string, len(keys))
	for i, key := range keys {
		// Helm ends each with a line break, which may belong to a text at its end.
		documents[i] = found[key] + "\n"
	}
	return documents
}

// number is the number in Helm's name of a document, manifest-3.
func number(key string) int {
	// Helm makes these names.
	n, _ := strconv.Atoi(strings.TrimPrefix(key, "manifest-"))
	return n
}

// decode reads a document. Helm accepts more than manifest.Decode does: of a key that appears twice the last one counts, and an
// empty mapping is nothing. The warning says so; for what both refuse there is the error of manifest.Decode.
func decode(file, document string) (nodes []*yaml.RNode, warning string, err error) {
	nodes, err = manifest.Decode(file, []byte(document), nil)
	if err == nil || strictyaml.CheckAliasesIn([]byte(document)) != nil {
		return nodes, "", err
	}
	asJSON, unreadable := k8syaml.YAMLToJSON([]byte(document))
	if unreadable != nil {
		return nodes, "", err
	}
	if string(asJSON) == "{}" {
		return nil, file + ": skipping an empty mapping", nil
	}
	plain, unreadable := k8syaml.JSONToYAML(asJSON)
	if unreadable != nil {
		return nodes, "", err
	}
	again, still := manifest.Decode(file, plain, nil)
	if still != nil {
		return nodes, "", err
	}
	return again, err.Error() + "; the last value counts, as with Helm", nil
}
