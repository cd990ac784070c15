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

// Chart makes a pack of a chart and of each of its subcharts, and renders both for an engine to compare them. The error is a
// *pack.InvalidError with everything that cannot be converted or is rendered to something else; files are those of the chart.
func Chart(chart source.Source, engine render.Engine) (*Converted, error) {
	if err := chart.CheckDependencies(); err != nil {
		return nil, err
	}
	c := newConversion(chart.Pack(), "")
	if c.chart.Kind == pack.Library {
		c.complain(pack.ChartFile, 0, "a library chart renders to nothing that could be compared")
	}
	if problems := c.allProblems(); len(problems) > 0 {
		return nil, &pack.InvalidError{Problems: problems}
	}
	var differences []pack.Problem
	for _, strict := range []bool{true, false} {
		files := c.files(strict)
		made, err := source.New(c.chart.Path, slices.Clone(files))
		if err == nil {
			err = made.CheckDependencies()
		}
		if err != nil {
			return nil, c.inChart(err)
		}
		found := comparison{chart: chart, pack: made, engine: engine}
		if found.compare(); len(found.problems) == 0 {
			notes := c.allNotes()
			for _, note := range defaultsOfSchemas(made.Pack(), "") {
				notes = append(notes, note.String())
			}
			return &Converted{Files: files, Strict: strict, Notes: notes, Compared: found.compared}, nil
		}
		differences = found.problems
	}
	return nil, &pack.InvalidError{Problems: differences}
}

// conversion is one chart on its way.
type conversion struct {
	chart *pack.Pack
	// folder is where its pack lies in that of the top chart, which is "" for itself, and below are its subcharts.
	folder string
	below  []*conversion
	// metadata and dependencies are what Pack.yaml says.
	metadata     metadata
	dependencies dependencies
	// converted are the texts of templates that are others in the pack, by their paths.
	converted map[string][]byte
	// readsFiles says that templates read other files of the chart.
	readsFiles bool
	problems   []pack.Problem
	notes      []string
}

// newConversion converts a chart and its subcharts as far as it goes.
func newConversion(chart *pack.Pack, folder string) *conversion {
	c := &conversion{chart: chart, folder: folder}
	c.checkFiles()
	c.convertTemplates()
	c.metadata = c.convertMetadata()
	c.convertSubcharts()
	c.dependencies = c.convertDependencies()
	return c
}

func (c *conversion) complain(file string, line int, format string, args ...any) {
	c.problems = append(c.problems, pack.Problem{File: pack.PathIn(c.chart.Path, file), Line: line, Message: fmt.Sprintf(format, args...)})
}

// note tells of something that does not keep the chart from being converted.
func (c *conversion) note(file string, line int, format string, args ...any) {
	in := strings.ReplaceAll(c.folder, pack.PacksFolder+"/", pack.ChartsFolder+"/")
	c.notes = append(c.notes, pack.Problem{File: path.Join(in, file), Line: line, Message: fmt.Sprintf(format, args...)}.String())
}

// all are the conversions of the chart and of all its subcharts.
func (c *conversion) all() []*conversion {
	found := []*conversion{c}
	for _, below := range c.below {
		found = append(found, below.all()...)
	}
	return found
}

// allProblems are those of all charts, in the order of files and lines.
func (c *conversion) allProblems() []pack.Problem {
	var found []pack.Problem
	for _, one := range c.all() {
		found = append(found, one.problems...)
	}
	slices.SortStableFunc(found, func(a, b pack.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.Compact(found)
}

func (c *conversion) allNotes() []string {
	var found []string
	for _, one := range c.all() {
		found = append(found, one.notes...)
	}
	return found
}

// The files of dependencies that a pack has not.
const (
	requirementsFile = "requirements.yaml"
	requirementsLock = "requirements.lock"
	chartLock        = "Chart.lock"
)

// checkFiles finds the files that mean something else in a pack, or nothing.
func (c *conversion) checkFiles() {
	for _, file := range c.chart.All {
		switch name := file.Path; {
		case strings.HasPrefix(name, pack.PacksFolder+"/"),
			slices.Contains([]string{pack.MetadataFile, pack.LockFile, pack.IgnoreFile, pack.SchemaFiles()[1]}, name):
			c.complain(name, 0, "means something to a pack, and nothing to a chart; rename it")
		case strings.HasPrefix(name, "templates/") && !isTemplate(name):
			c.complain(name, 0, "a template whose name does not end in %s, which a pack does not render", strings.Join(extensions(), ", "))
		}
	}
	if _, found := c.chart.Text(".helmignore"); found && c.folder == "" {
		c.notes = append(c.notes, "what .helmignore excludes is not in the pack; packs have .sherpackignore for it")
	}
}

// extensions are what the names of the templates of a pack end in.
func extensions() []string { return []string{".yaml", ".yml", ".json", ".tpl", ".txt"} }

func isTemplate(name string) bool { return slices.Contains(extensions(), path.Ext(name)) }

// files are those of the pack and of all below it, by their paths in the top pack.
func (c *conversion) files(strict bool) []pack.File {
	files := []pack.File{{Path: path.Join(c.folder, pack.MetadataFile), Data: c.encode(strict)}}
	for _, file := range c.chart.All {
		if text, changed := c.converted[file.Path]; changed {
			file.Data = text
		}
		isLeft := slices.Contains([]string{pack.ChartFile, chartLock, requirementsFile, requirementsLock}, file.Path)
		if !isLeft && !strings.HasPrefix(file.Path, pack.ChartsFolder+"/") {
			files = append(files, pack.File{Path: path.Join(c.folder, file.Path), Data: file.Data})
		}
	}
	for _, below := range c.below {
		files = append(files, below.files(strict)...)
	}
	return files
}

// inChart names in the problems of a pack the places of the chart that they come from.
func (c *conversion) inChart(err error) error {
	invalid, isInvalid := err.(*pack.InvalidError) //nolint:errorlint // It is what source.New returns.
	if !isInvalid {
		return err
	}
	for i, problem := range invalid.Problems {
		for _, one := range c.all() {
			if problem.File == pack.PathIn(c.chart.Path, path.Join(one.folder, pack.MetadataFile)) {
				invalid.Problems[i] = one.inMetadata(problem)
			}
		}
	}
	return invalid
}

// inMetadata names in a problem of Pack.yaml the place that it comes from.
func (c *conversion) inMetadata(problem pack.Problem) pack.Problem {
	file, index := pack.ChartFile, 0
	key, isMetadata := strings.CutPrefix(problem.Path, "metadata.")
	_, err := fmt.Sscanf(problem.Path, "dependencies[%d]", &index)
	switch {
	case isMetadata:
		problem.Path, problem.Line = key, c.lineOf(key)
	case err == nil:
		file, problem.Line = c.dependencies.file, c.dependencies.line(index)
	}
	problem.File = pack.PathIn(c.chart.Path, file)
	return problem
}
