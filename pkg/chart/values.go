package chart

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// Defaults are the values of all subcharts, the deepest first, and then the chart's own. What Helm imports from a subchart is a
// default that no file says.
func (c *Chart) Defaults() []pack.Layer {
	return layers(c.loaded, nil)
}

// layers are the default values of a chart and its subcharts, from the weakest to the strongest.
func layers(c *chart.Chart, below []string) []pack.Layer {
	var found []pack.Layer
	for _, sub := range c.Dependencies() {
		found = append(found, layers(sub, append(slices.Clip(below), sub.Name()))...)
	}
	at := slices.IndexFunc(c.Raw, func(file *common.File) bool { return file.Name == pack.ValuesFile })
	if at < 0 {
		return found
	}
	return append(found, pack.DefaultsBelow(below, path.Join(subfolder(below), pack.ValuesFile), c.Raw[at].Data, c.Values))
}

// subfolder is where a subchart is found whose values have a path, if it is a folder and has no alias.
func subfolder(below []string) string {
	found := ""
	for _, name := range below {
		found = path.Join(found, pack.ChartsFolder, name)
	}
	return found
}

// Complete lays values over those of the chart as Helm does: it decides which subcharts are enabled, and imports their values.
func (c *Chart) Complete(values render.Values) (render.Completed, error) {
	if values.File != "" {
		given, err := c.read(values.File)
		if err != nil {
			return nil, err
		}
		values.Given = given
	}
	loaded := clone(c.loaded)
	if values.Defaults != nil {
		loaded.Values = floats(values.Defaults)
	}
	if err := c.checkDependencies(loaded); err != nil {
		return nil, err
	}
	if err := checkCount(loaded, maxCharts); err != nil {
		return nil, invalid(c.pack.Path, err)
	}
	given := asHelmReads(values, c.names)
	completed := &completed{chart: c, loaded: loaded}
	warnings, err := c.bounded(func() (err error) {
		if err := chartutil.ProcessDependencies(loaded, withTags(given, values.Tags)); err != nil {
			return err
		}
		completed.values, err = util.CoalesceValues(loaded, given)
		return err
	})
	if err != nil {
		return nil, invalid(c.pack.Path, err)
	}
	completed.warnings = append(slices.Clone(c.warnings), warnings...)
	if err := checkSchemas(loaded, completed.values, c.place(values.Layers)); err != nil {
		return nil, err
	}
	return completed, nil
}

// withTags returns values with the tags that a pack decides by which depends on the chart; none leaves its own.
func withTags(given, tags map[string]any) map[string]any {
	if tags == nil {
		return given
	}
	with := maps.Clone(given)
	with["tags"] = tags
	return with
}

// read reads a file of values among those of the chart.
func (c *Chart) read(name string) (map[string]any, error) {
	data, _ := c.pack.Text(name)
	values, err := common.ReadValues(data)
	if err != nil {
		return nil, &pack.InvalidError{Problems: []pack.Problem{{File: c.pack.Path + "/" + name, Message: err.Error()}}}
	}
	return values, nil
}

// checkDependencies refuses a chart whose Chart.yaml names subcharts that it does not have, whether they are enabled or not, as
// Helm's commands do.
func (c *Chart) checkDependencies(loaded *chart.Chart) error {
	var missing []string
	for _, wanted := range loaded.Metadata.Dependencies {
		has := func(sub *chart.Chart) bool { return sub.Name() == wanted.Name }
		if !slices.ContainsFunc(loaded.Dependencies(), has) {
			missing = append(missing, strings.TrimSpace(wanted.Name+" "+wanted.Version))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &pack.InvalidError{Problems: []pack.Problem{{
		File: strings.TrimRight(c.pack.Path, "/") + "/" + pack.ChartFile, Path: "dependencies",
		Message: fmt.Sprintf("not in charts/: %s; %s", strings.Join(missing, ", "), c.remedy()),
	}}}
}

// remedy says how to get the subcharts that are missing. Helm only adds them to a folder.
func (c *Chart) remedy() string {
	const build = "run helm dependency build"
	switch {
	case len(c.names) > 0:
		return build + " on the folder of the chart before it is put into packs/"
	case slices.Contains([]string{".tgz", ".gz"}, path.Ext(c.opened)):
		return "unpack the archive, and " + build + " on the folder"
	}
	return build + " " + c.opened
}

// place is that of the chart's values, where all values come from layers.
func (c *Chart) place(layers []pack.Layer) pack.Place {
	return pack.Place{Opened: c.opened, Folder: pack.FolderOf(c.names), Path: c.names, Source: pack.SourceIn(layers)}
}

// checkSchemas compares the values at a place of a chart, and of its enabled subcharts, with the schema of each.
func checkSchemas(c *chart.Chart, values map[string]any, at pack.Place) error {
	var files []pack.File
	for _, file := range c.Raw {
		files = append(files, pack.File{Path: file.Name, Data: file.Data})
	}
	errs := []error{pack.CheckSchema(files, plain(values), at)}
	for _, sub := range c.Dependencies() {
		below, exists := values[sub.Name()]
		if !exists || below == nil {
			continue
		}
		its, isMap := asMap(below)
		if !isMap {
			misfit := at.Problem("must be a mapping: it holds the values of the subchart "+sub.Name(), sub.Name())
			errs = append(errs, &pack.InvalidError{Problems: []pack.Problem{misfit}})
			continue
		}
		inside := at
		inside.Folder, inside.Path = path.Join(at.Folder, pack.ChartsFolder, sub.Name()), append(slices.Clip(at.Path), sub.Name())
		errs = append(errs, checkSchemas(sub, its, inside))
	}
	return errors.Join(errs...)
}

func asMap(value any) (map[string]any, bool) {
	switch value := value.(type) {
	case map[string]any:
		return value, true
	case common.Values:
		return value, true
	}
	return nil, false
}

// plain returns values in which every mapping is a plain one, as a schema is compared with.
func plain(values map[string]any) map[string]any {
	copied := maps.Clone(values)
	for key, value := range copied {
		if below, isMap := asMap(value); isMap {
			copied[key] = plain(below)
		}
	}
	return copied
}
