package source

import (
	"maps"
	"slices"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// completion completes the values of a tree from the top down.
type completion struct {
	// scopes are the packs, each before those it depends on.
	scopes []pack.Scope
	charts []render.Completed
	// problems are with values, and with dependencies that are missing.
	problems []pack.Problem
	warnings []string
}

// received is what a part gets from the packs above it, or from the user.
type received struct {
	given map[string]any
	// locate knows where given values are from; nil knows nothing.
	locate pack.Locate
	// global are values that all packs see, and tags those that enable dependencies.
	global, tags map[string]any
	// typed are the layers of given that the user gives now, which a chart has a use for.
	typed []pack.Layer
}

// pack completes the values of a pack and of those it depends on, and returns them without those that all packs see: it has them
// from above.
func (c *completion) pack(t *part, from received) map[string]any {
	own, err := t.pack.Lay(from.given)
	if err != nil {
		c.problems = append(c.problems, asInvalid(err)...)
		return own
	}
	conditions := t.defaults(from.given, from.global)
	pack.DropNulls(conditions)
	if len(t.names) == 0 {
		from.tags = mapping(conditions["tags"])
	}
	from.tags = pack.Overlay(mapping(t.pack.Values["tags"]), from.tags)
	from.global = mapping(conditions[pack.GlobalKey])
	at := len(c.scopes)
	c.scopes = append(c.scopes, pack.Scope{Pack: t.pack, Names: t.names})
	for _, below := range t.below {
		c.dependency(t, below, own, conditions, from)
	}
	pack.DropNulls(own)
	seen := own
	if len(t.names) > 0 {
		seen = withGlobal(own, from.global)
	}
	c.problems = append(c.problems, placed(t, t.pack.Validate(seen, from.given, from.locate, t.extraKeys()...))...)
	c.scopes[at].Values = seen
	return own
}

// dependency completes one, if it is enabled, and puts its values among those of the pack that depends on it.
func (c *completion) dependency(t, of *part, own, conditions map[string]any, from received) {
	name := of.name()
	inner, isMapping := own[name].(map[string]any)
	if own[name] != nil && !isMapping {
		c.problems = append(c.problems, t.misfit(name, from))
		return
	}
	enabled, warnings := isEnabled(of.wanted, conditions, from.tags)
	c.warnings = append(c.warnings, warnings...)
	if !enabled {
		c.scopes = append(c.scopes, pack.Scope{Names: of.names})
		return
	}
	to := received{given: inner, locate: t.locate(name, from), global: from.global, tags: from.tags}
	for _, layer := range from.typed {
		to.typed = append(to.typed, layer.At(name))
	}
	if of.chart != nil {
		own[name] = c.chart(of, to)
		return
	}
	own[name] = c.pack(of, to)
}

// chart completes a chart, which decides over its own dependencies.
func (c *completion) chart(t *part, from received) map[string]any {
	c.scopes = append(c.scopes, pack.Scope{Names: t.names})
	// Charts rely on it that there is always a mapping.
	given := maps.Clone(withGlobal(from.given, from.global))
	if given == nil {
		given = map[string]any{}
	}
	if given[pack.GlobalKey] == nil {
		given[pack.GlobalKey] = map[string]any{}
	}
	made, err := t.chart.Complete(render.Values{Given: given, Typed: from.typed, Tags: from.tags})
	if err != nil {
		c.problems = append(c.problems, placed(t, asInvalid(err))...)
		return nil
	}
	c.charts = append(c.charts, made)
	values := maps.Clone(made.Values())
	if _, own := from.given[pack.GlobalKey]; !own {
		delete(values, pack.GlobalKey)
	}
	return values
}

// misfit is the problem with a value in the place of the values of a dependency.
func (t *part) misfit(name string, from received) pack.Problem {
	problem := pack.Problem{Path: name, Message: "must be a mapping: these are the values of the dependency " + name}
	problem.File, problem.Line = t.locate(name, from)(nil)
	return problem
}

// locate knows where the values are from that a dependency is given: from the values.yaml of the pack, or from above.
func (t *part) locate(name string, from received) pack.Locate {
	defaults := t.pack.Defaults()
	return func(path []string) (file string, line int) {
		path = append([]string{name}, path...)
		if pack.Has(t.pack.Values, path) && !pack.Has(from.given, path) {
			return inside(t.pack, pack.ValuesFile), defaults.Source(path).Line
		}
		if from.locate == nil {
			return "", 0
		}
		return from.locate(path)
	}
}

// placed gives problems with the values of a dependency the paths that they have in those of the top pack, save where they stand in
// its own files.
func placed(t *part, problems []pack.Problem) []pack.Problem {
	for i, problem := range problems {
		own := strings.HasPrefix(problem.File, inside(t.pack, ""))
		if len(t.names) > 0 && !own {
			problems[i].Path = strings.TrimSuffix(pack.SetPath(t.names)+"."+problem.Path, ".")
		}
	}
	return problems
}

// extraKeys are keys of the values that a schema need not describe: they are for dependencies.
func (t *part) extraKeys() []string {
	var keys []string
	for _, wanted := range t.pack.Dependencies {
		keys = append(keys, wanted.Key())
	}
	for _, below := range t.below {
		keys = append(keys, below.name())
	}
	if len(keys) > 0 {
		keys = append(keys, "tags")
	}
	if len(keys) > 0 || len(t.names) > 0 {
		keys = append(keys, pack.GlobalKey)
	}
	return keys
}

// completed is a pack with all its values, and the dependencies that they enable.
type completed struct {
	values   map[string]any
	scopes   []pack.Scope
	charts   []render.Completed
	warnings []string
}

// Values implements render.Completed.
func (c *completed) Values() map[string]any { return c.values }

// Scopes implements render.Completed.
func (c *completed) Scopes() []pack.Scope { return slices.Clone(c.scopes) }
