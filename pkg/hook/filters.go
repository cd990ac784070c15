package hook

import (
	"cmp"
	"errors"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Select is a kyaml filter that keeps the hooks of a manifest or, with Regular, everything else. The order stays.
type Select struct {
	Regular bool
}

var _ kio.Filter = Select{}

// Filter implements kio.Filter.
func (s Select) Filter(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	var kept []*yaml.RNode
	for _, node := range nodes {
		if isHook(node) != s.Regular {
			kept = append(kept, node)
		}
	}
	return kept, nil
}

// Order is a kyaml filter that sorts hooks as they run in a phase: by weight, then by kind (a ServiceAccount before
// the Job that uses it), then by name. It refuses what Parse refuses.
type Order struct{}

var _ kio.Filter = Order{}

// Filter implements kio.Filter. The given slice is not changed.
func (Order) Filter(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	hooks, err := parseAll(nodes)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(hooks, compare)
	sorted := make([]*yaml.RNode, len(hooks))
	for i, h := range hooks {
		sorted[i] = h.Node
	}
	return sorted, nil
}

// CheckWords refuses, in hooks that Parse accepts, what Helm would ignore under its keys: in a pack that is a mistake. The errors are
// joined *Error.
func CheckWords(nodes []*yaml.RNode) error {
	var errs []error
	for _, node := range nodes {
		a := read(node)
		if _, err := a.parse(); err == nil && isHook(node) {
			a.strict = true
			_, err = a.parse()
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Split takes the hooks out of a manifest. hooks come in the order in which they run, regular resources in the
// manifest's. Every wrong word in any annotation of ours is an error, and so is an unknown phase, as joined *Error.
func Split(nodes []*yaml.RNode) (hooks []Hook, regular []*yaml.RNode, err error) {
	var errs []error
	for _, node := range nodes {
		errs = append(errs, checkKeys(node))
	}
	// A kio.Pipeline would stop at an empty result, and a pack may well have no hooks, or nothing else.
	selected, selectErr := Select{}.Filter(nodes)
	ordered, orderErr := Order{}.Filter(selected)
	regular, regularErr := Select{Regular: true}.Filter(nodes)
	if err := errors.Join(append(errs, selectErr, orderErr, regularErr)...); err != nil {
		return nil, nil, err
	}
	hooks, err = parseAll(ordered)
	return hooks, regular, err
}

func parseAll(nodes []*yaml.RNode) ([]Hook, error) {
	hooks := make([]Hook, len(nodes))
	errs := make([]error, len(nodes))
	for i, node := range nodes {
		hooks[i], errs[i] = Parse(node)
	}
	return hooks, errors.Join(errs...)
}

func compare(a, b Hook) int {
	if order := cmp.Compare(a.Weight, b.Weight); order != 0 {
		return order
	}
	left, right := resid.GvkFromNode(a.Node), resid.GvkFromNode(b.Node)
	switch {
	case left.IsLessThan(right):
		return -1
	case right.IsLessThan(left):
		return 1
	}
	return cmp.Or(cmp.Compare(a.Node.GetName(), b.Node.GetName()), cmp.Compare(a.Node.GetNamespace(), b.Node.GetNamespace()))
}
