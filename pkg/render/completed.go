package render

import (
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// Values are what the default values of a pack or chart are completed with.
type Values struct {
	// Defaults take the place of its own defaults; nil keeps these.
	Defaults map[string]any
	// Given are the user's, whether given now or kept of an earlier revision; nil gives none. A null deletes a default.
	Given map[string]any
	// Layers are what all values come from, its own included, from the weakest to the strongest: problems name them. Those of a chart
	// that a pack depends on are the pack's.
	Layers []pack.Layer
	// Tags are those that enable and disable the dependencies of a chart that a pack depends on; nil leaves them to the values.
	Tags map[string]any
	// File is where Given stand among the files of the pack, for problems with them; "" where they stand in none.
	File string
}

// Completed is a pack or chart with all its values.
type Completed interface {
	// Values are the defaults with what was given, merged. They must not be changed.
	Values() map[string]any
	// Scopes are the packs that it consists of, with what their templates see: it, and then its dependencies. They must not be
	// changed.
	Scopes() []pack.Scope
	// Render renders it for a release. The errors are *Error or *manifest.Error, joined where there are several.
	Render(engine Engine, r Release) (*Result, error)
}

// Result is what a pack or chart is rendered to.
type Result struct {
	// Nodes are its resources: definitions of custom resources that are no templates first, then the others by their files.
	Nodes []*yaml.RNode
	// Notes is the text for the user, "" where it has none.
	Notes string
	// Warnings are what its user has to know, a line each.
	Warnings []string
	// Mistakes are joined errors for what must not be used as it is, though it could be; nil is none.
	Mistakes error
}
