package release

import (
	"encoding/json"
	"slices"

	"github.com/sherpack-io/kubectl-sherpack/pkg/kinds"
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

// SetFormer notes what an object was, in place of what was noted of it before.
func (r *Release) SetFormer(former Former) {
	r.Former = LatestFormer(append(slices.Clone(r.Former), former))
}

// LatestFormer keeps what is noted last of each object.
func LatestFormer(all []Former) []Former {
	var latest []Former
	seen := map[kinds.Key]bool{}
	for _, former := range slices.Backward(all) {
		if key := former.Key(); !seen[key] {
			seen[key] = true
			latest = append(latest, former)
		}
	}
	slices.Reverse(latest)
	return latest
}

// Key identifies the object across API versions.
func (f Former) Key() kinds.Key {
	return kinds.Key{Group: f.Group, Kind: f.Kind, Namespace: f.Namespace, Name: f.Name}
}

// FormerOf returns what an object of the inventory was before it was adopted; nil where that is not on record.
func (r *Release) FormerOf(key kinds.Key) *Former {
	for i := range r.Former {
		if r.Former[i].Key() == key {
			return &r.Former[i]
		}
	}
	return nil
}

// KeepFormer forgets what objects were that are not provisional any more.
func (r *Release) KeepFormer() {
	provisional := map[kinds.Key]bool{}
	for _, entry := range r.Inventory {
		if entry.Provisional {
			provisional[entry.Key()] = true
		}
	}
	r.Former = slices.DeleteFunc(slices.Clone(r.Former), func(former Former) bool { return !provisional[former.Key()] })
}
