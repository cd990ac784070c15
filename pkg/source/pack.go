package source

import (
	"errors"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// Of returns a pack that depends on none as a Source.
func Of(p *pack.Pack) Source { return packed{&part{pack: p}} }

func openPack(name string, files []pack.File) (Source, error) {
	opened, err := pack.New(name, files)
	if err != nil {
		return nil, err
	}
	top, err := newPart(opened, nil)
	if err != nil {
		return nil, err
	}
	return packed{top}, nil
}

// packed is a pack with its dependencies.
type packed struct{ top *part }

// Pack implements Source.
func (p packed) Pack() *pack.Pack { return p.top.pack }

// Defaults implements Source.
func (p packed) Defaults() []pack.Layer { return p.top.layers() }

// Templates implements Source.
func (p packed) Templates() []string { return p.top.templates() }

// CheckDependencies implements Source.
func (p packed) CheckDependencies() error {
	if problems := p.top.allProblems(); len(problems) > 0 {
		return &pack.InvalidError{Problems: problems}
	}
	return nil
}

// IsChart implements Source.
func (p packed) IsChart() bool { return false }

// Complete implements Source.
func (p packed) Complete(values render.Values) (render.Completed, error) {
	top := *p.top
	if values.Defaults != nil {
		merging := *top.pack
		merging.Values, top.pack = values.Defaults, &merging
	}
	layers, given := values.Layers, values.Given
	known := pack.SourceIn(layers)
	if values.File != "" {
		file, err := top.pack.ValuesIn(values.File)
		if err != nil {
			return nil, err
		}
		layers, given = append(top.layers(), file), file.Values
		known = orIn(file, pack.SourceIn(layers))
	}
	c := &completion{layers: layers, known: known, errs: []error{p.CheckDependencies()}}
	made := c.pack(&top, received{given: given})
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	return &completed{values: made, scopes: c.scopes, charts: c.charts, warnings: c.warnings}, nil
}

// orIn is where values were given, or would be that are missing: in a file.
func orIn(file pack.Layer, known func([]string) (pack.Source, bool)) func([]string) (pack.Source, bool) {
	return func(path []string) (pack.Source, bool) {
		if source, found := known(path); found {
			return source, true
		}
		return file.Source(path), true
	}
}
