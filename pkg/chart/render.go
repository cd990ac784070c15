package chart

import (
	"maps"
	"path"
	"slices"
	"strings"

	chartapi "helm.sh/helm/v4/pkg/chart"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// completed is a chart with all its values, and the subcharts that they enable.
type completed struct {
	chart    *Chart
	loaded   *chart.Chart
	values   map[string]any
	warnings []string
}

// Scopes implements render.Completed. Nobody knows what the templates of a chart read.
func (c *completed) Scopes() []pack.Scope { return []pack.Scope{{Values: c.Values()}} }

// Values implements render.Completed.
func (c *completed) Values() map[string]any { return plain(c.values) }

// Render implements render.Completed: what it returns is what Helm's template command prints, read as Helm reads it.
func (c *completed) Render(from render.Engine, r render.Release) (*render.Result, error) {
	var texts map[string]string
	warnings, err := c.chart.bounded(func() (err error) {
		texts, err = c.execute(from, r)
		return err
	})
	if err != nil {
		return nil, templateError(c.chart.folder(), err)
	}
	result := &render.Result{Notes: c.takeNotes(texts), Warnings: append(slices.Clone(c.warnings), warnings...)}
	documents := documents{}
	for _, definition := range c.loaded.CRDObjects() {
		if err := documents.add(path.Join(c.chart.folder(), definition.Filename), string(definition.File.Data)); err != nil {
			return nil, err
		}
	}
	for _, file := range slices.Sorted(maps.Keys(texts)) {
		if err := documents.add(path.Join(c.chart.folder(), file), texts[file]); err != nil {
			return nil, err
		}
	}
	nodes, err := documents.Resources()
	if err != nil {
		return nil, err
	}
	result.Warnings = append(result.Warnings, documents.warnings...)
	nodes, more, err := asPackHas(nodes, r.Namespace)
	result.Nodes, result.Warnings = nodes, append(result.Warnings, more...)
	if err == nil && len(c.chart.names) > 0 {
		err = c.markDefinitions(nodes)
	}
	return result, err
}

// markDefinitions marks what lies in crds/, as the manifest of the pack that depends on the chart does not tell it from what lies in
// crds/ of packs.
func (c *completed) markDefinitions(nodes []*yaml.RNode) error {
	definitions := map[string]bool{}
	for _, definition := range c.loaded.CRDObjects() {
		definitions[path.Join(c.chart.folder(), definition.Filename)] = true
	}
	for _, node := range nodes {
		if !definitions[manifest.File(node)] {
			continue
		}
		if err := node.PipeE(yaml.SetAnnotation(hook.ChartDefinition, "crds")); err != nil {
			return err
		}
	}
	return nil
}

// execute renders all templates, by their paths.
func (c *completed) execute(from render.Engine, r render.Release) (map[string]string, error) {
	accessor, err := chartapi.NewAccessor(c.loaded)
	if err != nil {
		return nil, err
	}
	functions := render.BoundedSprig()
	functions["lookup"] = lookup(from)
	helm := engine.Engine{CustomTemplateFuncs: functions}
	//nolint:staticcheck // What takes a context hands it to a lookup that is not ours.
	return helm.Render(c.loaded, common.Values{
		"Chart": accessor.MetadataAsMap(), "Capabilities": capabilities(from.Capabilities), "Values": common.Values(c.values),
		"Release": map[string]any{
			"Name": r.Name, "Namespace": r.Namespace, "IsUpgrade": r.IsUpgrade, "IsInstall": r.IsInstall, "Revision": r.Revision,
			// Charts compare with it, and put it into selectors.
			"Service": "Helm",
		},
	})
}

// lookup is the function of templates; it finds nothing where there is no cluster.
func lookup(from render.Engine) func(apiVersion, kind, namespace, name string) (map[string]any, error) {
	return func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		if from.Lookup == nil {
			return map[string]any{}, nil
		}
		found, err := from.Lookup(apiVersion, kind, namespace, name)
		if found == nil {
			found = map[string]any{}
		}
		return found, err
	}
}

// capabilities are what templates know of the cluster, and of the version of Helm that these packages are of.
func capabilities(of render.Capabilities) *common.Capabilities {
	known := common.DefaultCapabilities.Copy()
	if parsed, err := common.ParseKubeVersion(of.KubeVersion.Version); err == nil {
		known.KubeVersion = *parsed
	}
	// A provider may call its minor version 30+.
	known.KubeVersion.Major, known.KubeVersion.Minor = of.KubeVersion.Major, of.KubeVersion.Minor
	known.APIVersions = of.APIVersions
	return known
}

// takeNotes removes the notes from what was rendered, and returns the chart's own: those of subcharts are not printed.
func (c *completed) takeNotes(texts map[string]string) string {
	const suffix = "NOTES.txt"
	notes := texts[path.Join(c.loaded.Name(), "templates", suffix)]
	maps.DeleteFunc(texts, func(file, _ string) bool { return strings.HasSuffix(file, suffix) })
	return notes
}

// documents gathers the resources of rendered files.
type documents struct {
	manifest.Files
	warnings []string
}

// add adds the documents of a file, split as Helm splits them.
func (d *documents) add(file, text string) error {
	for _, document := range split(text) {
		nodes, warning, err := decode(file, document)
		if warning != "" {
			d.warnings = append(d.warnings, warning)
		}
		if err := d.Add(file, nodes, err); err != nil {
			return err
		}
	}
	return nil
}
