package manifest

import (
	"errors"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Files gathers the resources of rendered files. The zero value has none.
type Files struct {
	nodes  []*yaml.RNode
	errs   []error
	values int
}

// Add adds what Decode has read in a file, and its error, which Resources tells with all others. The error of Add is an *Error
// about a manifest that has too many values, and ends the reading.
func (f *Files) Add(file string, nodes []*yaml.RNode, err error) error {
	f.nodes, f.errs = append(f.nodes, nodes...), append(f.errs, err)
	f.values += Count(nodes)
	return CheckCount(file, f.values)
}

// Resources returns the resources in the order in which they were added. The errors are those of Decode, joined.
func (f *Files) Resources() ([]*yaml.RNode, error) { return f.nodes, errors.Join(f.errs...) }
