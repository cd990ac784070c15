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
	// alias takes the place of its name where a pack depends on it, and folder is where it lies in that; both are "" otherwise.
	alias, folder string
	// warnings are what there is to know of it whatever it is completed with.
	warnings []string
}

// New makes a chart of the files that pack.Read returned, and keeps them; name is only told in errors, which are
// *pack.InvalidError.
func New(name string, files []pack.File) (*Chart, error) {
	c := &Chart{pack: &pack.Pack{Path: name, All: files}}
	var loaded *chart.Chart
	var err error
	c.warnings, err = listen(func() error {
		loaded, err = c.load()
		return err
	})
	if err != nil {
		return nil, invalid(name, err)
	}
	c.describe(loaded)
	if loaded.Metadata.Deprecated {
		c.warnings = append(c.warnings, fmt.Sprintf("chart %s is deprecated", c.pack.Metadata.Name))
	}
	return c, nil
}

// As returns the chart as a pack has it that depends on it: under another name, in a folder of the pack. Problems call it by a
// path.
func (c *Chart) As(name, folder, named string) (*Chart, error) {
	dependency := &Chart{pack: &pack.Pack{Path: named, All: c.pack.All}, alias: name, folder: folder, warnings: c.warnings}
	loaded, err := dependency.load()
	if err != nil {
		return nil, invalid(named, err)
	}
	dependency.describe(loaded)
	return dependency, nil
}

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
func (c *Chart) Dependencies() ([]pack.Dependency, error) {
	loaded, err := c.load()
	if err != nil {
		return nil, invalid(c.pack.Path, err)
	}
	var found []pack.Dependency
	for _, d := range loaded.Metadata.Dependencies {
		found = append(found, pack.Dependency{
			Name: d.Name, Version: d.Version, Repository: d.Repository, Alias: d.Alias, Condition: d.Condition, Tags: d.Tags,
		})
	}
	return found, nil
}

// CheckDependencies refuses a chart that lacks subcharts it lists.
func (c *Chart) CheckDependencies() error {
	loaded, err := c.load()
	if err != nil {
		return invalid(c.pack.Path, err)
	}
	return checkDependencies(c.pack.Path, loaded)
}

// IsChart reports that it is one.
func (c *Chart) IsChart() bool { return true }

// load makes what Helm knows of the chart, which completing it changes.
func (c *Chart) load() (*chart.Chart, error) {
	var files []*archive.BufferedFile
	for _, file := range c.pack.All {
		data := bytes.TrimPrefix(file.Data, []byte("\xEF\xBB\xBF"))
		files = append(files, &archive.BufferedFile{Name: file.Path, Data: data})
		if file.Path == pack.ChartFile {
			if err := checkVersion(data); err != nil {
				return nil, err
			}
		}
	}
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return nil, cmp.Or(c.hasPack(), err)
	}
	sortDependencies(loaded)
	loaded.Metadata.Name = cmp.Or(c.alias, loaded.Metadata.Name)
	return loaded, nil
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

// describe tells of the chart as of a pack.
func (c *Chart) describe(loaded *chart.Chart) {
	from := loaded.Metadata
	c.pack.Kind = pack.Application
	if from.Type == string(pack.Library) {
		c.pack.Kind = pack.Library
	}
	c.pack.Metadata = pack.Metadata{
		Name: from.Name, Version: from.Version, Description: from.Description, AppVersion: from.AppVersion, KubeVersion: from.KubeVersion,
		Links: pack.Links{Home: from.Home, Icon: from.Icon, Sources: from.Sources}, Keywords: from.Keywords, Annotations: from.Annotations,
	}
	for _, maintainer := range from.Maintainers {
		c.pack.Metadata.Maintainers = append(c.pack.Metadata.Maintainers, pack.Maintainer(*maintainer))
	}
	c.pack.Values = pack.Copy(loaded.Values)
	for _, file := range c.pack.All {
		switch {
		case strings.Contains(file.Path, "/templates/") || strings.HasPrefix(file.Path, "templates/"):
			c.pack.Templates = append(c.pack.Templates, pack.File{Path: path.Join(c.folder, from.Name, file.Path), Data: file.Data})
		case isDefinition(file.Path):
			c.pack.CRDs = append(c.pack.CRDs, pack.File{Path: path.Join(c.folder, from.Name, file.Path), Data: file.Data})
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
