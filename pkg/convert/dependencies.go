package convert

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// dependencies are what Pack.yaml says of them.
type dependencies struct {
	// list is nil where there are none, and file is the one of the chart that has it.
	list *yaml.Node
	file string
}

// line is that of a dependency in the chart, by its index.
func (d dependencies) line(index int) int {
	if d.list == nil || index >= len(d.list.Content) {
		return 0
	}
	return d.list.Content[index].Line
}

// convertDependencies moves what the chart lists. What requirements.yaml says counts more than Chart.yaml.
func (c *conversion) convertDependencies() dependencies {
	for _, file := range []string{requirementsFile, pack.ChartFile} {
		if _, found := c.chart.Text(file); !found {
			continue
		}
		_, mapping := c.read(file)
		list := valueOf(mapping, "dependencies")
		if list == nil || len(list.Content) == 0 {
			continue
		}
		for _, dependency := range list.Content {
			c.convertDependency(file, dependency)
			c.checkVersion(file, dependency)
		}
		return dependencies{list: list, file: file}
	}
	return dependencies{}
}

// convertDependency leaves of a dependency what packs have.
func (c *conversion) convertDependency(file string, dependency *yaml.Node) {
	if dependency.Kind != yaml.MappingNode {
		c.complain(file, dependency.Line, "cannot be converted: it is not a plain mapping of keys to values")
		return
	}
	var kept []*yaml.Node
	for i := 0; i+1 < len(dependency.Content); i += 2 {
		switch key, value := dependency.Content[i], dependency.Content[i+1]; key.Value {
		case "name", "version", "alias", "condition", "tags":
			kept = append(kept, key, value)
		case "repository":
			c.note(file, key.Line, "repository is left out: the dependency lies in packs/, and dependency update takes folders and archives only")
		case "import-values":
			if len(value.Content) > 0 {
				c.complain(file, key.Line, "packs have no import-values")
			}
		default:
			c.note(file, key.Line, "%s is left out: the dependencies of packs have no such key", key.Value)
		}
	}
	dependency.Content = kept
}

// checkVersion finds a dependency of which charts/ has only versions that are not allowed, or none. Helm renders those all the same, and
// does not apply to them what is said of the dependency.
func (c *conversion) checkVersion(file string, dependency *yaml.Node) {
	var wanted pack.Dependency
	if err := dependency.Decode(&wanted); err != nil {
		c.complain(file, dependency.Line, "%v", err)
		return
	}
	var others []string
	for _, below := range c.below {
		switch metadata := below.chart.Metadata; {
		case metadata.Name != wanted.Name:
		case wanted.Allows(metadata.Version):
			return
		default:
			others = append(others, metadata.Version)
		}
	}
	has := ""
	if len(others) > 0 {
		has = ", which has " + strings.Join(others, " and ")
	}
	c.complain(file, dependency.Line, "%s is not in charts/%s; run helm dependency build %s", wanted, has, c.chart.Path)
}

// valueOf returns the value of a key in a mapping; nil where there is none.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; mapping != nil && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// convertSubcharts makes a pack of each chart in charts/, listed or not. Archives become folders.
func (c *conversion) convertSubcharts() {
	nested, err := c.chart.Nested(pack.ChartsFolder)
	if err != nil {
		c.complain(pack.ChartsFolder, 0, "%v", err)
	}
	taken := map[string]bool{}
	for _, n := range nested {
		opened, err := source.New(pack.PathIn(c.chart.Path, n.Path), n.Files)
		if err != nil {
			c.complain(n.Path, 0, "%v", err)
			continue
		}
		name := strings.TrimSuffix(path.Base(n.Path), ".tgz")
		if taken[name] {
			c.complain(n.Path, 0, "is there as a folder and as an archive; delete one of them")
		}
		taken[name] = true
		c.below = append(c.below, newConversion(opened.Pack(), path.Join(c.folder, pack.PacksFolder, name)))
	}
}
