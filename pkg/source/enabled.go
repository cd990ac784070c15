package source

import (
	"fmt"
	"strings"

	"github.com/sherpack-io/kubectl-sherpack/pkg/pack"
)

// isEnabled reports whether a dependency is rendered, by the rules of Helm: the first path of its condition that is true or false
// decides; else it is disabled where one of its tags is false and none is true. values are all of the pack that depends on it, and
// tags those of the top pack. What is not listed in Pack.yaml is enabled.
func isEnabled(wanted *pack.Dependency, values, tags map[string]any) (enabled bool, warnings []string) {
	if wanted == nil {
		return true, nil
	}
	enabled, warnings = byTags(wanted, tags)
	for condition := range strings.SplitSeq(wanted.Condition, ",") {
		switch value := valueAt(values, condition).(type) {
		case nil:
		case bool:
			return value, warnings
		default:
			warnings = append(warnings, fmt.Sprintf("the condition %s of the dependency %s is neither true nor false, and does not count", condition, wanted.Key()))
		}
	}
	return enabled, warnings
}

func byTags(wanted *pack.Dependency, tags map[string]any) (enabled bool, warnings []string) {
	var isTrue, isFalse bool
	for _, tag := range wanted.Tags {
		switch value := tags[tag].(type) {
		case nil:
		case bool:
			isTrue, isFalse = isTrue || value, isFalse || !value
		default:
			warnings = append(warnings, fmt.Sprintf("the tag %s of the dependency %s is neither true nor false, and does not count", tag, wanted.Key()))
		}
	}
	return isTrue || !isFalse, warnings
}

// valueAt is the value at a path with dots; nil where there is none, or a mapping.
func valueAt(values map[string]any, dotted string) any {
	keys := strings.Split(dotted, ".")
	for _, key := range keys[:len(keys)-1] {
		values = mapping(values[key])
	}
	value := values[keys[len(keys)-1]]
	if _, isMapping := value.(map[string]any); isMapping {
		return nil
	}
	return value
}
