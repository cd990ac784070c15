package source

import (
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// Of returns a pack as a Source.
func Of(p *pack.Pack) Source { return packed{p} }

func openPack(name string, files []pack.File) (Source, error) {
	opened, err := pack.New(name, files)
	if err != nil {
		return nil, err
	}
	return Of(opened), nil
}

// packed is a pack.
type packed struct{ pack *pack.Pack }

// Pack implements Source.
func (p packed) Pack() *pack.Pack { return p.pack }

// Defaults implements Source.
func (p packed) Defaults() []pack.Layer { return []pack.Layer{p.pack.Defaults()} }

// IsChart implements Source.
func (p packed) IsChart() bool { return false }

// Complete implements Source.
func (p packed) Complete(values render.Values) (render.Completed, error) {
	merging := *p.pack
	if values.Defaults != nil {
		merging.Values = values.Defaults
	}
	merge := func() (map[string]any, error) { return merging.MergeLayers(values.Given, values.Layers) }
	if values.File != "" {
		merge = func() (map[string]any, error) { return merging.MergeFile(values.File) }
	}
	merged, err := merge()
	if err != nil {
		return nil, err
	}
	return completedPack{pack: p.pack, values: merged}, nil
}

// completedPack is a pack with all its values.
type completedPack struct {
	pack   *pack.Pack
	values map[string]any
}

// Values implements render.Completed.
func (c completedPack) Values() map[string]any { return c.values }

// Render implements render.Completed.
func (c completedPack) Render(engine render.Engine, r render.Release) (*render.Result, error) {
	output, err := engine.Render(c.pack, c.values, r)
	if err != nil {
		return nil, err
	}
	var files manifest.Files
	for _, file := range c.pack.CRDs {
		nodes, err := manifest.Decode(file.Path, file.Data, nil)
		if err := files.Add(file.Path, nodes, err); err != nil {
			return nil, err
		}
	}
	for _, file := range output.Files {
		nodes, err := manifest.Decode(file.Path, file.Text, file.Line)
		if err := files.Add(file.Path, nodes, err); err != nil {
			return nil, err
		}
	}
	nodes, err := files.Resources()
	if err != nil {
		return nil, err
	}
	return &render.Result{Nodes: nodes, Notes: output.Notes}, nil
}
