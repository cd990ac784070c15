package plan

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/sherpack-io/kubectl-sherpack/pkg/manifest"
)

// selectors are those of a manifest that ask for the label that says what manages an object: charts put Helm's value into the
// selectors of a Service, a ServiceMonitor or a NetworkPolicy, and what these select must keep it.
type selectors []labels.Selector

// selectorsOf finds them in objects, wherever they stand.
func selectorsOf(objects []manifest.Object) selectors {
	var found selectors
	for _, object := range objects {
		found.find(object.Object)
	}
	return found
}

// selects reports whether any of them selects an object by the label.
func (s selectors) selects(object manifest.Object) bool {
	own := labels.Set(object.GetLabels())
	for _, selector := range s {
		if selector.Matches(own) {
			return true
		}
	}
	return false
}

// find adds the selectors in a value of an object and below it.
func (s *selectors) find(value any) {
	switch value := value.(type) {
	case map[string]any:
		s.add(asLabelSelector(value))
		for key, below := range value {
			if plain, isMap := below.(map[string]any); isMap && key == "selector" {
				s.add(asEquality(plain))
			}
			s.find(below)
		}
	case []any:
		for _, item := range value {
			s.find(item)
		}
	}
}

// add adds a selector that asks for the label; nil is none.
func (s *selectors) add(selector labels.Selector) {
	if selector == nil {
		return
	}
	requirements, _ := selector.Requirements()
	for _, requirement := range requirements {
		if requirement.Key() == LabelManagedBy {
			*s = append(*s, selector)
			return
		}
	}
}

// asLabelSelector reads a mapping with matchLabels or matchExpressions; nil is any other.
func asLabelSelector(value map[string]any) labels.Selector {
	if value["matchLabels"] == nil && value["matchExpressions"] == nil {
		return nil
	}
	var read metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(value, &read) != nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(&read)
	if err != nil {
		return nil
	}
	return selector
}

// asEquality reads a mapping of labels to their values, as Services have; nil is any other.
func asEquality(value map[string]any) labels.Selector {
	set := labels.Set{}
	for key, wanted := range value {
		text, isText := wanted.(string)
		if !isText {
			return nil
		}
		set[key] = text
	}
	return labels.SelectorFromSet(set)
}
