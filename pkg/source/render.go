package source

import (
	"errors"
	"path"

	"github.com/sherpack-io/kubectl-sherpack/pkg/hook"
	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// Render implements render.Completed. A chart is rendered alone, so that its definitions are no other's.
func (c *completed) Render(engine render.Engine, r render.Release) (*render.Result, error) {
	output, err := engine.Render(c.scopes, r)
	if err != nil {
		return nil, err
	}
	result := &render.Result{Notes: output.Notes, Warnings: c.warnings}
	var files manifest.Files
	if err := c.addDefinitions(&files); err != nil {
		return nil, err
	}
	for _, chart := range c.charts {
		rendered, err := chart.Render(engine, r)
		if err != nil {
			return nil, err
		}
		result.Warnings = append(result.Warnings, rendered.Warnings...)
		if err := files.Add("", rendered.Nodes, nil); err != nil {
			return nil, err
		}
	}
	for _, file := range output.Files {
		nodes, err := manifest.Decode(file.Path, file.Text, file.Line)
		result.Mistakes = errors.Join(result.Mistakes, hook.CheckWords(nodes))
		if err := files.Add(file.Path, nodes, err); err != nil {
			return nil, err
		}
	}
	result.Nodes, err = files.Resources()
	return result, err
}

// addDefinitions adds what is in crds/ of the packs.
func (c *completed) addDefinitions(files *manifest.Files) error {
	for _, scope := range c.scopes {
		if scope.Pack == nil {
			continue
		}
		for _, file := range scope.Pack.CRDs {
			name := path.Join(scope.Folder(), file.Path)
			nodes, err := manifest.Decode(name, file.Data, nil)
			if err := files.Add(name, nodes, err); err != nil {
				return err
			}
		}
	}
	return nil
}
