package render

import (
	"encoding/json"
	"slices"
	"text/template"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// facts are what templates can ask for: values, release, pack, capabilities and files.
type facts struct {
	values, release, pack, capabilities map[string]any
	// files are files or strictFiles.
	files any
}

func newFacts(e Engine, p *pack.Pack, values map[string]any, release Release) facts {
	return facts{
		values: values,
		release: map[string]any{
			"name":      release.Name,
			"namespace": release.Namespace,
			"revision":  release.Revision,
			"isInstall": release.IsInstall,
			"isUpgrade": release.IsUpgrade,
			"service":   "Sherpack",
		},
		pack: metadata(p.Metadata),
		capabilities: map[string]any{
			"kubeVersion": kubeVersion(e.Capabilities.KubeVersion),
			"apiVersions": apiVersions(e.Capabilities.APIVersions),
		},
		files: otherFiles(p),
	}
}

func otherFiles(p *pack.Pack) any {
	data := files{}
	for _, file := range slices.Concat(p.Files, p.CRDs) {
		data[file.Path] = file.Data
	}
	if p.Engine.Strict {
		return strictFiles(data)
	}
	return data
}

// metadata has the keys of Pack.yaml; those that are not set there are undefined.
func metadata(m pack.Metadata) map[string]any {
	var keys map[string]any
	// Metadata consists of strings, so neither can go wrong.
	if text, err := json.Marshal(m); err == nil {
		_ = json.Unmarshal(text, &keys)
	}
	return keys
}

// kubeVersion adds Helm's spellings.
type kubeVersion KubeVersion

// String returns the version.
func (v kubeVersion) String() string { return v.Version }

// GitVersion returns the version.
func (v kubeVersion) GitVersion() string { return v.Version }

type apiVersions []string

// Has says whether the cluster serves a version, as apps/v1, or a kind, as apps/v1/Deployment.
func (v apiVersions) Has(name string) bool { return slices.Contains(v, name) }

// answers are the functions that answer for the pack at any depth of a template. values is sprig's where it is given dictionaries.
func (r *run) answers() template.FuncMap {
	return template.FuncMap{
		"release":      func() map[string]any { return r.scope.facts.release },
		"pack":         func() map[string]any { return r.scope.facts.pack },
		"capabilities": func() map[string]any { return r.scope.facts.capabilities },
		"files":        func() any { return r.scope.facts.files },
		"values": func(dictionaries ...map[string]any) any {
			if len(dictionaries) > 0 {
				return valuesOf(dictionaries)
			}
			return r.scope.facts.values
		},
	}
}

// helmSpelling returns the dot: the same facts under Helm's names.
func (f facts) helmSpelling() map[string]any {
	capabilities := map[string]any{
		"KubeVersion": f.capabilities["kubeVersion"],
		"APIVersions": f.capabilities["apiVersions"],
	}
	return map[string]any{
		"Values":       f.values,
		"Release":      capitalised(f.release),
		"Pack":         capitalised(f.pack),
		"Capabilities": capabilities,
		"Files":        f.files,
	}
}

func capitalised(fact map[string]any) map[string]any {
	renamed := map[string]any{}
	for key, value := range fact {
		renamed[exported(key)] = value
	}
	return renamed
}
