package source

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/chart"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/words"
)

// part is a pack or chart of a tree that is rendered together: the pack that was opened, or one in packs/ of another.
type part struct {
	// names are what the packs above call it, from the top down; the pack that was opened has none.
	names []string
	pack  *pack.Pack
	// chart is nil for a pack.
	chart *chart.Chart
	// wanted is what the pack above says of it; nil for the top, and for what no Pack.yaml lists.
	wanted *pack.Dependency
	below  []*part
	// problems are dependencies that packs/ does not have as Pack.yaml lists them.
	problems []pack.Problem
	// told are the names of those that the problems are about.
	told []string
}

// newPart makes a tree of a pack and what lies in its packs/. The errors are those of pack.Open.
func newPart(p *pack.Pack, names []string) (*part, error) {
	made := &part{names: names, pack: p}
	nested, err := p.Nested(pack.PacksFolder)
	if err != nil {
		return nil, err
	}
	if !pack.CanNest(len(names)) {
		return nil, &pack.FileError{Path: p.Path, Message: fmt.Sprintf("packs lie more than %d deep in each other", len(names)-1)}
	}
	var found []candidate
	for _, n := range nested {
		opened, err := openNested(p, n)
		if err != nil {
			return nil, err
		}
		found = append(found, opened)
	}
	return made, made.choose(found)
}

// candidate is a pack or chart in packs/.
type candidate struct {
	// at is the path of its folder or archive in the pack.
	at     string
	source Source
	used   bool
}

// openNested opens what lies in packs/ of a pack, alone.
func openNested(above *pack.Pack, n pack.Nested) (candidate, error) {
	name := pack.PathIn(above.Path, n.Path)
	if pack.IsChart(n.Files) {
		opened, err := openChart(name, n.Files)
		return candidate{at: n.Path, source: opened}, err
	}
	opened, err := pack.New(name, n.Files)
	if err != nil {
		return candidate{}, err
	}
	return candidate{at: n.Path, source: packed{&part{pack: opened}}}, nil
}

// choose makes parts of what was found: those that Pack.yaml lists, in its order, and then those that it does not.
func (t *part) choose(found []candidate) error {
	for i, wanted := range t.pack.Dependencies {
		matching := t.matching(i, found)
		if matching == nil {
			continue
		}
		matching.used = true
		if err := t.add(*matching, wanted.Key(), &wanted); err != nil {
			return err
		}
	}
	for _, other := range found {
		name := other.source.Pack().Metadata.Name
		switch {
		case other.used:
		case slices.Contains(t.told, name):
		case t.lists(name):
			t.complain(other, "no dependency takes version "+other.source.Pack().Metadata.Version+" of "+name+"; delete it")
		case t.has(name):
			t.complain(other, "is called "+name+" like another dependency; delete one of the two, or give it an alias")
		default:
			if err := t.add(other, name, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// matching returns what was found of a dependency; nil, with a problem, where that is not exactly one.
func (t *part) matching(at int, found []candidate) *candidate {
	wanted := t.pack.Dependencies[at]
	var called []*candidate
	var versions, places []string
	for i, c := range found {
		if metadata := c.source.Pack().Metadata; metadata.Name == wanted.Name {
			called, versions = append(called, &found[i]), append(versions, metadata.Version)
			places = append(places, fmt.Sprintf("%s has version %s", c.at, metadata.Version))
		}
	}
	matching := wanted.Newest(versions)
	complain := func(message string) {
		t.problems, t.told = append(t.problems, t.pack.DependencyProblem(at, message)), append(t.told, wanted.Name)
	}
	switch {
	case len(matching) > 1:
		complain(fmt.Sprintf("%s %s is in packs/ twice: %s and %s; delete one of them",
			wanted.Name, versions[matching[0]], called[matching[0]].at, called[matching[1]].at))
	case len(matching) == 1:
		return called[matching[0]]
	case len(called) > 0:
		complain(fmt.Sprintf("%s of version %s is not in packs/: %s; %s", wanted.Name, wanted.Version, words.Join(" and ", places...), t.remedy()))
	default:
		complain(fmt.Sprintf("%s is not in packs/; %s", wanted, t.remedy()))
	}
	return nil
}

func (t *part) remedy() string { return "run kubectl sherpack dependency update " + t.pack.Path }

func (t *part) complain(about candidate, message string) {
	t.problems = append(t.problems, pack.Problem{File: pack.PathIn(t.pack.Path, about.at), Message: message})
}

func (t *part) lists(name string) bool {
	return slices.ContainsFunc(t.pack.Dependencies, func(d pack.Dependency) bool { return d.Name == name })
}

func (t *part) has(name string) bool {
	return slices.ContainsFunc(t.below, func(below *part) bool { return below.name() == name })
}

// opened is the top pack as the user named it.
func (t *part) opened() string {
	return strings.TrimSuffix(t.pack.Path, pack.PathIn("", pack.FolderOf(t.names)))
}

// name is what the pack above calls it; "" for the top.
func (t *part) name() string {
	if len(t.names) == 0 {
		return ""
	}
	return t.names[len(t.names)-1]
}

// add adds what lies in packs/ under a name, with all that lies in it.
func (t *part) add(found candidate, name string, wanted *pack.Dependency) error {
	names := append(slices.Clip(t.names), name)
	var below *part
	if c, isChart := found.source.(*chart.Chart); isChart {
		if c.Pack().Kind == pack.Library {
			t.complain(found, "is a library chart, whose definitions only charts can use")
			return nil
		}
		renamed, err := c.As(t.opened(), names)
		if err != nil {
			return err
		}
		below = &part{names: names, pack: renamed.Pack(), chart: renamed}
	} else {
		renamed := *found.source.Pack()
		renamed.Metadata.Name, renamed.Path = name, pack.PathIn(t.pack.Path, path.Join(pack.PacksFolder, name))
		var err error
		if below, err = newPart(&renamed, names); err != nil {
			return err
		}
	}
	below.wanted = wanted
	t.below = append(t.below, below)
	return nil
}

// allProblems are those of all parts.
func (t *part) allProblems() []pack.Problem {
	found := slices.Clone(t.problems)
	for _, below := range t.below {
		found = append(found, below.allProblems()...)
	}
	return found
}

// layers are the default values of all parts, from the weakest to the strongest: what is deepest counts least.
func (t *part) layers() []pack.Layer {
	var found []pack.Layer
	for _, below := range t.below {
		found = append(found, below.layers()...)
	}
	own := []pack.Layer{t.pack.Defaults()}
	if t.chart != nil {
		own = t.chart.Defaults()
	}
	for _, layer := range own {
		if len(layer.Values) > 0 || len(t.names) == 0 {
			found = append(found, layer.Below(t.names, pack.FolderOf(t.names)))
		}
	}
	return found
}

// templates are the names of all templates and definitions.
func (t *part) templates() []string {
	folder := pack.FolderOf(t.names)
	if t.chart != nil {
		// Its files have their places already.
		folder = ""
	}
	var names []string
	for _, file := range slices.Concat(t.pack.Templates, t.pack.CRDs) {
		names = append(names, path.Join(folder, file.Path))
	}
	for _, below := range t.below {
		names = append(names, below.templates()...)
	}
	return names
}

// defaults are the values of the part and of those below it, with given ones over them, and with those that all packs see: what
// conditions are looked up in. Nulls delete.
func (t *part) defaults(given, global map[string]any) map[string]any {
	values := pack.Overlay(t.pack.Values, given)
	if t.chart == nil {
		// What is wrong with the schema is told when the values are checked.
		if laid, err := t.pack.Lay(given); err == nil {
			values = laid
		}
	}
	values = withGlobal(values, global)
	for _, below := range t.below {
		name := below.name()
		values[name] = below.defaults(mapping(values[name]), mapping(values[pack.GlobalKey]))
	}
	return values
}

// withGlobal returns values with those that all packs see, which are stronger than their own of the key.
func withGlobal(values, global map[string]any) map[string]any {
	if len(global) == 0 {
		return values
	}
	with := maps.Clone(values)
	if with == nil {
		with = map[string]any{}
	}
	with[pack.GlobalKey] = pack.Overlay(mapping(values[pack.GlobalKey]), global)
	return with
}

// mapping is a value that may be a mapping; nil for all else.
func mapping(value any) map[string]any {
	inner, _ := value.(map[string]any)
	return inner
}
