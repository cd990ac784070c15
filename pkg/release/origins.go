package release

import "github.com/sherpack-io/kubectl-sherpack/pkg/pack"

// ValueOrigins returns where each of the values comes from: as it was recorded, or else no more than whether the user gave it.
func (c Content) ValueOrigins() []pack.Origin {
	if len(c.Origins) > 0 {
		return c.Origins
	}
	given := pack.Layer{Values: c.Values, Source: func([]string) pack.Source { return pack.Source{Kind: pack.FromUser} }}
	origins := pack.Explain([]pack.Layer{given}, c.Merged)
	for i := range origins {
		if origins[i].From.Kind == pack.FromSchema {
			// Or of values.yaml: nobody knows.
			origins[i].From.Kind = pack.FromDefaults
		}
	}
	return origins
}

// Origin returns the number of the revision that was rendered to the content of a revision: another where that was rolled back
// to. The history may not have it any more.
func (h History) Origin(r *Release) int {
	for r.Spec.FromRevision != 0 && r.Spec.FromRevision < r.Spec.Revision {
		from := h.Revision(r.Spec.FromRevision)
		if from == nil {
			return r.Spec.FromRevision
		}
		r = from
	}
	return r.Spec.Revision
}
