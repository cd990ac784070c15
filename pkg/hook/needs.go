package hook

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// noNeeds is the value of NeedsAnnotation that keeps everything for after the hook.
const noNeeds = "none"

// Need names a resource of the pack that must be there before a hook runs.
type Need struct {
	// Kind is as the user wrote it: in any case, singular or plural. Group is empty where any will do.
	Kind, Group string
	Name        string
}

// String returns "kind/name" or "kind.group/name".
func (n Need) String() string {
	if n.Group == "" {
		return n.Kind + "/" + n.Name
	}
	return n.Kind + "." + n.Group + "/" + n.Name
}

// Means reports whether a resource of some kind and name is the one that is needed.
func (n Need) Means(kind schema.GroupKind, name string) bool {
	return n.Name == name && n.IsKind(kind)
}

// IsKind reports whether a kind is that of the resource that is needed.
func (n Need) IsKind(kind schema.GroupKind) bool {
	if n.Group != "" && !strings.EqualFold(n.Group, kind.Group) {
		return false
	}
	plural, singular := meta.UnsafeGuessKindToResource(kind.WithVersion(""))
	word := strings.ToLower(n.Kind)
	return word == singular.Resource || word == plural.Resource
}

// needPattern is kubectl's way to name a resource: kind/name or kind.group/name.
var needPattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*)(?:\.([A-Za-z0-9.-]+))?/([^/\s]+)$`)

// needs reads the annotation that names what a hook needs. nothing says that this is nothing, not even what its Pod
// refers to.
func (a annotations) needs() (needs []Need, nothing bool, err error) {
	value, given := a.values[NeedsAnnotation]
	if !given {
		return nil, false, nil
	}
	if strings.TrimSpace(value) == noNeeds {
		return nil, true, nil
	}
	var errs []error
	for word := range strings.SplitSeq(value, ",") {
		parts := needPattern.FindStringSubmatch(strings.TrimSpace(word))
		if parts == nil {
			errs = append(errs, a.errorf(NeedsAnnotation,
				"%q is not a resource; valid: kind/name or kind.group/name, separated by commas, or %s alone", strings.TrimSpace(word), noNeeds))
			continue
		}
		if need := (Need{Kind: parts[1], Group: parts[2], Name: parts[3]}); !slices.Contains(needs, need) {
			needs = append(needs, need)
		}
	}
	return needs, false, errors.Join(errs...)
}
