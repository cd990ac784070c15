package plugin

import (
	"errors"
	"io"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/reads"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
	"github.com/sherpack-io/kubectl-sherpack/pkg/source"
)

// input is a pack or chart with the values it is rendered with.
type input struct {
	source source.Source
	// defaults take the place of its own values; nil keeps these.
	defaults map[string]any
	// given are the user's values.
	given map[string]any
	// completed has all of them with its own, once Merge was called.
	completed render.Completed
	// typed are the sources that the user gives now, and below are those that are weaker: its own values, and what is kept of an
	// earlier revision. Each begins with the weakest.
	below, typed []pack.Layer
	// strict refuses all values of typed that the pack does not read.
	strict bool
	// unread are the values of typed that the pack does not read and that are not refused.
	unread []reads.Unread
}

// loadInput reads a pack that can be installed, and the values that the user gives. It reaches no cluster.
func loadInput(path string, values valuesFlags, stdin io.Reader) (*input, error) {
	opened, err := source.Open(path)
	if err != nil {
		return nil, err
	}
	if p := opened.Pack(); p.Kind == pack.Library {
		return nil, inputError{errors.New("pack " + p.Metadata.Name + " is a library: it only defines templates for other packs and cannot be installed")}
	}
	given, err := values.Load(stdin)
	if err != nil {
		return nil, err
	}
	return &input{
		source: opened, given: given.Values, below: opened.Defaults(), typed: given.Layers, strict: values.Strict,
	}, nil
}

// Copy returns an input that can be completed without changing this one.
func (i *input) Copy() *input {
	copied := *i
	return &copied
}

// Pack is what was read.
func (i *input) Pack() *pack.Pack { return i.source.Pack() }

// Merge puts all values together and checks them against the schema.
func (i *input) Merge() (err error) {
	i.completed, err = i.source.Complete(render.Values{Defaults: i.defaults, Given: i.given, Layers: slices.Concat(i.below, i.typed)})
	return err
}

// Merged are all values together.
func (i *input) Merged() map[string]any { return i.completed.Values() }

// Origins returns where each of the merged values comes from.
func (i *input) Origins() []pack.Origin {
	return pack.Explain(slices.Concat(i.below, i.typed), i.Merged())
}

// Render renders what was completed, and warns of what there is to know of it.
func (i *input) Render(engine render.Engine, r render.Release, to *warnings) (*render.Result, error) {
	result, err := i.completed.Render(engine, r)
	if err == nil {
		err = result.Mistakes
	}
	if err != nil {
		return nil, err
	}
	for _, warning := range result.Warnings {
		to.Warn("%s", warning)
	}
	return result, nil
}
