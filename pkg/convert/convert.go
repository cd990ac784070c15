// Package convert makes a pack of a Helm chart that is plain enough, and holds both together: what they are rendered to is the same,
// or there is no pack. It reads and writes no files.
package convert

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// Converted is a pack that was made of a chart.
type Converted struct {
	Files []pack.File
	// Strict says that the pack renders with undefined values as errors.
	Strict bool
	// Notes are what was left out, a line each.
	Notes []string
	// Compared says with which values both were rendered.
	Compared []string
}

// Chart makes a pack of a chart, and renders both for an engine to compare them. The error is a *pack.InvalidError with
// everything that cannot be converted or is rendered to something else; files are those of the chart.
func Chart(chart source.Source, engine render.Engine) (*Converted, error) {
	c := conversion{chart: chart.Pack()}
	c.checkFiles()
	c.convertTemplates()
	metadata := c.convertMetadata()
	if len(c.problems) > 0 {
		return nil, c.err()
	}
	var differences []pack.Problem
	for _, strict := range []bool{true, false} {
		files := c.files(metadata.encode(strict))
		made, err := pack.New(c.chart.Path, slices.Clone(files))
		if err != nil {
			return nil, c.inChart(err)
		}
		found := comparison{chart: chart, pack: source.Of(made), engine: engine}
		if found.compare(); len(found.problems) == 0 {
			if note := defaultsOfSchema(made); note != "" {
				c.notes = append(c.notes, made.Schema.File+": "+note)
			}
			return &Converted{Files: files, Strict: strict, Notes: c.notes, Compared: found.compared}, nil
		}
		differences = found.problems
	}
	return nil, &pack.InvalidError{Problems: differences}
}

// conversion is one chart on its way.
type conversion struct {
	chart *pack.Pack
	// converted are the texts of templates that are others in the pack, by their paths.
	converted map[string][]byte
	// readsFiles says that templates read other files of the chart.
	readsFiles bool
	problems   []pack.Problem
	notes      []string
}

func (c *conversion) complain(file string, line int, format string, args ...any) {
	c.problems = append(c.problems, pack.Problem{File: pack.PathIn(c.chart.Path, file), Line: line, Message: fmt.Sprintf(format, args...)})
}

// err is the error for all problems, in the order of files and lines.
func (c *conversion) err() error {
	slices.SortStableFunc(c.problems, func(a, b pack.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return &pack.InvalidError{Problems: slices.Compact(c.problems)}
}

// checkFiles finds the files that mean something else in a pack, or nothing.
func (c *conversion) checkFiles() {
	if c.chart.Kind == pack.Library {
		c.complain(pack.ChartFile, 0, "a library chart renders to nothing that could be compared")
	}
	subcharts := map[string]bool{}
	for _, file := range c.chart.All {
		name := file.Path
		switch rest, isSubchart := strings.CutPrefix(name, "charts/"); {
		case isSubchart && !strings.HasPrefix(rest, "."):
			subchart, _, _ := strings.Cut(rest, "/")
			if !subcharts[subchart] {
				subcharts[subchart] = true
				c.complain("charts/"+subchart, 0, "a subchart, which convert does not take over")
			}
		case name == "requirements.yaml":
			c.complain(name, 0, "dependencies, which convert does not take over")
		case strings.HasPrefix(name, pack.PacksFolder+"/"),
			slices.Contains([]string{pack.MetadataFile, pack.LockFile, pack.IgnoreFile, pack.SchemaFiles()[1]}, name):
			c.complain(name, 0, "means something to a pack, and nothing to a chart; rename it")
		case strings.HasPrefix(name, "templates/") && !isTemplate(name):
			c.complain(name, 0, "a template whose name does not end in %s, which a pack does not render", strings.Join(extensions(), ", "))
		}
	}
	if _, found := c.chart.Text(".helmignore"); found {
		c.notes = append(c.notes, "what .helmignore excludes is not in the pack; packs have .sherpackignore for it")
	}
}

// extensions are what the names of the templates of a pack end in.
func extensions() []string { return []string{".yaml", ".yml", ".json", ".tpl", ".txt"} }

func isTemplate(name string) bool { return slices.Contains(extensions(), path.Ext(name)) }

// files are those of the pack, with this metadata.
func (c *conversion) files(metadata []byte) []pack.File {
	files := []pack.File{{Path: pack.MetadataFile, Data: metadata}}
	for _, file := range c.chart.All {
		if text, changed := c.converted[file.Path]; changed {
			file.Data = text
		}
		if file.Path != pack.ChartFile && file.Path != "Chart.lock" {
			files = append(files, file)
		}
	}
	return files
}

// inChart names in the problems of a pack the places of the chart that they come from.
func (c *conversion) inChart(err error) error {
	invalid, isInvalid := err.(*pack.InvalidError) //nolint:errorlint // It is what pack.New returns.
	if !isInvalid {
		return err
	}
	for i, problem := range invalid.Problems {
		if key, below := strings.CutPrefix(problem.Path, "metadata."); below && path.Base(problem.File) == pack.MetadataFile {
			problem.File, problem.Line, problem.Path = pack.PathIn(c.chart.Path, pack.ChartFile), c.lineOf(key), key
			invalid.Problems[i] = problem
		}
	}
	return invalid
}
