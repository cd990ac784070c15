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
	c := &Chart{pack: &pack.Pack{Path: name, All: files}, limits: usual()}
	loaded, warnings, err := c.load()
	if err != nil {
		return nil, invalid(name, err)
	}
	c.warnings = warnings
	c.describe(loaded)
	if loaded.Metadata.Deprecated {
		c.warnings = append(c.warnings, fmt.Sprintf("chart %s is deprecated", c.pack.Metadata.Name))
	}
	return c, nil
}

// Pack tells of the chart as of a pack.
func (c *Chart) Pack() *pack.Pack { return c.pack }

// IsChart reports that it is one.
func (c *Chart) IsChart() bool { return true }

// load makes what Helm knows of the chart, which completing it changes, and returns what Helm warns of.
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
		return nil, nil, err
	}
	sortDependencies(loaded)
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
	c.pack.Metadata = Metadata(from)
	c.pack.Values = pack.Copy(loaded.Values)
	for _, file := range c.pack.All {
		switch {
		case strings.Contains(file.Path, "/templates/") || strings.HasPrefix(file.Path, "templates/"):
			c.pack.Templates = append(c.pack.Templates, pack.File{Path: path.Join(from.Name, file.Path), Data: file.Data})
		case isDefinition(file.Path):
			c.pack.CRDs = append(c.pack.CRDs, pack.File{Path: path.Join(from.Name, file.Path), Data: file.Data})
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
