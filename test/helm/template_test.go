package helm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/getter"
	releasev1 "helm.sh/helm/v4/pkg/release/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// templateOfHelm is what helm template --include-crds prints.
func templateOfHelm(folder, chart string, args []string) (string, error) {
	install := action.NewInstall(action.NewConfiguration())
	install.ReleaseName, install.Namespace, install.Replace, install.IncludeCRDs = "shop", "prod", true, true
	install.DryRunStrategy = action.DryRunClient
	var given values.Options
	kubeVersion, apiVersions := "", []string(nil)
	flags := pflag.NewFlagSet("helm", pflag.ContinueOnError)
	flags.StringSliceVarP(&given.ValueFiles, "values", "f", nil, "")
	flags.StringArrayVar(&given.Values, "set", nil, "")
	flags.StringArrayVar(&given.StringValues, "set-string", nil, "")
	flags.StringArrayVar(&given.JSONValues, "set-json", nil, "")
	flags.StringArrayVar(&given.FileValues, "set-file", nil, "")
	flags.BoolVar(&install.IsUpgrade, "is-upgrade", false, "")
	flags.BoolVar(&install.DisableHooks, "no-hooks", false, "")
	flags.StringVar(&kubeVersion, "kube-version", ourKubeVersion, "")
	flags.StringSliceVar(&apiVersions, "api-versions", nil, "")
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	for i, name := range given.ValueFiles {
		given.ValueFiles[i] = filepath.Join(folder, name)
	}
	for i, arg := range given.FileValues {
		key, name, _ := strings.Cut(arg, "=")
		given.FileValues[i] = key + "=" + filepath.Join(folder, name)
	}
	version, err := common.ParseKubeVersion(kubeVersion)
	if err != nil {
		return "", err
	}
	install.KubeVersion, install.APIVersions = version, apiVersions
	merged, err := given.MergeValues(getter.Providers{})
	if err != nil {
		return "", err
	}
	return run(install, filepath.Join(folder, chart), merged)
}

// ourKubeVersion is the version that the plugin renders for where none is named.
const ourKubeVersion = "v1.37.0"

func run(install *action.Install, chart string, given map[string]any) (string, error) {
	loaded, err := loader.Load(chart)
	if err != nil {
		return "", err
	}
	made, err := install.Run(loaded, given)
	if err != nil {
		return "", err
	}
	release, isV1 := made.(*releasev1.Release)
	if !isV1 {
		return "", fmt.Errorf("Helm returned a %T", made)
	}
	text := release.Manifest
	if install.DisableHooks {
		return text, nil
	}
	for _, hook := range release.Hooks {
		text += "\n---\n" + hook.Manifest
	}
	return text, nil
}

// object is an object of a manifest, in a form that is the same for equal ones.
type object struct {
	// name is its API version, kind and name.
	name, content string
}

// objects are those of a manifest, each once, by their names. What stands in a list is not a part of one.
func objects(text string) ([]object, error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 1<<20)
	var found []object
	for {
		var content map[string]any
		err := decoder.Decode(&content)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		items, isList := content["items"].([]any)
		if !isList {
			items = []any{content}
		}
		for _, item := range items {
			if one, isObject := item.(map[string]any); isObject && len(one) > 0 {
				found = append(found, normal(one))
			}
		}
	}
	slices.SortFunc(found, func(a, b object) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.content, b.content)) })
	return slices.Compact(found), nil
}

// normal returns an object without annotations that are none.
func normal(content map[string]any) object {
	metadata, _ := content["metadata"].(map[string]any)
	if annotations, _ := metadata["annotations"].(map[string]any); len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	// What was decoded can be encoded.
	text, _ := json.Marshal(content)
	return object{fmt.Sprint(content["apiVersion"], " ", content["kind"], " ", metadata["name"]), string(text)}
}
