package source

import (
	"maps"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// completion completes the values of a tree from the top down.
type completion struct {
	// layers are what all values come from, from the weakest to the strongest, and known says where they were given.
	layers []pack.Layer
	known  func(path []string) (pack.Source, bool)
	// scopes are the packs, each before those it depends on.
	scopes []pack.Scope
	charts []render.Completed
	// errs are about values, and about dependencies that are missing.
	errs     []error
	warnings []string
}

// received is what a part gets from the packs above it, or from the user.
type received struct {
	given map[string]any
	// global are values that all packs see, and tags those that enable dependencies.
	global, tags map[string]any
}

// pack completes the values of a pack and of those it depends on, and returns them without those that all packs see: it has them
// from above.
func (c *completion) pack(t *part, from received) map[string]any {
	own, err := t.pack.Lay(from.given)
	if err != nil {
		c.errs = append(c.errs, err)
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
	c.errs = append(c.errs, t.pack.Validate(seen, c.place(t)))
	c.scopes[at].Values = seen
	return own
}

// dependency completes one, if it is enabled, and puts its values among those of the pack that depends on it.
func (c *completion) dependency(t, of *part, own, conditions map[string]any, from received) {
	name := of.name()
	inner, isMapping := own[name].(map[string]any)
	if own[name] != nil && !isMapping {
		misfit := c.place(t).Problem("must be a mapping: it holds the values of the dependency "+name, name)
		c.errs = append(c.errs, &pack.InvalidError{Problems: []pack.Problem{misfit}})
		return
	}
	enabled, warnings := isEnabled(of.wanted, conditions, from.tags)
	c.warnings = append(c.warnings, warnings...)
	if !enabled {
		c.scopes = append(c.scopes, pack.Scope{Names: of.names})
		return
	}
	to := received{given: inner, global: from.global, tags: from.tags}
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
	made, err := t.chart.Complete(render.Values{Given: given, Layers: c.layers, Tags: from.tags})
	if err != nil {
		c.errs = append(c.errs, err)
		return nil
	}
	c.charts = append(c.charts, made)
	values := maps.Clone(made.Values())
	if _, own := from.given[pack.GlobalKey]; !own {
		delete(values, pack.GlobalKey)
	}
	return values
}

// place is that of the values of a pack.
func (c *completion) place(t *part) pack.Place {
	return pack.Place{Opened: t.opened(), Folder: pack.FolderOf(t.names), Path: t.names, Source: c.known, Extra: t.extraKeys()}
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
