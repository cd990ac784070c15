// Package chart makes a Helm chart the same thing that a pack is: it is loaded, completed and rendered by Helm's own packages,
// and what Helm does not bound, it bounds. What comes out is what Helm's template command prints.
package chart

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// Chart is a chart as it was read, with its subcharts.
type Chart struct {
	pack *pack.Pack
	// loaded is what Helm knows of it before it is completed, which needs a clone.
	loaded *chart.Chart
	// names are what the packs above call it that depend on it, from the top down, and opened is the top pack as the user named it.
	// There are none for a chart that was opened itself, which is its own top.
	names  []string
	opened string
	// warnings are what there is to know of it whatever it is completed with.
	warnings []string
	limits   limits
	// givenUp is why Helm's packages were left to themselves once, which they may still be: they are not called again. nil
	// where they were not.
	givenUp error
}

// New makes a chart of the files that pack.Read returned, and keeps them; name is only told in errors, which are
// *pack.InvalidError.
func New(name string, files []pack.File) (*Chart, error) {
	c := &Chart{pack: &pack.Pack{Path: name, All: files}, limits: usual(), opened: name}
	loaded, warnings, err := c.load()
	if err != nil {
		return nil, invalid(name, err)
	}
	c.warnings, c.loaded = warnings, loaded
	c.describe(loaded)
	if loaded.Metadata.Deprecated {
		c.warnings = append(c.warnings, fmt.Sprintf("chart %s is deprecated", c.pack.Metadata.Name))
	}
	return c, nil
}

// As returns the chart as a dependency of an opened pack: names are what the packs above call it, from the top down.
func (c *Chart) As(opened string, names []string) (*Chart, error) {
	called := pack.PathIn(opened, pack.FolderOf(names))
	dependency := &Chart{
		pack: &pack.Pack{Path: called, All: c.pack.All}, names: names, opened: opened, warnings: c.warnings, limits: c.limits,
	}
	loaded, _, err := dependency.load()
	if err != nil {
		return nil, invalid(called, err)
	}
	dependency.loaded = loaded
	dependency.describe(loaded)
	return dependency, nil
}

// folder is where the folder of the chart lies in the pack that depends on it; "" for a chart that was opened itself.
func (c *Chart) folder() string { return strings.TrimPrefix(path.Dir("/"+pack.FolderOf(c.names)), "/") }

// Pack tells of the chart as of a pack.
func (c *Chart) Pack() *pack.Pack { return c.pack }

// Templates are the names of its templates and definitions, those of subcharts included.
func (c *Chart) Templates() []string {
	var names []string
	for _, file := range slices.Concat(c.pack.Templates, c.pack.CRDs) {
		names = append(names, file.Path)
	}
	return names
}

// Dependencies are those that the chart lists, as a pack would list them.
func (c *Chart) Dependencies() []pack.Dependency {
	var found []pack.Dependency
	for _, d := range c.loaded.Metadata.Dependencies {
		found = append(found, pack.Dependency{
			Name: d.Name, Version: d.Version, Repository: d.Repository, Alias: d.Alias, Condition: d.Condition, Tags: d.Tags,
		})
	}
	return found
}

// CheckDependencies refuses a chart that lacks subcharts it lists.
func (c *Chart) CheckDependencies() error { return c.checkDependencies(c.loaded) }

// IsChart reports that it is one.
func (c *Chart) IsChart() bool { return true }

// load makes what Helm knows of the chart, and returns what Helm warns of.
func (c *Chart) load() (loaded *chart.Chart, warnings []string, err error) {
	var files []*archive.BufferedFile
	for _, file := range c.pack.All {
		data := bytes.TrimPrefix(file.Data, []byte("\xEF\xBB\xBF"))
		files = append(files, &archive.BufferedFile{Name: file.Path, Data: data})
		if file.Path == pack.ChartFile {
			if err := checkVersion(data); err != nil {
				return nil, nil, err
			}
		}
	}
	warnings, err = listen(func() error {
		loaded, err = loader.LoadFiles(files)
		return err
	})
	if err != nil {
		return nil, nil, cmp.Or(c.hasPack(), err)
	}
	sortDependencies(loaded)
	if len(c.names) > 0 {
		loaded.Metadata.Name = c.names[len(c.names)-1]
	}
	return loaded, warnings, nil
}

// bounded calls a function of Helm's within the limits, and returns what that warns of.
func (c *Chart) bounded(call func() error) (warnings []string, err error) {
	if c.givenUp != nil {
		return nil, c.givenUp
	}
	warnings, err = listen(func() error { return c.limits.bounded(call) })
	if errors.As(err, new(*exceeded)) {
		c.givenUp = err
	}
	return warnings, err
}

// hasPack is the error for a pack among the subcharts; nil where there is none. Helm would miss its Chart.yaml.
func (c *Chart) hasPack() error {
	// What cannot be read is told by Helm.
	nested, _ := c.pack.Nested(pack.ChartsFolder)
	for _, n := range nested {
		isPack := slices.ContainsFunc(n.Files, func(f pack.File) bool { return f.Path == pack.MetadataFile })
		if isPack && !pack.IsChart(n.Files) {
			return fmt.Errorf("%s is a pack; a chart can only depend on charts", n.Path)
		}
	}
	return nil
}

// sortDependencies puts the subcharts in the order of their names. Helm's loader leaves them in a random one, which decides
// whose template counts of two that have the same name.
func sortDependencies(c *chart.Chart) {
	below := slices.Clone(c.Dependencies())
	slices.SortStableFunc(below, func(a, b *chart.Chart) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.Metadata.Version, b.Metadata.Version))
	})
	c.SetDependencies(below...)
	for _, sub := range below {
		sortDependencies(sub)
	}
}

// clone returns a chart of which Helm may change all that completing a chart changes: its values, its dependencies and what it
// says of them. To read its files again would take as long as to render it.
func clone(c *chart.Chart) *chart.Chart {
	cloned, metadata := *c, *c.Metadata
	metadata.Dependencies = slices.Clone(metadata.Dependencies)
	for i, dependency := range metadata.Dependencies {
		if dependency != nil {
			copied := *dependency
			metadata.Dependencies[i] = &copied
		}
	}
	cloned.Metadata = &metadata
	if c.Values != nil {
		// What Helm reads has no numbers of another kind.
		cloned.Values = floats(c.Values)
	}
	var below []*chart.Chart
	for _, sub := range c.Dependencies() {
		below = append(below, clone(sub))
	}
	cloned.SetDependencies(below...)
	return &cloned
}

// describe tells of the chart as of a pack.
func (c *Chart) describe(loaded *chart.Chart) {
	from := loaded.Metadata
	c.pack.Kind = pack.Application
	if from.Type == string(pack.Library) {
		c.pack.Kind = pack.Library
	}
	c.pack.Metadata = Metadata(from)
	c.pack.Values = pack.Copy(loaded.Values)
	for _, file := range c.pack.All {
		switch {
		case strings.Contains(file.Path, "/templates/") || strings.HasPrefix(file.Path, "templates/"):
			c.pack.Templates = append(c.pack.Templates, pack.File{Path: path.Join(c.folder(), from.Name, file.Path), Data: file.Data})
		case isDefinition(file.Path):
			c.pack.CRDs = append(c.pack.CRDs, pack.File{Path: path.Join(c.folder(), from.Name, file.Path), Data: file.Data})
		case file.Path != pack.ChartFile && file.Path != pack.ValuesFile:
			c.pack.Files = append(c.pack.Files, file)
		}
	}
}

// isDefinition reports whether a file has custom resource definitions that are no templates.
func isDefinition(name string) bool {
	return (strings.HasPrefix(name, "crds/") || strings.Contains(name, "/crds/")) && slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

// invalid is the error for a chart that Helm refuses.
func invalid(name string, err error) error {
	var wrong *pack.InvalidError
	if errors.As(err, &wrong) {
		return err
	}
	return &pack.InvalidError{Problems: []pack.Problem{{File: strings.TrimRight(name, "/"), Message: err.Error()}}}
}
