package release

import (
	"encoding/json"
	"slices"
)

// Former is an object as it was before the release adopted it. It is recorded before the object is touched.
type Former struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Owner says who it belonged to, as a phrase.
	Owner string `json:"owner"`
	// Object is all of it but its status. It may be a Secret.
	Object json.RawMessage `json:"object"`
}

// IsOf reports whether it is what an entry of the inventory was.
func (f Former) IsOf(entry Entry) bool { return f.key() == entry.key() }

// SetFormer notes what an object was, in place of what was noted of it before.
func (r *Release) SetFormer(former Former) {
	r.Former = LatestFormer(append(slices.Clone(r.Former), former))
}

// LatestFormer keeps what is noted last of each object.
func LatestFormer(all []Former) []Former {
	var latest []Former
	seen := map[objectKey]bool{}
	for _, former := range slices.Backward(all) {
		if key := former.key(); !seen[key] {
			seen[key] = true
			latest = append(latest, former)
		}
	}
	slices.Reverse(latest)
	return latest
}

// objectKey tells objects apart.
type objectKey struct{ group, kind, namespace, name string }

func (f Former) key() objectKey { return objectKey{f.Group, f.Kind, f.Namespace, f.Name} }

func (e Entry) key() objectKey { return objectKey{e.Group, e.Kind, e.Namespace, e.Name} }

// FormerOf returns what an object of the inventory was before it was adopted; nil where that is not on record.
func (r *Release) FormerOf(entry Entry) *Former {
	for i := range r.Former {
		if r.Former[i].IsOf(entry) {
			return &r.Former[i]
		}
	}
	return nil
}

// KeepFormer forgets what objects were that are not provisional any more.
func (r *Release) KeepFormer() {
	provisional := map[objectKey]bool{}
	for _, entry := range r.Inventory {
		if entry.Provisional {
			provisional[entry.key()] = true
		}
	}
	r.Former = slices.DeleteFunc(slices.Clone(r.Former), func(former Former) bool { return !provisional[former.key()] })
}
