package plugin

import (
	"errors"
	"io"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
	"github.com/sherpack-io/kubectl-sherpack/pkg/reads"
	"github.com/sherpack-io/kubectl-sherpack/pkg/render"
)

// input is a pack with the values it is rendered with.
type input struct {
	pack *pack.Pack
	// given are the user's values; all of them with the pack's own are merged.
	given, merged map[string]any
	// typed are the sources that the user gives now, and below are those that are weaker: the pack's own values, and what is
	// kept of an earlier revision. Each begins with the weakest.
	below, typed []pack.Layer
	// strict refuses all values of typed that the pack does not read.
	strict bool
	// unread are the values of typed that the pack does not read and that are not refused.
	unread []reads.Unread
}

// loadInput reads a pack that can be installed, and the values that the user gives. It reaches no cluster.
func loadInput(path string, values valuesFlags, stdin io.Reader) (*input, error) {
	opened, err := pack.Open(path)
	if err != nil {
		return nil, err
	}
	if opened.Kind == pack.Library {
		return nil, inputError{errors.New("pack " + opened.Metadata.Name + " is a library: it only defines templates for other packs and cannot be installed")}
	}
	given, err := values.Load(stdin)
	if err != nil {
		return nil, err
	}
	return &input{
		pack: opened, given: given.Values, below: []pack.Layer{opened.Defaults()}, typed: given.Layers, strict: values.Strict,
	}, nil
}

// Copy returns an input that can be completed without changing this one.
func (i *input) Copy() *input {
	copied, opened := *i, *i.pack
	copied.pack = &opened
	return &copied
}

// Merge puts all values together and checks them against the pack's schema.
func (i *input) Merge() (err error) {
	i.merged, err = i.pack.MergeLayers(i.given, slices.Concat(i.below, i.typed))
	return err
}

// Origins returns where each of the merged values comes from.
func (i *input) Origins() []pack.Origin {
	return pack.Explain(slices.Concat(i.below, i.typed), i.merged)
}

// rendered is a manifest as resources, and the notes.
type rendered struct {
	nodes []*yaml.RNode
	notes string
}

// Render renders the pack; its custom resource definitions come first, as they are.
func (i *input) Render(engine render.Engine, release render.Release) (*rendered, error) {
	output, err := engine.Render(i.pack, i.merged, release)
	if err != nil {
		return nil, err
	}
	result := &rendered{notes: output.Notes}
	var errs []error
	values := 0
	add := func(file string, text []byte, line func(int) int) error {
		nodes, err := manifest.Decode(file, text, line)
		result.nodes, errs = append(result.nodes, nodes...), append(errs, err)
		values += manifest.Count(nodes)
		return manifest.CheckCount(file, values)
	}
	for _, file := range i.pack.CRDs {
		if err := add(file.Path, file.Data, nil); err != nil {
			return nil, err
		}
	}
	for _, file := range output.Files {
		if err := add(file.Path, file.Text, file.Line); err != nil {
			return nil, err
		}
	}
	return result, errors.Join(errs...)
}
