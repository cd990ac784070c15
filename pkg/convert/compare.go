package convert

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/lint"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/plan"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// defaults is how the values of the chart alone are called.
const defaults = "the defaults"

// comparison renders a chart and a pack in all ways, and gathers the differences.
type comparison struct {
	chart, pack source.Source
	engine      render.Engine
	// compared are the values that both were rendered with.
	compared []string
	problems []pack.Problem
}

// compare compares both with the defaults, and with each file of values that the chart brings.
func (c *comparison) compare() {
	var failed error
	for _, file := range c.files() {
		for _, isUpgrade := range []bool{false, true} {
			if err := c.with(file, isUpgrade); failed == nil {
				failed = err
			}
		}
	}
	if len(c.compared) == 0 && len(c.problems) == 0 {
		message := fmt.Sprintf("the chart cannot be rendered with %s, nor with values in %s: %v", defaults, lint.ValuesPattern, failed)
		c.add(pack.Problem{File: c.where(""), Message: message})
	}
	if len(c.problems) > 0 {
		for _, note := range defaultsOfSchemas(c.pack.Pack(), "") {
			c.add(pack.Problem{File: c.where(note.File), Message: note.Message})
		}
	}
	slices.SortStableFunc(c.problems, func(a, b pack.Problem) int { return strings.Compare(a.File, b.File) })
}

// defaultsOfSchemas says which values a pack in a folder, and those below it, have of their schemas, and charts have not.
func defaultsOfSchemas(p *pack.Pack, folder string) []pack.Problem {
	var notes []pack.Problem
	const few = 5
	if found := p.SchemaDefaults(); len(found) > 0 {
		message := "the defaults in the schema are values of a pack, and Helm does not read them: " + words.List(found, few)
		notes = append(notes, pack.Problem{File: path.Join(folder, p.Schema.File), Message: message})
	}
	// They were opened before.
	nested, _ := p.Nested(pack.PacksFolder)
	for _, n := range nested {
		if below, err := pack.New(n.Path, n.Files); err == nil {
			notes = append(notes, defaultsOfSchemas(below, path.Join(folder, pack.ChartsFolder, path.Base(n.Path)))...)
		}
	}
	return notes
}

// files are the files of values, "" for none.
func (c *comparison) files() []string {
	files := []string{""}
	for _, file := range c.chart.Pack().All {
		if match, _ := path.Match(lint.ValuesPattern, file.Path); match {
			files = append(files, file.Path)
		}
	}
	return files
}

// with compares both with values. The error is that of a chart that cannot be rendered with these.
func (c *comparison) with(file string, isUpgrade bool) error {
	once, err := c.rendered(c.chart, file, isUpgrade)
	if err != nil {
		return err
	}
	// What a template makes at random is another the second time.
	again, err := c.rendered(c.chart, file, isUpgrade)
	if err != nil {
		return err
	}
	got, err := c.rendered(c.pack, file, isUpgrade)
	if err != nil {
		c.fail(file, err)
		return nil
	}
	if name := named(file); !slices.Contains(c.compared, name) {
		c.compared = append(c.compared, name)
	}
	if once.notes == again.notes && once.notes != got.notes {
		c.differ(file, pack.NotesFile, "renders to another text")
	}
	for _, key := range slices.Sorted(maps.Keys(once.objects)) {
		switch _, known := got.objects[key]; {
		case known:
			if place := difference("", once.objects[key], again.objects[key], got.objects[key]); place != "" {
				c.differ(file, once.files[key], fmt.Sprintf("%s: %s is another value", key, place))
			}
		case again.objects[key] != nil:
			c.differ(file, once.files[key], key+": not rendered by the pack")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got.objects)) {
		if once.objects[key] == nil && again.objects[key] == nil && len(once.objects) < len(got.objects) {
			c.differ(file, got.files[key], key+": rendered by the pack only")
		}
	}
	return nil
}

func named(file string) string {
	if file == "" {
		return defaults
	}
	return file
}

func (c *comparison) differ(values, file, message string) {
	c.add(pack.Problem{File: c.where(file), Message: message + ", with " + named(values)})
}

// add adds a problem, once: an upgrade has most of those that an installation has.
func (c *comparison) add(problem pack.Problem) {
	if !slices.Contains(c.problems, problem) {
		c.problems = append(c.problems, problem)
	}
}

// where names a file of the chart, which Helm calls by its name, or the chart itself, for "".
func (c *comparison) where(file string) string {
	p := c.chart.Pack()
	parts := strings.Split(strings.TrimPrefix(file, p.Metadata.Name+"/"), "/")
	for i := 0; i < len(parts) && parts[i] == pack.PacksFolder; i += 2 {
		parts[i] = pack.ChartsFolder
	}
	return pack.PathIn(p.Path, strings.Join(parts, "/"))
}

// fail tells each error of rendering the pack, which has the lines of the chart.
func (c *comparison) fail(values string, err error) {
	if joined, isJoined := err.(interface{ Unwrap() []error }); isJoined {
		for _, one := range joined.Unwrap() {
			c.fail(values, one)
		}
		return
	}
	var invalid *pack.InvalidError
	if errors.As(err, &invalid) {
		for _, problem := range invalid.Problems {
			problem.File = cmp.Or(problem.File, invalid.Schema)
			problem.Message += ", with " + named(values)
			c.add(problem)
		}
		return
	}
	var located *render.Error
	if !errors.As(err, &located) || located.File == "" {
		c.add(pack.Problem{Message: c.where(err.Error()) + ", with " + named(values)})
		return
	}
	bare := *located
	bare.File, bare.Line = "", 0
	c.add(pack.Problem{File: c.where(located.File), Line: located.Line, Message: bare.Error() + ", with " + named(values)})
}

// rendering is what one of both is rendered to.
type rendering struct {
	// objects and files, their templates, are by the names of objects.
	objects map[string]any
	files   map[string]string
	notes   string
}

// rendered renders one of both.
func (c *comparison) rendered(from source.Source, file string, isUpgrade bool) (*rendering, error) {
	completed, err := from.Complete(render.Values{File: file})
	if err != nil {
		return nil, err
	}
	const namespace = "default"
	result, err := completed.Render(c.engine, render.Release{
		Name: "release-name", Namespace: namespace, Revision: 1, IsInstall: !isUpgrade, IsUpgrade: isUpgrade,
	})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(result.Mistakes, plan.Check(result.Nodes, namespace)); err != nil {
		return nil, err
	}
	return read(result)
}

func read(result *render.Result) (*rendering, error) {
	found := &rendering{objects: map[string]any{}, files: map[string]string{}, notes: result.Notes}
	for _, node := range result.Nodes {
		object, err := manifest.NewObject(node)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("%s %s", object.GetAPIVersion(), title(node))
		for found.objects[name] != nil {
			name += "+"
		}
		object.SetAnnotations(inOurWords(object.GetAnnotations()))
		found.objects[name], found.files[name] = object.Object, object.File
	}
	return found, nil
}

// title names a resource.
func title(node *yaml.RNode) string {
	return strings.TrimPrefix(fmt.Sprintf("%s/%s/%s", node.GetNamespace(), node.GetKind(), node.GetName()), "/")
}

// inOurWords returns annotations in which those of Helm that mean the same have our names.
func inOurWords(annotations map[string]string) map[string]string {
	renamed := maps.Clone(annotations)
	for _, word := range []string{"hook", "hook-weight", "hook-delete-policy", "resource-policy"} {
		if value, found := renamed["helm.sh/"+word]; found {
			delete(renamed, "helm.sh/"+word)
			renamed["sherpack.io/"+word] = value
		}
	}
	return renamed
}

// difference returns the path of the first value that is another in a pack than in a chart; "" where there is none. again is what
// the chart is rendered to the second time: what is not the same then is not compared.
func difference(at string, once, again, got any) string {
	if reflect.DeepEqual(once, got) {
		return ""
	}
	switch once := once.(type) {
	case map[string]any:
		again, isStable := again.(map[string]any)
		got, isMap := got.(map[string]any)
		if isStable && isMap {
			return differenceInMaps(at, once, again, got)
		}
	case []any:
		again, isStable := again.([]any)
		got, isList := got.([]any)
		if isStable && isList && len(again) == len(once) && len(got) == len(once) {
			return differenceInLists(at, once, again, got)
		}
	}
	if !reflect.DeepEqual(once, again) {
		return ""
	}
	return at
}

func differenceInMaps(at string, once, again, got map[string]any) string {
	keys := slices.Concat(slices.Collect(maps.Keys(once)), slices.Collect(maps.Keys(got)))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if place := difference(strings.TrimPrefix(at+"."+key, "."), once[key], again[key], got[key]); place != "" {
			return place
		}
	}
	return ""
}

// differenceInLists compares lists of the same length.
func differenceInLists(at string, once, again, got []any) string {
	for i := range once {
		if place := difference(fmt.Sprintf("%s[%d]", at, i), once[i], again[i], got[i]); place != "" {
			return place
		}
	}
	return ""
}
